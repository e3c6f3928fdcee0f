import type { Clock, Timer } from '../kernel/clock.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type {
  Answer,
  AttemptPort,
  Checkpoint,
  LogLine,
  PartitionPlan,
  PartitionSplit,
  Progress,
  Question,
  SplitPort,
  StopReason,
  Word,
} from '../protocol/index.ts'
import type { SlotCallbacks } from './contract.ts'

/** Where a port's words go: over a wire, or straight to the engine's callbacks. */
export interface PortWire {
  checkpoint(checkpoint: Checkpoint): Promise<void>
  partitions(batch: readonly PartitionPlan[]): Promise<void>
  split(checkpoint: Checkpoint, split: PartitionSplit): Promise<boolean>
  splitDeclined(reason: string): void
  ask(question: Question): Promise<Answer>
  tell(word: Word): void
  progress(progress: Progress): void
  logs(lines: readonly LogLine[]): void
}

/** The reason of a port's aborted signal. */
export class StopRequest extends BatchwrightError {
  override readonly name = 'StopRequest'
  readonly stop: StopReason

  constructor(stop: StopReason) {
    super({ code: 'ATTEMPT_STOPPED', message: `the attempt was asked to stop: ${stop}` })
    this.stop = stop
  }
}

/** Screens are refreshed a few times a second; more would be work for nobody. */
const PROGRESS_EVERY_MS = 200
const LOG_WAIT_MS = 100
const LOG_BATCH = 200

/**
 * The slot's end of an attempt's port, the same for every executor: progress is thinned out, log lines travel in batches,
 * and the verbs that must be durable pass straight through. After `shut` nothing is sent any more.
 */
export class SlotPort implements AttemptPort {
  readonly #wire: PortWire
  readonly #clock: Clock
  readonly #stop = new AbortController()
  #lines: LogLine[] = []
  #linesTimer: Timer | null = null
  #latest: Progress | null = null
  #latestTimer: Timer | null = null
  #progressAt = Number.NEGATIVE_INFINITY
  #pieces: number | null = null
  #open = true
  readonly splits: SplitPort = {
    asked: () => {
      const pieces = this.#pieces
      this.#pieces = null
      return pieces
    },
    commit: async (checkpoint, split) => {
      this.#refuseWhenShut()
      this.#sendLines()
      return this.#wire.split(checkpoint, split)
    },
    decline: (reason) => {
      if (this.#open) this.#wire.splitDeclined(reason)
    },
  }

  constructor(wire: PortWire, clock: Clock) {
    this.#wire = wire
    this.#clock = clock
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Asks the attempt to stop; the first reason stays. */
  stop(reason: StopReason): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(new StopRequest(reason))
  }

  /** Asks the attempt to cut what is left of its partition. */
  askSplit(pieces: number): void {
    this.#pieces = pieces
  }

  async checkpoint(checkpoint: Checkpoint): Promise<void> {
    this.#refuseWhenShut()
    this.#sendLines()
    await this.#wire.checkpoint(checkpoint)
  }

  async partitions(batch: readonly PartitionPlan[]): Promise<void> {
    this.#refuseWhenShut()
    await this.#wire.partitions(batch)
  }

  async ask(question: Question): Promise<Answer> {
    this.#refuseWhenShut()
    return this.#wire.ask(question)
  }

  tell(word: Word): void {
    if (this.#open) this.#wire.tell(word)
  }

  progress(progress: Progress): void {
    if (!this.#open) return
    this.#latest = progress
    const wait = this.#progressAt + PROGRESS_EVERY_MS - this.#clock.monotonic()
    if (wait <= 0) this.#sendProgress()
    else
      this.#latestTimer ??= this.#clock.after(wait, () => {
        this.#sendProgress()
      })
  }

  log(line: LogLine): void {
    if (!this.#open) return
    this.#lines.push(line)
    if (this.#lines.length >= LOG_BATCH) this.#sendLines()
    else
      this.#linesTimer ??= this.#clock.after(LOG_WAIT_MS, () => {
        this.#sendLines()
      })
  }

  /** Sends what waits, then falls silent: an attempt that goes on after its end can change nothing. */
  shut(): void {
    if (!this.#open) return
    this.#sendLines()
    if (this.#latest !== null) this.#sendProgress()
    this.#open = false
  }

  #sendProgress(): void {
    this.#latestTimer?.stop()
    this.#latestTimer = null
    if (this.#latest === null || !this.#open) return
    const latest = this.#latest
    this.#latest = null
    this.#progressAt = this.#clock.monotonic()
    this.#wire.progress(latest)
  }

  #sendLines(): void {
    this.#linesTimer?.stop()
    this.#linesTimer = null
    if (this.#lines.length === 0 || !this.#open) return
    const lines = this.#lines
    this.#lines = []
    this.#wire.logs(lines)
  }

  #refuseWhenShut(): void {
    if (this.#open) return
    throw new BatchwrightError({ code: 'FENCED', message: 'the attempt has ended: it can commit nothing more' })
  }
}

/** The checkpoint alone, where nobody takes splits. */
export async function splitOr(
  callbacks: SlotCallbacks,
  checkpoint: Checkpoint,
  split: PartitionSplit,
): Promise<boolean> {
  if (callbacks.split !== undefined) return callbacks.split(checkpoint, split)
  await callbacks.checkpoint(checkpoint)
  return false
}
