/** Where the time of a run went: its phases, its slots, its longest attempts. Read in a few aggregates. */
import type { AttemptRow, AttemptTotals, RunActivity, RunRow, Store } from '../../store/contract.ts'
import type { StepView } from '../view.ts'

export interface RunTimes {
  readonly run: RunRow
  readonly steps: readonly StepView[]
  /** What the picture covers: since the run was made, or last taken up, until it ended, or now. */
  readonly from: number
  readonly to: number
  /** Whether the run had been worked on before `from`. */
  readonly takenUp: boolean
  /** Of attempts within the picture. */
  readonly totals: readonly AttemptTotals[]
  readonly activity: RunActivity
  /** Partition attempts that took longest, the longest first. */
  readonly longest: readonly AttemptRow[]
}

export interface TimesRequest {
  readonly run: RunRow
  readonly steps: readonly StepView[]
  /** Columns of the picture. */
  readonly buckets: number
  /** How many of the longest attempts; of `step` where it is given. */
  readonly longest: number
  readonly step?: string
}

export async function gatherTimes(store: Store, request: TimesRequest): Promise<RunTimes> {
  const { run, steps, buckets, longest, step } = request
  const { runId } = run
  const reopened = (await store.listEvents({ after: 0, runId, types: ['run.reopened'] })).at(-1)
  const from = reopened?.at ?? run.createdAt
  const to = Math.max(from + 1, run.endedAt ?? (await store.now()))
  const totals = await store.totalAttempts([runId])
  return {
    run,
    steps,
    from,
    to,
    takenUp: reopened !== undefined,
    totals: totals.filter(({ lastEndedAt }) => lastEndedAt === null || lastEndedAt >= from),
    activity: await store.runActivity(runId, { from, to, buckets }),
    longest: await store.listAttempts(runId, {
      kind: 'partition',
      order: 'longest',
      limit: longest,
      ...(step === undefined ? {} : { step }),
    }),
  }
}
