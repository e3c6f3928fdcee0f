import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { givenBatch } from '../../data/index.ts'
import {
  Fault,
  type JobDefinition,
  type RecordsStep,
  type ReduceStep,
  type StepDefinition,
  type StepInput,
} from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { DryRecords, DryReduce, findStep } from '../../runtime/index.ts'
import { outcomeOf, reportOf } from './outcome.ts'
import type { StepOutcome, StepReport } from './outcome.ts'
import { readGiven } from './read-given.ts'
import { clientsFor, contextFor, fillState } from './setting.ts'
import type { StepTestOptions } from './setting.ts'
import { tablesFor } from './tables.ts'

/** A step of a job, by name, on one record or on a list. */
export async function testNamedStep(
  job: JobDefinition,
  name: string,
  given: object,
  options: StepTestOptions,
): Promise<StepOutcome<object> | StepReport<object>> {
  const step = findStep(job, name)
  const list = Array.isArray(given)
  const records = list ? (given as readonly object[]) : [given]
  const use = { ...tablesFor(step, options.lookups ?? {}), ...clientsFor(step, options.services ?? {}) }
  const context = contextFor(job, options, use)
  switch (step.kind) {
    case 'records': {
      const report = await testRecords(step, records, context, options)
      const [only] = report.outcomes
      return list || only === undefined ? report : only
    }
    case 'reduce':
      if (!list) throw notTestable(step, 'a reduce step takes a list of records')
      return testReduce(job, step, records, context, options)
    case 'sql':
    case 'function':
      throw notTestable(step, `a ${step.kind} step takes no records`)
  }
}

type Context = ReturnType<typeof contextFor>

async function testRecords(
  step: RecordsStep,
  records: readonly object[],
  context: Context,
  options: StepTestOptions,
): Promise<StepReport<object>> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'batchwright-test-step-'))
  try {
    const dry = await DryRecords.open({ step, context, scratch })
    try {
      fillState(dry.state, options.state)
      const read = records.map((record) => readFor(step.input, record, options))
      const fates = await dry.run(givenBatch(read, { source: sourceOf(step.input) }))
      return reportOf(fates.map(outcomeOf), dry.controls)
    } finally {
      await dry.close()
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function testReduce(
  job: JobDefinition,
  step: ReduceStep,
  records: readonly object[],
  context: Context,
  options: StepTestOptions,
): Promise<StepReport<object>> {
  const input = inputOf(job, step)
  const read = records.map((record, at) => accepted(readFor(input, record, options), step.name, at))
  const dry = new DryReduce({ step, context })
  dry.add(read)
  const keys: [string, readonly object[]][] = []
  for await (const { key, records: given } of dry.finish()) keys.push([key, given])
  const written = keys.flatMap(([, given]) => given)
  return {
    outcomes: [],
    records: written,
    named: {},
    dead: [],
    keys: Object.fromEntries(keys),
    controls: dry.controls,
    counters: { read: read.length, accepted: read.length, written: written.length, dropped: 0, dead: 0 },
  }
}

/** A dataset that a reduce step reads comes to it through a step of its own, which changes nothing. */
function inputOf(job: JobDefinition, step: ReduceStep): StepInput {
  const map = job.steps.find(({ name }) => name === step.input.step)
  return map?.kind === 'records' && map.name === `${step.name}.map` ? map.input : step.input
}

function readFor(input: StepInput, record: object, { contractVersion }: StepTestOptions): object | Fault {
  if (input.from === 'step') return record
  const { contract, format, name } = input.dataset
  return readGiven(record, {
    contract,
    text: format.format === 'csv',
    source: `dataset ${name}`,
    ...(contractVersion === undefined ? {} : { version: contractVersion }),
  })
}

function accepted(read: object | Fault, step: string, at: number): object {
  if (!(read instanceof Fault)) return read
  throw new BatchwrightError({
    code: 'TEST_MISUSED',
    message: `record ${String(at + 1)} breaks the contract that step ${step} reads by: ${read.message}`,
    hint: 'A reduce step sets nothing aside: give it records that meet the contract.',
  })
}

function sourceOf(input: StepInput): string {
  return input.from === 'dataset' ? input.dataset.name : input.step
}

function notTestable(step: StepDefinition, why: string): BatchwrightError {
  return new BatchwrightError({
    code: 'STEP_NOT_TESTABLE',
    message: `testStep: step ${step.name} is of kind ${step.kind}; ${why}`,
    hint: step.kind === 'reduce' ? 'Give it a list.' : 'Run the whole job with runInMemory(job, { inputs }).',
    details: { step: step.name, kind: step.kind },
  })
}
