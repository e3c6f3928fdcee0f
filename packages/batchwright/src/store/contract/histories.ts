import type { TaskKind } from '../../protocol/index.ts'

/**
 * - `succeeded`, `failed`: so did its task.
 * - `retried`: it failed, and the task was given another attempt.
 * - `returned`: its lease was handed back, unspent: paused, preempted, never started, a sibling failed the run.
 * - `crashed`: its worker died.
 * - `cancelled`: with its run.
 */
export type AttemptOutcome = 'succeeded' | 'retried' | 'failed' | 'returned' | 'crashed' | 'cancelled'

/** One attempt, from its lease to its end. Kept where a step starts again and its tasks go. Times by the store's clock. */
export interface AttemptRow {
  readonly taskId: number
  readonly fence: number
  readonly step: string
  readonly kind: TaskKind
  /** Partition index; null for plan, verify and publish tasks. */
  readonly index: number | null
  /** The task's; empty where the task is gone. */
  readonly label: string
  /** `lastSeenAt`: when its lease was last renewed. */
  readonly worker: {
    readonly workerId: string
    readonly host: string
    readonly pid: number
    readonly lastSeenAt: number
  }
  /** From 1; null where it is not known, or did not start. */
  readonly slot: number | null
  readonly leasedAt: number
  readonly startedAt: number | null
  /** Null while it holds its lease. */
  readonly endedAt: number | null
  /** From its lease to its end, or until now. Of one that crashed: to the last sign of life of its worker, found dead later. */
  readonly workedMs: number
  readonly outcome: AttemptOutcome | null
  /** Code of the error, or why the lease ended. */
  readonly reason: string | null
  /** How long the retry that followed had to wait. */
  readonly delayMs: number | null
  /** The checkpoint it began at: sequence 0 for the beginning of the partition. `read`: records of the task before it. */
  readonly from: { readonly sequence: number; readonly read: number }
  readonly checkpoints: number
  readonly checkpointedAt: number | null
  /** Records of the task read at its last checkpoint, or at its end. */
  readonly read: number
}

/** What the attempts of one step and kind came to. Times in milliseconds; those under way are counted until now. */
export interface AttemptTotals {
  readonly runId: string
  readonly step: string
  readonly kind: TaskKind
  readonly attempts: number
  /** Tasks that had one. */
  readonly tasks: number
  readonly outcomes: Readonly<Partial<Record<AttemptOutcome, number>>>
  readonly firstLeasedAt: number
  readonly lastLeasedAt: number
  /** Null while one of them is under way. */
  readonly lastEndedAt: number | null
  /** Sum over all attempts, from lease to end; of those that crashed, to the last sign of life. */
  readonly busyMs: number
  /** Of those that succeeded, and the records that these read. */
  readonly succeededMs: number
  readonly read: number
  /**
   * The longest of those that succeeded or are under way (of the others where there is none), and the one that ended last.
   * Partition index, null for other kinds.
   */
  readonly longest: { readonly index: number | null; readonly ms: number }
  readonly last: { readonly index: number | null; readonly ms: number }
}

/** How many attempts of a run were at work, over time: each as long as its `workedMs`. */
export interface RunActivity {
  /** By step and kind: mean number at once in each bucket, and the most at once. */
  readonly lanes: readonly {
    readonly step: string
    readonly kind: TaskKind
    readonly mean: readonly number[]
    readonly most: number
    /** How long at the end only one of them was left, where there had been more; 0 otherwise. */
    readonly aloneMs: number
  }[]
  /** Most at once over all steps. */
  readonly most: number
  /** When nothing of the run was at work, the longest first, at most 20: before, between and after its attempts. */
  readonly idle: readonly { readonly from: number; readonly to: number }[]
}
