import { readBlocks, readLetters, readPart, type DeadLetter } from '../data/index.ts'
import {
  datasetOfOutput,
  datasetsWritten,
  type CheckDefinition,
  type DatasetDefinition,
  type JobDefinition,
  type Limit,
  type StepDefinition,
} from '../job/index.ts'
import type { JsonValue } from '../kernel/errors.ts'
import type { Counters, Part, StepOutput } from '../protocol/index.ts'
import type { RunRow, StepRow, Store } from '../store/index.ts'
import { judgeLimits, type Finding } from '../trust/index.ts'
import type { DryDead, DryOutput, DryRecord, DryStep, Row } from './contract.ts'
import type { Seen } from './capture.ts'
import { judgesCounts, type Rewired } from './rewire.ts'
import { rowsBy } from './rows.ts'

/** Rows that are shown of an output. */
const ROWS = 20

/** A run that has ended, with what is needed to tell of it. */
export interface Gathering {
  readonly store: Store
  /** Null where no step could run. */
  readonly run: RunRow | null
  readonly rewired: Rewired
  /** Why steps did not run, by name. */
  readonly skipped: ReadonlyMap<string, string>
  /** The sample was all there is. */
  readonly whole: boolean
}

const NOTHING_RAN = {
  counters: null,
  records: [],
  keys: [],
  rows: [],
  dead: [],
  limits: [],
  certain: [],
  result: null,
} as const

/** What became of each step. */
export async function gatherSteps(steps: readonly StepDefinition[], from: Gathering): Promise<readonly DryStep[]> {
  const rows = from.run === null ? [] : await from.store.listSteps(from.run.runId)
  const gathered: DryStep[] = []
  for (const step of steps) {
    const base = { name: step.name, kind: step.kind }
    const why = from.skipped.get(step.name) ?? null
    const row = rows.find((each) => each.name === step.name)
    if (why !== null || row === undefined || from.run === null || notBegun(row)) {
      const lost = why ?? 'a step before it failed'
      gathered.push({ ...base, ...NOTHING_RAN, state: 'skipped', why: lost })
    } else gathered.push({ ...base, ...(await ranStep(step, row, from.run, from)) })
  }
  return gathered
}

function notBegun(row: StepRow): boolean {
  return row.startedAt === null && row.state !== 'succeeded'
}

async function ranStep(
  step: StepDefinition,
  row: StepRow,
  run: RunRow,
  { store, rewired }: Gathering,
): Promise<Omit<DryStep, 'name' | 'kind'>> {
  const output = await store.stepOutput(run.runId, step.name)
  const letters = await lettersOf(output)
  const seen = rewired.seen.get(step.name)
  return {
    state: run.failure?.step === step.name || row.state !== 'succeeded' ? 'failed' : 'ran',
    why: null,
    counters: row.counters,
    records: recordsOf(seen, letters),
    keys: [...(seen?.keys.values() ?? [])],
    rows: await firstRows(stepNamed(rewired.job, step.name), output),
    dead: deadOf(letters, row.counters),
    limits: limitsOf(step, row.counters),
    certain: certainLimits(step, row.counters),
    result: step.kind === 'function' ? (output.tasks[0]?.output.result ?? null) : null,
  }
}

function stepNamed(job: JobDefinition, name: string): StepDefinition | null {
  return job.steps.find((step) => step.name === name) ?? null
}

function limitsOf(step: StepDefinition, counters: Counters): readonly Finding[] {
  if (step.kind !== 'records') return []
  return judgeLimits({ step: step.name, counters, rejects: step.rejects, skip: step.skip })
}

/** Those that only counts decide: more records never mend them. */
function certainLimits(step: StepDefinition, counters: Counters): readonly string[] {
  if (step.kind !== 'records') return []
  const counted = new Map([...step.rejects].map(([rule, limit]) => [rule, countOf(limit)]))
  return judgeLimits({ step: step.name, counters, rejects: counted, skip: countOf(step.skip) })
    .filter((finding) => !finding.passed)
    .map((finding) => finding.name)
}

function countOf({ ratio, count }: Limit): Limit {
  return count === null && ratio !== null ? { ratio: 1, count: null } : { ratio: null, count }
}

async function lettersOf(output: StepOutput): Promise<readonly DeadLetter[]> {
  const letters: DeadLetter[] = []
  for (const part of output.tasks.flatMap((task) => task.output.deadLetters)) {
    for await (const letter of readLetters(part.path)) letters.push(letter)
  }
  return letters
}

function recordsOf(seen: Seen | undefined, letters: readonly DeadLetter[]): readonly DryRecord[] {
  const dead = new Map(
    letters.map((letter) => [`${letter.position.source}\n${String(letter.position.record)}`, letter]),
  )
  return [...(seen?.records ?? [])].map(([place, { source, record, before, after }]): DryRecord => {
    const letter = dead.get(place)
    if (letter !== undefined) return { source, record, before, after: [], fate: 'dead', reason: letter.reason }
    return { source, record, before, after, fate: after.length === 0 ? 'dropped' : 'written', reason: null }
  })
}

/** Dead letters of one reason, with the first as the example. */
function deadOf(letters: readonly DeadLetter[], counters: Counters): readonly DryDead[] {
  const first = new Map<string, DeadLetter>()
  for (const letter of letters) if (!first.has(letter.reason)) first.set(letter.reason, letter)
  return [...first.values()]
    .map(({ cause, reason, message, raw, stack, position }) => ({
      cause,
      reason,
      count: counters.reasons[reason] ?? letters.filter((letter) => letter.reason === reason).length,
      example: { source: position.source, record: position.record, message, raw, stack },
    }))
    .toSorted((left, right) => right.count - left.count)
}

async function firstRows(step: StepDefinition | null, output: StepOutput): Promise<readonly Row[]> {
  const parts = (name: string): readonly Part[] => output.tasks.flatMap((task) => task.output.outputs[name] ?? [])
  const dataset = step?.output?.dataset ?? null
  if (dataset !== null) return rowsOfParts(parts('main'), dataset)
  const rows: Row[] = []
  const rowOf = rowsBy(null)
  for (const part of parts('inside')) {
    for await (const records of readBlocks(part, () => true)) {
      rows.push(...records.slice(0, ROWS - rows.length).map(rowOf))
      if (rows.length >= ROWS) return rows
    }
  }
  return rows
}

async function rowsOfParts(parts: readonly Part[], dataset: DatasetDefinition): Promise<readonly Row[]> {
  const rows: Row[] = []
  const rowOf = rowsBy(dataset.contract.schema)
  for (const part of parts) {
    for await (const records of readPart(part.path, dataset)) {
      rows.push(...records.slice(0, ROWS - rows.length).map(rowOf))
      if (rows.length >= ROWS) return rows
    }
  }
  return rows
}

/** What would be published, of the steps that came to their end. */
export async function gatherOutputs(
  steps: readonly StepDefinition[],
  { run, store, rewired, whole }: Gathering,
): Promise<readonly DryOutput[]> {
  if (run === null) return []
  const rows = await store.listSteps(run.runId)
  const outputs: DryOutput[] = []
  for (const step of steps) {
    const row = rows.find((each) => each.name === step.name)
    if (row?.state !== 'succeeded') continue
    const output = await store.stepOutput(run.runId, step.name)
    const sampled = stepNamed(rewired.job, step.name)
    for (const { dataset, output: name, key } of datasetsWritten(step)) {
      const parts = output.tasks.flatMap((task) => task.output.outputs[key] ?? [])
      const staged = (sampled === null ? null : datasetOfOutput(sampled, name))?.dataset ?? dataset
      outputs.push({
        step: step.name,
        output: name,
        dataset: dataset.name,
        records: parts.reduce((sum, part) => sum + part.records, 0),
        rows: await rowsOfParts(parts, staged),
        checks: checksOf(row.verification, dataset.checks),
        certain: readsADataset(step) ? dataset.checks.filter(judgesRecords).map((check) => check.name) : [],
        unjudged: whole ? [] : dataset.checks.filter(judgesCounts).map((check) => check.name),
      })
    }
  }
  return outputs
}

/** What it makes of a record does not depend on how many others there are. */
function readsADataset(step: StepDefinition): boolean {
  return step.kind === 'records' && step.input.from === 'dataset'
}

function judgesRecords({ check }: CheckDefinition): boolean {
  return check !== 'rowCount' && check !== 'sql'
}

/** The findings about checks, with the severity that the dataset declares. */
function checksOf(verification: JsonValue, checks: readonly CheckDefinition[]): readonly Finding[] {
  return findingsIn(verification)
    .filter(isFinding)
    .flatMap((finding) => {
      const check = checks.find((each) => each.name === finding.name)
      return finding.kind !== 'check' || check === undefined ? [] : [{ ...finding, severity: check.severity }]
    })
}

function findingsIn(verification: JsonValue): readonly unknown[] {
  const checks: unknown =
    typeof verification === 'object' && verification !== null && 'checks' in verification
      ? verification['checks']
      : null
  return Array.isArray(checks) ? checks : []
}

/** Findings are written by trust/ alone, as JSON, into what a verification leaves. */
function isFinding(value: unknown): value is Finding {
  return typeof value === 'object' && value !== null && 'kind' in value && 'passed' in value && 'name' in value
}
