import type { Clock, Timer } from '../kernel/clock.ts'
import type { JsonValue } from '../kernel/errors.ts'
import type { AttemptEnd, AttemptPort, BatchEnd, BatchPort } from '../protocol/index.ts'
import type { BatchBoard } from './board.ts'
import type { SlotPort } from './port.ts'

/** Ends wait for each other for so long: a message for each task would cost more than a short task. */
const GATHER_MS = 5

export interface BatchWire {
  /** Opens the port of the attempt at a place. */
  openPort(place: number): SlotPort
  ended(ends: readonly BatchEnd[]): void
}

/** The slot's end of a batch's port, the same for every executor: ends travel in groups, attempts get a port when they need one. */
export class SlotBatchPort implements BatchPort {
  readonly #wire: BatchWire
  readonly #board: BatchBoard
  readonly #clock: Clock
  #place = -1
  #port: SlotPort | null = null
  #ends: BatchEnd[] = []
  #sentAt: number
  /** Sends the ends that wait while an attempt takes its time. */
  #timer: Timer | null = null

  constructor(wire: BatchWire, board: BatchBoard, clock: Clock) {
    this.#wire = wire
    this.#board = board
    this.#clock = clock
    this.#sentAt = clock.monotonic()
  }

  /** Of the attempt at work; -1 before the first. */
  get place(): number {
    return this.#place
  }

  /** The port of the attempt at work, where it has needed one. */
  get current(): SlotPort | null {
    return this.#port
  }

  begin(place: number): boolean {
    if (!this.#board.begin(place)) return false
    this.#place = place
    return true
  }

  attempt(): AttemptPort {
    this.#port ??= this.#wire.openPort(this.#place)
    return this.#port
  }

  returned(result: JsonValue): void {
    this.#note({ place: this.#place, result })
  }

  ended(end: AttemptEnd): void {
    this.#note({ place: this.#place, end })
  }

  /** Sends the ends that wait. */
  flush(): void {
    this.#timer?.stop()
    this.#timer = null
    this.#sentAt = this.#clock.monotonic()
    if (this.#ends.length === 0) return
    const ends = this.#ends
    this.#ends = []
    this.#wire.ended(ends)
  }

  #note(end: BatchEnd): void {
    this.#port?.shut()
    this.#port = null
    this.#ends.push(end)
    if (this.#clock.monotonic() - this.#sentAt >= GATHER_MS) this.flush()
    else
      this.#timer ??= this.#clock.after(GATHER_MS, () => {
        this.flush()
      })
  }
}
