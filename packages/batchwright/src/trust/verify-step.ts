import path from 'node:path'
import {
  controlsOfOutput,
  datasetKey,
  datasetsWritten,
  insideKey,
  recordsOfOutput,
  shuffleKey,
  type DatasetDefinition,
  type StepDefinition,
  type StepInput,
} from '../job/index.ts'
import { Decimal } from '../kernel/decimal.ts'
import type { ControlTotals, Counters, Snapshot, StepOutput } from '../protocol/index.ts'
import { runChecks } from './checks.ts'
import { inspectTable, type TableAccess, type WrittenRows } from '../data/index.ts'
import { checkFileNames } from './file-names.ts'
import type { Finding } from './finding.ts'
import { recordCountHistory } from './history.ts'
import { judgeLimits } from './limits.ts'
import { compareControls, reconcile, type ExpectedRead } from './reconcile.ts'
import { runTableChecks } from './table-checks.ts'

export interface VerifyStepRequest {
  readonly step: StepDefinition
  readonly output: StepOutput
  readonly counters: Counters
  readonly controls: ControlTotals
  /** Totals of the steps it reads. */
  readonly upstream: readonly { readonly step: string; readonly controls: ControlTotals; readonly counters: Counters }[]
  /** What it had to read: `expectedReads`, or null where that is not known (dead letters that are replayed). */
  readonly expectedRead: readonly ExpectedRead[] | null
  /** Where the former versions of a dataset that it writes are: the folder, absolute, and the window. */
  readonly historyOf: (dataset: DatasetDefinition) => { readonly folder: string; readonly windowKey: string | null }
  /** For what does not fit in memory; private to the attempt. */
  readonly spillFolder: string
  /** The way to a table that it writes, and whose rows are meant; absent where it writes none. */
  readonly table?: TableAccess & Pick<WrittenRows, 'runId' | 'window'>
}

/**
 * Judges a whole step before anything of it is published: reconciliation, limits, control totals, then the checks of its
 * dataset. Throws nothing for what does not hold: `refuseFailures` does. Errors: those of reading its parts.
 */
export async function verifyStep(request: VerifyStepRequest): Promise<readonly Finding[]> {
  const { step, output, counters, controls, upstream, expectedRead } = request
  const names = await checkFileNames(step, output)
  if (step.kind === 'function') return names
  const findings: Finding[] = [
    ...reconcile({ step: step.name, counters, output, expectedRead, outputOf: outputOf(step) }),
    ...(step.kind === 'records'
      ? judgeLimits({ step: step.name, counters, rejects: step.rejects, skip: step.skip })
      : []),
    ...compareControls(
      step.name,
      allOutputs(controls),
      upstream.map((other) => readControls(step, other)),
    ),
  ]
  const tasks = [...output.tasks].sort((a, b) => a.index - b.index)
  findings.push(...names)
  for (const { dataset, kind, key } of datasetsWritten(step)) {
    if (dataset.location.kind === 'table') {
      findings.push(...(await judgeTable(request, dataset, key)))
      continue
    }
    if (kind === 'files' || dataset.checks.length === 0) continue
    const parts = tasks.flatMap((task) => task.output.outputs[key] ?? [])
    const { folder, windowKey } = request.historyOf(dataset)
    const history = await recordCountHistory(folder, windowKey)
    const spillFolder = path.join(request.spillFolder, dataset.name)
    findings.push(...(await runChecks({ dataset, parts, history, spillFolder })))
  }
  return findings
}

async function judgeTable(
  { step, output, table, historyOf }: VerifyStepRequest,
  dataset: DatasetDefinition,
  key: string,
): Promise<readonly Finding[]> {
  if (table === undefined) return []
  const parts = output.tasks.flatMap((task) => task.output.outputs[key] ?? [])
  const { runId, window } = table
  const { folder, windowKey } = historyOf(dataset)
  const inspected = await inspectTable(dataset, table, { runId, step: step.name, window, parts })
  try {
    return await runTableChecks({
      dataset,
      table: inspected,
      written: parts.reduce((sum, part) => sum + part.records, 0),
      step: step.name,
      history: await recordCountHistory(folder, windowKey),
    })
  } finally {
    await inspected.close()
  }
}

/** Which output's records lie under a key of a task's outputs; null for those without a name. */
function outputOf(step: StepDefinition): (key: string) => string | null {
  const named = new Map<string, string | null>()
  for (const name of step.named.keys()) for (const key of [datasetKey(name), insideKey(name)]) named.set(key, name)
  for (const { to, output } of step.shuffles) named.set(shuffleKey(to), output)
  return (key) => named.get(key) ?? null
}

/** What went in came out, by whatever output: totals of the same name are added up over a step's outputs. */
function allOutputs(controls: ControlTotals): ControlTotals {
  const sums = new Map<string, Decimal>()
  for (const [name, total] of Object.entries(controls)) {
    const own = name.slice(name.indexOf('.') + 1)
    sums.set(own, (sums.get(own) ?? Decimal.zero).plus(Decimal.from(total)))
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum.toString()]))
}

/** The totals of the output that the step reads. A step that it only comes after has nothing to be compared. */
function readControls(
  step: StepDefinition,
  { step: name, controls }: VerifyStepRequest['upstream'][number],
): { readonly step: string; readonly controls: ControlTotals } {
  const read = inputsOf(step).find((input) => input.from === 'step' && input.step === name)
  const output = read?.from === 'step' ? read.output : null
  return { step: output === null ? name : `${name}.${output}`, controls: controlsOfOutput(controls, output) }
}

function inputsOf(step: StepDefinition): readonly StepInput[] {
  switch (step.kind) {
    case 'records':
    case 'reduce':
      return [step.input]
    case 'sql':
      return [...step.tables.values()]
    case 'function':
      return []
  }
}

/**
 * What a step had to read: the records of its snapshot, or of the step it reads. Null for function steps, for live tables, and
 * for queries: nobody counts what a query reads.
 */
export function expectedReads(
  step: StepDefinition,
  snapshot: Snapshot | null,
  upstream: VerifyStepRequest['upstream'],
): readonly ExpectedRead[] | null {
  if (step.kind === 'function' || step.kind === 'sql') return null
  const { input } = step
  if (input.from === 'step') {
    const read = upstream.find((other) => other.step === input.step)
    const records = read === undefined ? 0 : recordsOfOutput(read.counters, input.output)
    return [{ from: `step ${input.step}${input.output === null ? '' : `.${input.output}`}`, records }]
  }
  const files = (snapshot?.files ?? []).filter((file) => file.lookup === undefined)
  // What a live table had at planning it need not have had when it was read.
  if (files.some((file) => file.live === true)) return null
  const records = files.reduce((sum, file) => sum + file.records, 0)
  return [{ from: 'its snapshot', records }]
}
