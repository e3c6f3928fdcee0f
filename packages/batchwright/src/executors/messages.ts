/**
 * What travels between a slot in a thread or a process and the engine's side of it. Plain JSON, numbered where an answer is
 * awaited.
 */
import type { ErrorReport } from '../kernel/errors.ts'
import type {
  Answer,
  Assignment,
  AttemptEnd,
  BatchAssignment,
  BatchEnd,
  Checkpoint,
  LogLine,
  PartitionPlan,
  PartitionSplit,
  Progress,
  Question,
  StopReason,
  Word,
} from '../protocol/index.ts'

export type ToSlot =
  | { readonly kind: 'run'; readonly assignment: Assignment }
  | { readonly kind: 'batch'; readonly batch: BatchAssignment; readonly board: SharedArrayBuffer }
  | { readonly kind: 'stop'; readonly reason: StopReason }
  | { readonly kind: 'close' }
  /** Asks the running attempt to cut what is left of its partition. */
  | { readonly kind: 'split'; readonly pieces: number }
  /** Answers `checkpoint` or `partitions`; without an error it is durable. `taken`: whether a checkpoint's split was. */
  | { readonly kind: 'answer'; readonly id: number; readonly error: ErrorReport | null; readonly taken?: boolean }
  /** Answers `ask`. */
  | { readonly kind: 'told'; readonly id: number; readonly answer: Answer }

export type FromSlot =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'checkpoint'
      readonly id: number
      readonly checkpoint: Checkpoint
      readonly split?: PartitionSplit
    }
  | { readonly kind: 'splitDeclined'; readonly reason: string }
  | { readonly kind: 'partitions'; readonly id: number; readonly batch: readonly PartitionPlan[] }
  /** Answered by `told`, or by `answer` with an error. */
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  | { readonly kind: 'tell'; readonly word: Word }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'logs'; readonly lines: readonly LogLine[] }
  /** A secret that a service has read: what the thread dies of is told without it. */
  | { readonly kind: 'secret'; readonly secret: string; readonly name: string }
  | { readonly kind: 'end'; readonly end: AttemptEnd }
  /** What follows is said by the attempt at this place of the batch. */
  | { readonly kind: 'at'; readonly place: number }
  | { readonly kind: 'ended'; readonly ends: readonly BatchEnd[] }
  | { readonly kind: 'batchEnd' }
  /** An error that nobody caught ends the slot now. Processes say so; of a thread its own events tell. */
  | { readonly kind: 'dying'; readonly error: ErrorReport }

/** What a slot is started with. */
export interface SlotStart {
  readonly name: string
  /** A debugger that is attached to the thread stops at the first call of the job's own code. */
  readonly stopAtFirstCall: boolean
}

/** What a slot process is started with, as JSON in its only argument. */
export interface ProcessStart extends SlotStart {
  /** Most that all of the process and what it has started may take, bytes. */
  readonly limitBytes: number
  /** Process id of its worker: with that one's end it ends too. */
  readonly workerPid: number
}

/** What the guard of a slot process says of its end, as one line of JSON on the pipe beside the channel. */
export interface LastWord {
  readonly limitBytes: number
  readonly usedBytes: number
}
