import type { ErrorReport, JsonValue } from '../kernel/errors.ts'
import type { PartitionPlan } from './assignment.ts'
import type { Counters } from './counters.ts'
import type { Checkpoint, TaskOutput } from './output.ts'
import type { Answer, Question, Refusal, Word } from './services.ts'
import type { Snapshot } from './snapshot.ts'

/** A line of a run's log. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  /** Wall time of the slot, milliseconds since the epoch. */
  readonly at: number
  readonly fields?: Readonly<Record<string, JsonValue>>
}

/** How far an attempt is: for screens, never for decisions. At most a few a second. */
export interface Progress {
  readonly counters: Counters
  /** 0 to 1; null when the source cannot tell. */
  readonly fraction: number | null
}

/** The fixed input of a step and the number of its partitions. The partitions themselves come before it, in batches. */
export interface PlanSummary {
  readonly snapshot: Snapshot | null
  readonly partitions: number
  /** Compared on a resume under new code: graph, partitioning, contracts, formats, state versions. */
  readonly fingerprint: string
  /** Sentences for `plan` and `explain`: compressed files are one partition each, skew, missing windows. */
  readonly notes: readonly string[]
}

/** How an attempt ended. */
export type AttemptEnd =
  | { readonly kind: 'finished'; readonly output: TaskOutput }
  | { readonly kind: 'planned'; readonly plan: PlanSummary }
  | { readonly kind: 'failed'; readonly error: ErrorReport; readonly counters: Counters | null }
  /** It was asked to stop and did so at a commit: no attempt used. `wait`: it cannot go on before some time has passed. */
  | { readonly kind: 'givenBack'; readonly counters: Counters | null; readonly wait?: Refusal }

/** A piece of a partition, not yet given an index. */
export type SplitPiece = Omit<PartitionPlan, 'index'>

/**
 * A partition that is cut while it runs: from the checkpoint that it is committed with, `own` is all that the attempt works
 * on, and the rest are tasks of their own. Pieces stand in the order of the input, and no record is in two of them or none.
 */
export interface PartitionSplit {
  readonly own: SplitPiece
  readonly rest: readonly SplitPiece[]
}

/** Why an attempt is asked to stop. */
export type StopReason = 'cancelled' | 'paused' | 'preempted' | 'timeout' | 'lost'

/**
 * What an attempt can say while it runs. `checkpoint` and `partitions` resolve when the control plane has made them
 * durable under the attempt's fence, and reject with code `FENCED` when the attempt no longer owns its task.
 */
export interface AttemptPort {
  checkpoint(checkpoint: Checkpoint): Promise<void>
  partitions(batch: readonly PartitionPlan[]): Promise<void>
  /** Asks for something that the whole fleet shares: a service's permit, the record of an effect. */
  ask(question: Question): Promise<Answer>
  /** Says something of it that needs no answer. */
  tell(word: Word): void
  progress(progress: Progress): void
  log(line: LogLine): void
  /** Aborted when the attempt must stop; its reason is an Error whose `stop` is the StopReason. Looked at between chunks. */
  readonly signal: AbortSignal
  /** Absent where nobody asks for splits. */
  readonly splits?: SplitPort
}

/** How an attempt is asked to share out what is left of its partition, and answers. */
export interface SplitPort {
  /** Into how many pieces it was asked to cut what is left; null where it was not asked since it last looked. */
  asked(): number | null
  /**
   * Commits a checkpoint and, in the same write, a split; durable when it resolves. True: the rest belongs to others from now
   * on. False: the checkpoint stands, and the partition is whole as before. Rejects with code `FENCED`.
   */
  commit(checkpoint: Checkpoint, split: PartitionSplit): Promise<boolean>
  /** Says why there will be no split: a clause for people. */
  decline(reason: string): void
}
