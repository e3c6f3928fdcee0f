import type { Clock } from '../../kernel/clock.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { AttemptPort, Checkpoint, PartitionSplit, SplitPort } from '../../protocol/index.ts'

/** Everything that must be on disk before a checkpoint may name it, captured by value when it is called. */
export type Capture = () => Promise<Omit<Checkpoint, 'engine' | 'sequence'>>

/**
 * Commits, at most one under way: the attempt goes on reading and processing meanwhile. First the outputs are made durable
 * (nothing may be written to them until then: `writable`), then the checkpoint that names them.
 */
export class Committer {
  readonly #port: AttemptPort
  readonly #clock: Clock
  readonly #everyChunks: number
  readonly #everyMs: number
  #sequence: number
  #chunks = 0
  #since: number
  #durable: Promise<unknown> = Promise.resolve()
  #underWay: Promise<void> = Promise.resolve()
  /** The last checkpoint that is durable; null before the first. */
  last: Checkpoint | null

  constructor(
    port: AttemptPort,
    clock: Clock,
    policy: { readonly everyChunks: number; readonly everyMs: number },
    from: { readonly last: Checkpoint | null; readonly sequence: number },
  ) {
    this.#port = port
    this.#clock = clock
    this.#everyChunks = policy.everyChunks
    this.#everyMs = policy.everyMs
    this.#since = clock.monotonic()
    this.last = from.last
    this.#sequence = from.sequence
  }

  get sequence(): number {
    return this.#sequence
  }

  /** Counts a written chunk; true when a commit is due. */
  due(): boolean {
    this.#chunks += 1
    return this.#chunks >= this.#everyChunks || this.#clock.monotonic() - this.#since >= this.#everyMs
  }

  /** True where chunks have been written since the last commit began. */
  get behind(): boolean {
    return this.#chunks > 0
  }

  /** Resolves when outputs may be written to. */
  async writable(): Promise<void> {
    await this.#durable
  }

  /** Begins a commit, once the one before it has ended. Resolves when it has begun. */
  async begin(capture: Capture): Promise<void> {
    await this.#begin(capture, (checkpoint) => this.#port.checkpoint(checkpoint))
  }

  async #begin(capture: Capture, commit: (checkpoint: Checkpoint) => Promise<void>): Promise<void> {
    await this.#underWay
    this.#chunks = 0
    this.#since = this.#clock.monotonic()
    const durable = capture()
    this.#durable = seen(durable)
    this.#underWay = seen(this.#record(durable, commit))
  }

  /** Commits together with a split, and waits for it. Resolves with whether the split was taken. */
  async split(capture: Capture, split: PartitionSplit, port: SplitPort): Promise<boolean> {
    let taken = false
    await this.#begin(capture, async (checkpoint) => {
      taken = await port.commit(checkpoint, split)
    })
    await this.#underWay
    return taken
  }

  /** Resolves when no commit is under way; throws where the last one failed. */
  async settled(): Promise<void> {
    await this.#underWay
  }

  async #record(durable: ReturnType<Capture>, commit: (checkpoint: Checkpoint) => Promise<void>): Promise<void> {
    const state = await durable
    failPoint('loop.sink-committed')
    this.#sequence += 1
    const checkpoint: Checkpoint = { engine: 1, sequence: this.#sequence, ...state }
    await commit(checkpoint)
    this.last = checkpoint
    failPoint('loop.checkpointed')
  }
}

/** A promise that is awaited later, or not at all where something else fails first: no unhandled rejection until then. */
function seen<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined)
  return promise
}
