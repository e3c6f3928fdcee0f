import type { ErrorReport, JsonValue } from '../kernel/errors.ts'
import type {
  Checkpoint,
  ControlTotals,
  Counters,
  PartitionPlan,
  PlanSummary,
  PublicationIntent,
  RunContext,
  Snapshot,
  StepKind,
  StepOutput,
  TaskKind,
  TaskOutput,
  WindowValue,
} from '../protocol/index.ts'
import type { RunState, StepState, TaskState } from './states.ts'

/**
 * The store: verbs that each mean something, each one transaction together with its events. Sets in, sets out, so that a
 * group of tasks costs one round trip. Every verb that changes a task names its lease and answers for each item whether
 * the lease still held. The store's own clock decides leases and due times.
 */
export interface Store extends RunVerbs, WorkerVerbs, TaskVerbs, PublicationVerbs, Reads {
  /** The store's clock, milliseconds since the epoch. */
  now(): Promise<number>
  /**
   * Resolves when something may have happened since it was last waited for (in another process too), or after `ms`. What
   * wakes is a new row of the outbox: renewals and checkpoints wake nobody. Never rejects on abort.
   */
  waitForChange(ms: number, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
  /** Whether a run with a replay takes over the succeeded tasks of the run it replays. Absent: it does not, and none must be made. */
  readonly adoptsReplayed?: boolean
}

// ---------------------------------------------------------------- runs

export interface NewStep {
  readonly name: string
  readonly kind: StepKind
  /** Names of the steps it reads or comes after. */
  readonly after: readonly string[]
  /** `together`: with the run's other outputs; `alone`: as soon as it is verified; `none`: it publishes nothing. */
  readonly publish: 'together' | 'alone' | 'none'
}

export interface NewRun {
  /** Made by the caller, so that a repeated call after an unknown outcome finds the same run. */
  readonly runId: string
  readonly job: string
  readonly window: WindowValue | null
  /** SHA-256 of canonical JSON of job, window and identity parameters as given; or a key of the caller's. */
  readonly identity: string
  /** `same`: the unfinished or finished run of this identity is found; `next`: a new revision is made. */
  readonly revision: 'same' | 'next'
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly codeVersion: string
  /** Where the bundle lies. */
  readonly artifactPath: string
  readonly logicalTime: string
  readonly seed: number
  readonly steps: readonly NewStep[]
  /** Who or what asked, for the audit trail: `cli`, `schedule:...`. */
  readonly requestedBy: string
  /** Replay of dead letters: the run begins with what it takes over from an earlier one. */
  readonly replay: DeadLetterReplay | null
}

/**
 * A revision that takes over what succeeded in an earlier run, works through the partitions of some dead letters once more,
 * and runs what reads them again. Steps and partitions run again on the snapshot that the earlier run had planned.
 */
export interface DeadLetterReplay {
  /** A run of the same job that has succeeded, with the same steps. */
  readonly ofRunId: string
  readonly step: string
  /** Absolute path of JSON Lines with the dead letters that were mended: their text stands in for the source's. */
  readonly file: string
  /** Ids of the dead letters that are worked through once more, mended or not. */
  readonly deadLetters: readonly string[]
  /**
   * Indexes of the step's partitions that run again; the others are taken over with their outputs. Null: the step is
   * planned again, and all of it runs.
   */
  readonly partitions: readonly number[] | null
  /**
   * Steps that are taken over whole, in the state `succeeded`, with their tasks and outputs: their published versions stand,
   * and they publish nothing. With each of them all it comes after; all other steps run from their plans on.
   */
  readonly adopted: readonly string[]
}

export interface RunVerbs {
  /**
   * Creates a run with its steps; root steps go to planning with a ready plan task each. Idempotent: where `same` finds
   * the identity's newest revision, that run is returned and nothing changes. With `replay` the run is born with what it
   * takes over, in the same transaction: whole steps, and the succeeded partitions of the step whose letters are replayed.
   * Refused with RUN_NOT_REPLAYABLE where the other run does not exist, has not succeeded, or does not have these steps;
   * with REPLAY_INVALID where a step that is taken over comes after one that is not.
   */
  createRun(run: NewRun): Promise<{ readonly run: RunRow; readonly created: boolean }>
  /**
   * failed | cancelled -> queued. Failed and cancelled tasks become ready with fresh attempts and keep their checkpoints;
   * succeeded ones stay. `from` starts that step and every step that depends on it again from planning, on the same
   * snapshot. `partition` makes one more task ready: that one, from its start. `code` moves the run to other code: the
   * caller has compared the plans' fingerprints. Refused with RUN_NOT_RESUMABLE in any other state.
   */
  reopenRun(
    runId: string,
    how: {
      readonly from?: string
      readonly partition?: { readonly step: string; readonly index: number }
      readonly code?: { readonly codeVersion: string; readonly artifactPath: string }
      readonly by: string
    },
  ): Promise<RunRow>
  /**
   * queued | running -> cancelled: steps and unfinished tasks too, fences moved, so that no late write of the run's
   * workers counts. Refused with RUN_PUBLISHING once a publication intent is recorded, RUN_ENDED when it has ended.
   */
  cancelRun(runId: string, reason: { readonly by: string; readonly why: string }): Promise<RunRow>
  /** Sets or clears the flag that closes the run's lanes. Leased tasks are asked to give back by their workers. */
  pauseRun(runId: string, paused: boolean, by: string): Promise<RunRow>
}

// ---------------------------------------------------------------- workers

export interface NewWorker {
  /** Made by the worker, new for each incarnation. */
  readonly workerId: string
  readonly host: string
  /** Identifies one boot of the host: with pid and start time, a dead process on the same host is known at once. */
  readonly bootId: string
  readonly pid: number
  /** Start time of the process, in the operating system's own ticks, as text. */
  readonly processStart: string
  readonly leaseMs: number
}

export interface WorkerVerbs {
  registerWorker(worker: NewWorker): Promise<void>
  /**
   * Extends the worker's one lease, which all its tasks share, by its leaseMs. States the tasks it holds: owned tasks that
   * are absent from two renewals in a row return to ready. Answers with the tasks that it thinks it holds but does not
   * own any more, and with the runs that were asked to pause or stop. `dead`: the worker was reaped; it must abort
   * everything and register anew under a new id.
   */
  renew(
    workerId: string,
    held: readonly TaskLease[],
  ): Promise<{
    readonly state: 'alive' | 'dead'
    readonly lost: readonly number[]
    readonly pausedRuns: readonly string[]
  }>
  /** A worker that leaves: its tasks return to ready, unspent. */
  retireWorker(workerId: string): Promise<void>
  /**
   * Declares dead every worker whose lease has run out by the store's clock, and those in `knownDead`; their tasks return
   * to ready, with crashCount raised where they had started, or fail at the crash limit. A checkpoint sets the count back to
   * 0: only deaths without progress count. Grace after an outage is the caller's:
   * with `onlyKnown` leases that have run out are left alone (default false).
   */
  reap(
    knownDead: readonly string[],
    limits: { readonly crashes: number; readonly onlyKnown?: boolean },
  ): Promise<ReapResult>
  listWorkers(): Promise<readonly WorkerRow[]>
}

export interface ReapResult {
  readonly workers: readonly string[]
  readonly released: number
  readonly failed: number
}

export interface WorkerRow extends NewWorker {
  readonly state: 'alive' | 'dead' | 'retired'
  /** By the store's clock, milliseconds since the epoch. */
  readonly expiresAt: number
}

// ---------------------------------------------------------------- tasks

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
  readonly limit: number
  /** Only tasks of these runs; absent for any. */
  readonly runs?: readonly string[]
}

/** A lease whose attempt begins. */
export interface StartedLease extends TaskLease {
  /** Which of the worker's slots it runs in, from 1: for people. Absent: not known. */
  readonly slot?: number
}

/** A lease that is given back. */
export interface ReturnedLease extends TaskLease {
  /** For people: `paused`, `preempted`. Kept with the attempt and in the event. Default `not said`. */
  readonly why?: string
}

/** What became of one item of a set: `fenced` means the lease did not hold, and nothing changed. */
export type ItemOutcome = 'done' | 'fenced'

export type TaskEnd =
  /** leased -> succeeded, for partition, verify and publish tasks. */
  | { readonly kind: 'succeeded'; readonly output: TaskOutput }
  /** leased -> succeeded for a plan task: seals the plan. The number of partitions inserted must equal the summary's. */
  | { readonly kind: 'planned'; readonly plan: PlanSummary }
  /** leased -> ready, an attempt used, not before `delayMs` from now by the store's clock. */
  | { readonly kind: 'retry'; readonly error: ErrorReport; readonly delayMs: number }
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
  /** Attempts count starts: raises attemptsUsed of tasks whose attempt begins now. Idempotent for one lease (task and fence). */
  start(leases: readonly StartedLease[]): Promise<readonly ItemOutcome[]>
  /** Inserts partitions of a step that is planning; idempotent by index. They become claimable when the plan is sealed. */
  addPartitions(lease: TaskLease, partitions: readonly PartitionPlan[]): Promise<ItemOutcome>
  /** Commits checkpoints with their counters. A checkpoint whose sequence is not above the stored one changes nothing. */
  checkpoint(items: readonly (TaskLease & { readonly checkpoint: Checkpoint })[]): Promise<readonly ItemOutcome[]>
  /**
   * Ends attempts and moves steps and runs on as far as they go: the last partition opens verifying; a verified step opens
   * what waits for it; the last verified step of a run opens one publish task for all that publish together; the end of
   * that ends the run. A failure fails its step and run, and gives the siblings' leases back (fences moved).
   */
  finish(items: readonly (TaskLease & { readonly end: TaskEnd })[]): Promise<readonly ItemOutcome[]>
  /** leased -> ready, no attempt used: preempted, paused, or never started. */
  giveBack(leases: readonly ReturnedLease[]): Promise<readonly ItemOutcome[]>
}

// ---------------------------------------------------------------- publication

export interface PublicationTarget {
  readonly dataset: string
  readonly window: WindowValue | null
  /** The step whose output it is; null for a rollback. */
  readonly step: string | null
  /** The highest number found on disk, where a publisher looked: a store made anew must not give out a number that exists. */
  readonly above?: number
}

export interface PublicationVerbs {
  /**
   * Records, under the publish task's lease, which dataset windows are about to be published, and allocates each one's
   * next number. Asked again (by a later attempt too) it answers with the recorded numbers. Null when fenced.
   */
  intendPublication(
    lease: TaskLease,
    targets: readonly PublicationTarget[],
  ): Promise<readonly PublicationIntent[] | null>
  /** Allocates the next number of a dataset window for a rollback to an earlier one. */
  intendRollback(
    dataset: string,
    windowKey: string | null,
    toNumber: number,
    by: string,
    /** The highest number found on disk. */
    above?: number,
  ): Promise<number>
  /** Records that manifest `number` is on disk and current. Idempotent. */
  recordRollback(dataset: string, windowKey: string | null, number: number, toNumber: number): Promise<void>
  listPublications(filter: {
    readonly dataset?: string
    readonly windowKey?: string | null
    readonly runId?: string
  }): Promise<readonly PublicationRow[]>
}

export interface PublicationRow {
  readonly dataset: string
  readonly window: WindowValue | null
  readonly number: number
  readonly runId: string | null
  readonly step: string | null
  /** For a rollback: the number whose content it shows again. */
  readonly rollbackTo: number | null
  readonly state: 'intended' | 'published'
  readonly intendedAt: number
  readonly publishedAt: number | null
}

// ---------------------------------------------------------------- reads

/** A run as the store holds it. */
export interface RunRow {
  readonly runId: string
  readonly job: string
  readonly revision: number
  readonly state: RunState
  readonly paused: boolean
  readonly window: WindowValue | null
  readonly identity: string
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly codeVersion: string
  readonly artifactPath: string
  readonly logicalTime: string
  readonly seed: number
  readonly requestedBy: string
  readonly replay: DeadLetterReplay | null
  /** Store's clock, milliseconds since the epoch. */
  readonly createdAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly failure: (ErrorReport & { readonly step: string; readonly index: number | null }) | null
}

export interface StepRow {
  readonly runId: string
  readonly name: string
  readonly kind: StepKind
  /** Order of definition, from 0. */
  readonly order: number
  readonly after: readonly string[]
  readonly publish: 'together' | 'alone' | 'none'
  readonly state: StepState
  readonly tasks: number
  readonly tasksDone: number
  /** Totals of its succeeded partition tasks plus the last checkpoints of the others. */
  readonly counters: Counters
  readonly controls: ControlTotals
  readonly retries: number
  readonly plan: PlanSummary | null
  readonly verification: JsonValue
  readonly startedAt: number | null
  readonly endedAt: number | null
}

export interface TaskRow {
  readonly taskId: number
  readonly runId: string
  readonly step: string
  readonly kind: TaskKind
  /** Partition index; null for plan, verify and publish tasks. */
  readonly index: number | null
  readonly label: string
  readonly state: TaskState
  readonly attemptsUsed: number
  readonly crashCount: number
  readonly workerId: string | null
  readonly notBefore: number | null
  readonly partition: PartitionPlan | null
  readonly counters: Counters | null
  readonly checkpoint: Checkpoint | null
  readonly output: TaskOutput | null
  readonly error: ErrorReport | null
}

/** One row of the outbox: something that happened, written in the transaction that made it happen. */
export interface StoreEvent {
  readonly sequence: number
  /** Store's clock, milliseconds since the epoch. */
  readonly at: number
  readonly runId: string | null
  readonly step: string | null
  /** `run.created`, `run.failed`, `step.running`, `tasks.succeeded` (grouped), `task.retried`, `worker.dead`, ... */
  readonly type: string
  readonly data: Readonly<Record<string, JsonValue>>
}

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

/** How often something was decided: a type of event with a step, a code or reason, and a second word on why. */
export interface EventCount {
  readonly type: string
  readonly step: string | null
  readonly code: string | null
  readonly reason: string | null
  readonly why: string | null
  readonly count: number
  /** Tasks in them. */
  readonly tasks: number
  readonly firstAt: number
  readonly lastAt: number
  /** Of retries: the sum of their waits. */
  readonly delayMs: number
}

export interface Page<Item> {
  readonly total: number
  readonly items: readonly Item[]
}

export interface RunFilter {
  readonly job?: string
  readonly states?: readonly RunState[]
  readonly windowKey?: string
  readonly identity?: string
  /** Newest first; default 50. */
  readonly limit?: number
}

export interface Reads {
  /** By id; null when there is none. */
  getRun(runId: string): Promise<RunRow | null>
  /** By id prefix: for the command line. At most `limit`. */
  findRuns(prefix: string, limit: number): Promise<readonly RunRow[]>
  listRuns(filter: RunFilter): Promise<Page<RunRow>>
  /** In order of definition. Empty for a run that does not exist. */
  listSteps(runId: string): Promise<readonly StepRow[]>
  /** By step, kind and index; at most `limit` (default 1000), after the task `afterTaskId` in that order. */
  listTasks(
    runId: string,
    filter?: {
      readonly step?: string
      readonly states?: readonly TaskState[]
      readonly kind?: TaskKind
      readonly limit?: number
      readonly afterTaskId?: number
    },
  ): Promise<readonly TaskRow[]>
  /** The finished output of a step, its partitions in order of index. */
  stepOutput(runId: string, step: string): Promise<StepOutput>
  /** The snapshot of each planned step of a run. */
  listSnapshots(runId: string): Promise<readonly { readonly step: string; readonly snapshot: Snapshot }[]>
  /** Events after a sequence number, complete below the newest one returned. */
  listEvents(filter: {
    readonly after: number
    readonly runId?: string
    readonly limit?: number
    /** Only these. Of a run, and without `tasks.leased` and `tasks.succeeded`, a page costs its own rows. */
    readonly types?: readonly string[]
  }): Promise<readonly StoreEvent[]>
  /** Events of a run counted by type, step, code or reason; without `tasks.leased` and `tasks.succeeded`. */
  countEvents(runId: string): Promise<readonly EventCount[]>
  /** Attempts of a run: by place and fence, or those that took longest first; at most `limit` (default 1000). */
  listAttempts(
    runId: string,
    filter?: {
      readonly step?: string
      readonly kind?: TaskKind
      readonly index?: number
      readonly order?: 'place' | 'longest'
      readonly limit?: number
    },
  ): Promise<readonly AttemptRow[]>
  /** By run, step in order of definition, and kind. */
  totalAttempts(runIds: readonly string[]): Promise<readonly AttemptTotals[]>
  /** Between two times, in `buckets` of the same length. */
  runActivity(
    runId: string,
    span: { readonly from: number; readonly to: number; readonly buckets: number },
  ): Promise<RunActivity>
  /** Milliseconds until the next task that is ready but not due becomes due; null when there is none. */
  nextDue(runs?: readonly string[]): Promise<number | null>
  /** Paths of parts that a checkpoint or an output of an unfinished run, or a finished run's output, refers to. */
  referencedParts(runId: string): Promise<readonly string[]>
}
