/** Local clocks run at most this much fast or slow against each other: 500 in a million, several times what is seen. */
const DRIFT = 500e-6

interface Learnt {
  readonly low: number
  readonly high: number
  /** Local time at which it was learnt. */
  readonly at: number
}

/**
 * How far another clock is ahead of the local one: never a guess, always two bounds that the truth lies between. An exchange
 * of messages gives them: what the other side read happened after the question left and before its answer came. Bounds
 * of several exchanges are laid over each other, and grow with age by what clocks may drift.
 */
export class ClockOffset {
  #learnt: Learnt | null = null

  /**
   * Milliseconds. The question left at `sent`, by the local clock, and the answer came at `received`. By the other clock it was
   * heard at `heard` or earlier, and answered at `said` or later: one reading of its clock in between will do for both.
   */
  learn(exchange: {
    readonly sent: number
    readonly heard: number
    readonly said: number
    readonly received: number
  }): void {
    const { sent, heard, said, received } = exchange
    const fresh: Learnt = { low: said - received, high: heard - sent, at: received }
    const known = this.#learnt === null ? null : aged(this.#learnt, received)
    if (known === null) {
      this.#learnt = fresh
      return
    }
    const low = Math.max(known.low, fresh.low)
    const high = Math.min(known.high, fresh.high)
    // Bounds that exclude each other: one of the clocks was set. Only the newest is known.
    this.#learnt = low > high ? fresh : { low, high, at: received }
  }

  /** Whether anything has been learnt. */
  get known(): boolean {
    return this.#learnt !== null
  }

  /**
   * The local times at which it surely is `from` by the other clock, and surely not yet `until`. Null before anything was
   * learnt, and where the bounds are too far apart for any local time to be surely inside.
   */
  surelyWithin(from: number, until: number): { readonly from: number; readonly until: number } | null {
    if (this.#learnt === null) return null
    const roughly = from - this.#learnt.low
    const { low, high } = aged(this.#learnt, Math.max(roughly, this.#learnt.at) + (until - from))
    const inside = { from: from - low, until: until - high }
    return inside.from < inside.until ? inside : null
  }
}

function aged({ low, high, at }: Learnt, now: number): Learnt {
  const widened = Math.max(0, now - at) * DRIFT
  return { low: low - widened, high: high + widened, at: now }
}
