/** What earlier runs of a job tell about the next: how fast each step was, and what it made of its input. */
import type { AttemptTotals, StepRow, Store } from '../../store/contract.ts'

/** Of one step, over the runs looked at. */
export interface StepHistory {
  /** Records that a slot worked through in a millisecond; null where the step reads none. */
  readonly recordsPerMs: number | null
  /** Slot time of its partitions in a run, and their number, on average. */
  readonly workMs: number
  readonly partitions: number
  /** Planning, verifying and publishing together, on average. */
  readonly aroundMs: number
  /** Records it read for each record that came into the run. */
  readonly readShare: number
  /** Bytes it wrote for each record that came into the run. */
  readonly bytesPerRecord: number
  readonly publishes: boolean
}

export interface JobHistory {
  readonly runs: number
  /** Records that came into a run on average: read by steps that read no other. */
  readonly records: number
  readonly steps: ReadonlyMap<string, StepHistory>
}

/** Runs looked at: the newest that succeeded. More would tell of older code and older machines. */
const RUNS = 5

/** Null where no run of the job has succeeded, or none has left how long its attempts took. */
export async function jobHistory(store: Store, job: string): Promise<JobHistory | null> {
  const { items } = await store.listRuns({ job, states: ['succeeded'], limit: RUNS * 4 })
  const runs = items.filter(({ replay }) => replay === null).slice(0, RUNS)
  const totals = await store.totalAttempts(runs.map(({ runId }) => runId))
  const known = runs.filter(({ runId }) => totals.some((group) => group.runId === runId))
  if (known.length === 0) return null
  const rows = await Promise.all(known.map(({ runId }) => store.listSteps(runId)))
  const records = rows.reduce((sum, steps) => sum + recordsIn(steps), 0)
  const names = new Set(rows.flat().map(({ name }) => name))
  const steps = [...names].map((name) => {
    const own = rows.flatMap((each) => each.filter((row) => row.name === name))
    return [
      name,
      stepHistory(
        own,
        totals.filter(({ step }) => step === name),
        records,
        known.length,
      ),
    ] as const
  })
  return { runs: known.length, records: records / known.length, steps: new Map(steps) }
}

function recordsIn(steps: readonly StepRow[]): number {
  return steps.filter(({ after }) => after.length === 0).reduce((sum, { counters }) => sum + counters.read, 0)
}

function stepHistory(
  rows: readonly StepRow[],
  totals: readonly AttemptTotals[],
  records: number,
  runs: number,
): StepHistory {
  const work = totals.filter(({ kind }) => kind === 'partition')
  const workMs = work.reduce((sum, { succeededMs }) => sum + succeededMs, 0)
  const read = work.reduce((sum, group) => sum + group.read, 0)
  const around = totals
    .filter(({ kind }) => kind !== 'partition')
    .reduce((sum, { succeededMs }) => sum + succeededMs, 0)
  const written = rows.reduce((sum, { counters }) => sum + counters.bytesWritten, 0)
  return {
    recordsPerMs: read === 0 || workMs === 0 ? null : read / workMs,
    workMs: workMs / runs,
    partitions: Math.max(1, Math.round(work.reduce((sum, { tasks }) => sum + tasks, 0) / runs)),
    aroundMs: around / runs,
    readShare: records === 0 ? 0 : rows.reduce((sum, { counters }) => sum + counters.read, 0) / records,
    bytesPerRecord: records === 0 ? 0 : written / records,
    publishes: rows.some(({ publish }) => publish !== 'none'),
  }
}
