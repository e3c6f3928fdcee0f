import type { RetryBudget } from '../../job/index.ts'
import type { ErrorReport } from '../../kernel/errors.ts'
import type {
  Checkpoint,
  PartitionPlan,
  PartitionSplit,
  PlanSummary,
  RunContext,
  Snapshot,
  StepKind,
  TaskKind,
  TaskOutput,
} from '../../protocol/index.ts'
import type { DeadLetterReplay } from './runs.ts'

/** The proof of ownership: `running and owned by this attempt at this fence`, the same predicate in every verb. */
export interface TaskLease {
  readonly taskId: number
  readonly fence: number
}

/** A claimed task, with all that its attempt needs. */
export interface ClaimedTask extends TaskLease {
  readonly kind: TaskKind
  readonly run: RunContext
  readonly codeVersion: string
  readonly artifactPath: string
  readonly step: string
  readonly stepKind: StepKind
  /** Null for plan, verify and publish tasks. */
  readonly partition: PartitionPlan | null
  readonly checkpoint: Checkpoint | null
  /** For a plan task of a step that was planned before: the snapshot that it must find again. Null otherwise. */
  readonly expectedSnapshot: Snapshot | null
  /** Attempts started before this one, since the run was last queued. */
  readonly attemptsUsed: number
  readonly crashCount: number
  readonly replay: DeadLetterReplay | null
}

export interface ClaimRequest {
  readonly workerId: string
  /** Made by the worker: `claimed(claimId)` finds the tasks again after an unknown outcome. */
  readonly claimId: string
  /** Slots to be filled: a task takes one. */
  readonly limit: number
  /** Steps whose tasks are short: so many of their partitions count as one of `limit`. */
  readonly depths?: readonly { readonly job: string; readonly step: string; readonly tasks: number }[]
  /** So many slots more may be filled, with such partitions only: they wait in the worker until a slot is free. Default 0. */
  readonly ahead?: number
  /** Only tasks of these runs; absent for any. */
  readonly runs?: readonly string[]
}

/** A lease whose attempt begins. */
export interface StartedLease extends TaskLease {
  /** Which of the worker's slots it runs in, from 1: for people. Absent: not known. */
  readonly slot?: number
}

/** An attempt that ends before its start was written. */
export interface UnwrittenStart {
  /** Which of the worker's slots it ran in, from 1: for people. Null: not known. */
  readonly slot: number | null
  /** How long it ran, milliseconds, whole. */
  readonly ranMs: number
}

/** How an attempt ended. With `began` its start, which nobody wrote: the end counts it. */
export interface EndedLease extends TaskLease {
  readonly end: TaskEnd
  readonly began?: UnwrittenStart
}

/** A lease that is given back. */
export interface ReturnedLease extends TaskLease {
  /** For people: `paused`, `preempted`. Kept with the attempt and in the event. Default `not said`. */
  readonly why?: string
  /** It cannot go on before so many milliseconds have passed, by the store's clock. Default 0. */
  readonly delayMs?: number
}

/** What became of one item of a set: `fenced` means the lease did not hold, and nothing changed. */
export type ItemOutcome = 'done' | 'fenced'

/** Of a checkpoint that came with a split. */
export type CheckpointOutcome = ItemOutcome | 'whole'

export interface CheckpointItem extends TaskLease {
  readonly checkpoint: Checkpoint
  readonly split?: PartitionSplit
}

export type TaskEnd =
  /** leased -> succeeded, for partition, verify and publish tasks. Of NO_OUTPUT itself no row is kept. */
  | { readonly kind: 'succeeded'; readonly output: TaskOutput }
  /** leased -> succeeded for a plan task: seals the plan. The number of partitions inserted must equal the summary's. */
  | { readonly kind: 'planned'; readonly plan: PlanSummary }
  /**
   * leased -> ready, an attempt used, not before `delayMs` from now by the store's clock. With a budget the run's retries
   * share it: beyond it this one is due later, or the task fails with RETRY_BUDGET_SPENT.
   */
  | { readonly kind: 'retry'; readonly error: ErrorReport; readonly delayMs: number; readonly budget?: RetryBudget }
  /** leased -> failed: the step and the run fail with it. */
  | { readonly kind: 'failed'; readonly error: ErrorReport }

export interface TaskVerbs {
  /**
   * ready -> leased for up to `limit` tasks of open lanes, due, oldest run first, then by step order and index, in one
   * transaction that locks the worker alive. A task with a crash count is claimed alone. Empty for a dead worker.
   */
  claim(request: ClaimRequest): Promise<readonly ClaimedTask[]>
  /** The tasks of an earlier claim that are still owned under it. */
  claimed(workerId: string, claimId: string): Promise<readonly ClaimedTask[]>
  /**
   * Attempts count starts: raises attemptsUsed of tasks whose attempt has begun. Idempotent for one lease (task and fence).
   * Written for attempts that take longer, and before those of tasks with a crash count; the end of a short one counts it.
   */
  start(leases: readonly StartedLease[]): Promise<readonly ItemOutcome[]>
  /** Inserts partitions of a step that is planning; idempotent by index. They become claimable when the plan is sealed. */
  addPartitions(lease: TaskLease, partitions: readonly PartitionPlan[]): Promise<ItemOutcome>
  /**
   * Commits checkpoints with their counters. A checkpoint whose sequence is not above the stored one changes nothing. With a
   * split its task's partition gets shorter and the rest become ready tasks of the step, in the same transaction; `whole`: the
   * checkpoint stands and the partition was not cut, since the task has a copy, or is one.
   */
  checkpoint(items: readonly CheckpointItem[]): Promise<readonly CheckpointOutcome[]>
  /**
   * Ends attempts and moves steps and runs on as far as they go: the last partition opens verifying; a verified step opens
   * what waits for it; the last verified step of a run opens one publish task for all that publish together; the end of
   * that ends the run. A failure fails its step and run, and gives the siblings' leases back (fences moved).
   */
  finish(items: readonly EndedLease[]): Promise<readonly ItemOutcome[]>
  /** leased -> ready, no attempt used: preempted, paused, or never started. */
  giveBack(leases: readonly ReturnedLease[]): Promise<readonly ItemOutcome[]>
}
