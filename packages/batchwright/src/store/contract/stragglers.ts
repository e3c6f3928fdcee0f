import type { ItemOutcome, TaskLease } from './tasks.ts'

/** What can be done about attempts that lag behind: their partition is cut while they run, or they get a copy beside them. */
export interface StragglerVerbs {
  /**
   * Attempts at partitions of open, running steps that hold their lease for at least `minMs`, longest first; at most `limit`
   * (default 200). Copies are among them.
   */
  listRunning(filter: RunningFilter): Promise<readonly RunningAttempt[]>
  /** Slots of workers that are alive, less the tasks that they hold. */
  idleSlots(): Promise<number>
  /** How long partitions of a step took that have succeeded: a sample of at most 1,000, in no order. */
  siblingTimes(runId: string, step: string): Promise<readonly SiblingTime[]>
  /**
   * Asks an attempt to cut what is left of its partition into `pieces`, its own among them. The ask is void when its lease
   * ends. Refused where the lease does not hold, where it was asked before and has not answered, or has declined, and
   * where its task is a copy or has one.
   */
  askSplit(lease: TaskLease, pieces: number): Promise<AskOutcome>
  /** The attempt's answer to an ask where there will be no split: kept with the lease, told as an event. */
  declineSplit(lease: TaskLease, reason: string): Promise<ItemOutcome>
  /**
   * Makes a second task of the same partition, ready, that goes on from the last checkpoint. It is not claimed by the worker
   * of the first while another one is alive. The first of the two to finish moves the task; the other's lease ends with that.
   * An ask for a split is withdrawn. Refused where the lease does not hold, and where the task is a copy or has one.
   */
  askCopy(lease: TaskLease, why: CopyReason): Promise<AskOutcome>
  /** For leases that a worker holds: those that are lost, and those whose attempts were asked to split. */
  lookAt(leases: readonly TaskLease[]): Promise<{
    readonly lost: readonly TaskLease[]
    readonly splits: readonly (TaskLease & { readonly pieces: number })[]
  }>
}

export type AskOutcome = 'asked' | 'refused'

export interface RunningFilter {
  /** Only these runs; absent for all. */
  readonly runs?: readonly string[]
  /** Milliseconds since the lease began. */
  readonly minMs: number
  readonly limit?: number
}

/** An attempt at a partition, and what is known of the step around it. Times in milliseconds, by the store's clock. */
export interface RunningAttempt extends TaskLease {
  readonly runId: string
  readonly step: string
  readonly index: number
  readonly workerId: string
  /** Whether it is the copy of another. */
  readonly isCopy: boolean
  /** Whether its task has a copy. */
  readonly hasCopy: boolean
  /** Since its lease began. */
  readonly runningMs: number
  /** From its lease to its last checkpoint; null before the first of this attempt. */
  readonly checkpointedMs: number | null
  /** Of the partition as it is now; null where not known. */
  readonly records: number | null
  readonly bytes: number | null
  /** Records of the partition read at its last checkpoint, and before this attempt began. */
  readonly read: number
  readonly fromRead: number
  readonly split: 'none' | 'asked' | 'declined'
  /** Whether the step's partitions may be cut. */
  readonly rebalance: boolean
  /** The step's rule for copies; null for none. */
  readonly speculation: CopyRule | null
  /** Of the step: partitions, and those that have succeeded. */
  readonly tasks: number
  readonly done: number
  /** Whether a partition of its step is ready and due: then idle slots have something else to do. */
  readonly stepHasReady: boolean
}

/** `speculation` of a step's definition. */
export interface CopyRule {
  readonly after: number
  readonly slowerThan: number
  readonly atLeastMs: number
}

export interface SiblingTime {
  readonly ms: number
  /** Records that it read in that time. */
  readonly read: number
}

/** Why a copy was made, in milliseconds: kept in its event. */
export interface CopyReason {
  readonly runningMs: number
  /** What its siblings would have taken for as much, by the median. */
  readonly expectedMs: number
  /** What the attempt will still need at its own speed; null where it does not move. */
  readonly leftMs: number | null
}
