/** What is kept for how long. */
export interface RetentionVerbs {
  /**
   * Deletes rows of runs that ended longer ago than `olderThanMs` by the store's clock: their tasks, attempts, events,
   * checkpoints and outputs; and workers that have been gone, and their events, for as long. At most `rows` of them (default
   * 5,000) in one transaction: call it again while `more`. A run, its steps, plans and publications stay; the run says that it
   * was pruned, and cannot be taken up or replayed any more.
   *
   * Left whole: a run that an unfinished run replays, one with a publication that is under way, and the run of the newest
   * published version of each dataset window.
   */
  prune(olderThanMs: number, rows?: number): Promise<Pruned>
}

export interface Pruned {
  /** Runs whose rows have all gone in this call. */
  readonly runs: number
  readonly rows: number
  /** Whether there may be more to delete. */
  readonly more: boolean
}
