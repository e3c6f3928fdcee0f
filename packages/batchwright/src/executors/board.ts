const AT_WORK = 0
const STOPPED = 1
const FIRST_PLACE = 2

/**
 * What a batch and the engine must know of each other without a message for each task: which attempt is at work, and which
 * must not begin any more. Both sides see it in the same memory, even where the slot's thread is busy or has died.
 */
export class BatchBoard {
  readonly memory: SharedArrayBuffer
  readonly #cells: Int32Array<SharedArrayBuffer>

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#cells = new Int32Array(memory)
  }

  /** For so many attempts. */
  static of(attempts: number): BatchBoard {
    const board = new BatchBoard(new SharedArrayBuffer((FIRST_PLACE + attempts) * Int32Array.BYTES_PER_ELEMENT))
    Atomics.store(board.#cells, AT_WORK, -1)
    return board
  }

  /** The other side's view. */
  static on(memory: SharedArrayBuffer): BatchBoard {
    return new BatchBoard(memory)
  }

  /** Place of the attempt that is at work, or was last; -1 before the first. */
  get atWork(): number {
    return Atomics.load(this.#cells, AT_WORK)
  }

  /** Puts an attempt to work, unless it must not begin any more. */
  begin(place: number): boolean {
    if (Atomics.load(this.#cells, STOPPED) !== 0 || Atomics.load(this.#cells, FIRST_PLACE + place) !== 0) return false
    Atomics.store(this.#cells, AT_WORK, place)
    return true
  }

  /** No attempt begins any more. */
  stop(): void {
    Atomics.store(this.#cells, STOPPED, 1)
  }

  /** The attempt at this place does not begin any more. */
  skip(place: number): void {
    Atomics.store(this.#cells, FIRST_PLACE + place, 1)
  }
}
