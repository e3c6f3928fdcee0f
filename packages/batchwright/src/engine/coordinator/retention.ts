import type { Duty } from './duty.ts'

export interface RetentionOptions {
  /** How long rows of ended runs are kept, milliseconds by the store's clock. */
  readonly keepMs: number
}

const EVERY_MS = 10 * 60_000
/** Between two transactions that delete: workers come first. */
const PAUSE_MS = 20

/** Deletes tasks, attempts, events and outputs of runs that ended longer ago than is kept, a little at a time. */
export function retention({ keepMs }: RetentionOptions): Duty {
  return {
    name: 'retention',
    everyMs: EVERY_MS,
    pass: async ({ store, clock, signal }) => {
      let [runs, rows] = [0, 0]
      while (!signal.aborted) {
        const pruned = await store.prune(keepMs)
        runs += pruned.runs
        rows += pruned.rows
        if (!pruned.more) break
        await clock.sleep(PAUSE_MS)
      }
      return { runs, rows }
    },
  }
}
