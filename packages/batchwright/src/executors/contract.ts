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
import type { BatchBoard } from './board.ts'

/**
 * What the engine needs of an executor: rooms in which one attempt runs at a time. Threads, processes, pods and remote
 * functions all look like this; one suite tests them all.
 */
export interface Executor {
  readonly name: 'inline' | 'thread' | 'process'
  /** Opens a slot. Threads start here, before there is work, so that their start-up is not part of a task. */
  openSlot(request?: SlotRequest): Promise<Slot>
  /**
   * Ends what slots of dead workers have left running on this machine. Absent where they die with their worker. Resolves
   * with how many processes were ended.
   */
  sweep?(): Promise<number>
}

/** What a step asks of its slot. */
export interface SlotRequest {
  /** Most that all of its process may take, bytes; null or absent for the executor's default. Only of processes. */
  readonly memoryBytes?: number | null
}

/** Room for one attempt. */
export interface Slot {
  /**
   * Runs an attempt to its end. Never rejects: a slot that dies (out of memory, process.exit, a crash) ends its attempt as
   * `failed` with code `SLOT_DIED` and details that say how; the slot is then no longer usable (`alive` is false).
   */
  run(assignment: Assignment, callbacks: SlotCallbacks): Promise<AttemptEnd>
  /**
   * Runs the attempts of a batch, one after the other; `board` says to both sides which is at work. Ends are told in groups.
   * Never rejects. Resolves with null when no more ends will come: what has not ended has not begun. Else with the end that
   * the slot's death was for the attempt at work; those behind it have not begun. Absent: one attempt at a time.
   */
  runBatch?(batch: BatchAssignment, board: BatchBoard, callbacks: BatchCallbacks): Promise<AttemptEnd | null>
  /** Asks the running attempt to stop at its next commit. */
  stop(reason: StopReason): void
  /** Asks the running attempt to cut what is left of its partition into so many pieces. It answers at its next commit. Absent: it is never asked. */
  split?(pieces: number): void
  /** Ends an idle slot in good order: clients of services are closed first. A running attempt is terminated. */
  close(): Promise<void>
  /** Ends the slot at once, whatever it does: an endless loop too. The running attempt ends as `failed`, `SLOT_DIED`. */
  terminate(reason: string): Promise<void>
  readonly alive: boolean
}

/** The engine's answers to a batch. */
export interface BatchCallbacks {
  /** Those to the attempt at a place. */
  attempt(place: number): SlotCallbacks
  ended(ends: readonly BatchEnd[]): void
}

/** The engine's answers to a running attempt. The two that return promises are durable when they resolve. */
export interface SlotCallbacks {
  checkpoint(checkpoint: Checkpoint): Promise<void>
  partitions(batch: readonly PartitionPlan[]): Promise<void>
  /** What the fleet says to a question of the attempt; what it answers is durable. */
  ask(question: Question): Promise<Answer>
  tell(word: Word): void
  progress(progress: Progress): void
  log(line: LogLine): void
  /** Commits a split with its checkpoint; false where the split was not taken. Absent where nobody asks for splits. */
  split?(checkpoint: Checkpoint, split: PartitionSplit): Promise<boolean>
  splitDeclined?(reason: string): void
}
