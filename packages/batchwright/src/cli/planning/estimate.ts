/** How long a run will take and how much disk it will need, judged from earlier runs. */
import type { PartitionPlan } from '../../protocol/index.ts'
import type { JobHistory, StepHistory } from './history.ts'

export interface PlannedStep {
  readonly name: string
  readonly after: readonly string[]
  /** Null for a step that reads what another has yet to make. */
  readonly partitions: readonly PartitionPlan[] | null
}

export interface StepEstimate {
  readonly step: string
  readonly ms: number
  /** The longest of its partitions alone. */
  readonly longestMs: number
}

export interface Estimate {
  readonly durationMs: number
  readonly slots: number
  /** Runs that it is judged from. */
  readonly runs: number
  readonly steps: readonly StepEstimate[]
  /** Steps that no earlier run has: they are counted as nothing. */
  readonly unknown: readonly string[]
  readonly publishedBytes: number
  /** Between steps: these go when the run has succeeded. */
  readonly intermediateBytes: number
}

/**
 * Each step takes the longer of its work shared by the slots and its longest partition, between its planning and its
 * verification; steps follow each other along the graph, and no run is faster than all its work shared by the slots.
 */
export function estimate(steps: readonly PlannedStep[], history: JobHistory, slots: number): Estimate {
  const records = recordsPlanned(steps) ?? history.records
  const estimates: (StepEstimate & { readonly after: readonly string[]; readonly workMs: number })[] = []
  for (const step of steps) {
    const known = history.steps.get(step.name)
    if (known === undefined) continue
    estimates.push({
      after: step.after,
      ...stepEstimate(step, known, { records, slots, scale: scaleOf(records, history) }),
    })
  }
  const ends = new Map<string, number>()
  for (const { step, after, ms } of estimates) {
    ends.set(step, ms + Math.max(0, ...after.map((name) => ends.get(name) ?? 0)))
  }
  const shared = estimates.reduce((sum, { workMs }) => sum + workMs, 0) / slots
  const written = (publishes: boolean): number =>
    steps
      .map(({ name }) => history.steps.get(name))
      .filter((known) => known?.publishes === publishes)
      .reduce((sum, known) => sum + (known?.bytesPerRecord ?? 0) * records, 0)
  return {
    durationMs: Math.round(Math.max(shared, ...ends.values(), 0)),
    slots,
    runs: history.runs,
    steps: estimates.map(({ step, ms, longestMs }) => ({ step, ms: Math.round(ms), longestMs: Math.round(longestMs) })),
    unknown: steps.filter(({ name }) => !history.steps.has(name)).map(({ name }) => name),
    publishedBytes: Math.round(written(true)),
    intermediateBytes: Math.round(written(false)),
  }
}

/** Records that come into the run; null where a step that reads no other does not know. */
function recordsPlanned(steps: readonly PlannedStep[]): number | null {
  const first = steps.filter(({ after, partitions }) => after.length === 0 && partitions !== null)
  const counts = first.flatMap(({ partitions }) => (partitions ?? []).map(({ records }) => records))
  if (counts.length === 0 || counts.some((each) => each === null)) return null
  return counts.reduce<number>((sum, each) => sum + (each ?? 0), 0)
}

function scaleOf(records: number, history: JobHistory): number {
  return history.records === 0 ? 1 : records / history.records
}

/** Of planning, verifying and publishing, what does not grow with the input: opening slots, loading the code. */
const FIXED_MS = 500

function stepEstimate(
  { name, partitions }: PlannedStep,
  known: StepHistory,
  run: { readonly records: number; readonly slots: number; readonly scale: number },
): StepEstimate & { readonly workMs: number } {
  const sizes = (partitions ?? []).map(({ records }) => records ?? 0)
  const own = sizes.reduce((sum, each) => sum + each, 0)
  const read = own > 0 ? own : known.readShare * run.records
  const workMs = known.recordsPerMs === null ? known.workMs * run.scale : read / known.recordsPerMs
  const count = partitions === null ? known.partitions : Math.max(1, partitions.length)
  const fixed = Math.min(known.aroundMs, FIXED_MS)
  const longestMs =
    known.recordsPerMs === null || own === 0 ? workMs / count : Math.max(0, ...sizes) / known.recordsPerMs
  return {
    step: name,
    workMs,
    longestMs,
    ms: fixed + (known.aroundMs - fixed) * run.scale + Math.max(longestMs, workMs / Math.min(run.slots, count)),
  }
}
