import type { Clock, Timer } from '../kernel/clock.ts'
import { abortReason } from '../kernel/clock.ts'
import { quiet } from './quiet.ts'

interface Waiting {
  readonly at: number
  /** Timers for the same moment fire in the order they were set. */
  readonly order: number
  readonly callback: () => void
}

/** How long virtual time may go on. */
export interface RunUntilOptions {
  /** Virtual milliseconds after which the wait is given up; default one day. */
  readonly limitMs?: number
}

const DEFAULT_START = Date.UTC(2026, 0, 1)
const DEFAULT_LIMIT_MS = 24 * 60 * 60 * 1000
/** A jump longer than this leaves real work (a query, a decompression) a real moment to end first. */
const LONG_JUMP_MS = 100

/**
 * A clock that stands still until a test moves it. Timers fire in order of their time; between two of them everything that
 * can run without the clock runs, file I/O included.
 */
export class VirtualClock implements Clock {
  readonly #start: number
  readonly #waiting = new Set<Waiting>()
  #elapsed = 0
  #orders = 0

  /** `start` is wall time in milliseconds since the epoch; default 2026-01-01T00:00:00Z. */
  constructor(start: number = DEFAULT_START) {
    this.#start = start
  }

  now(): number {
    return this.#start + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(abortReason(signal))
        return
      }
      const onAbort = (): void => {
        timer.stop()
        if (signal !== undefined) reject(abortReason(signal))
      }
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  after(ms: number, callback: () => void): Timer {
    this.#orders += 1
    const waiting: Waiting = { at: this.#elapsed + Math.max(0, ms), order: this.#orders, callback }
    this.#waiting.add(waiting)
    return {
      stop: () => {
        this.#waiting.delete(waiting)
      },
    }
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#waiting.size
  }

  /** Moves time on by `ms`, firing on the way what falls due, and lets everything settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await quiet()
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      await this.#fire(next)
    }
    this.#elapsed = end
    await quiet()
  }

  /**
   * Moves time on, from timer to timer, until the promise has settled. Rejects as it does; rejects too when no timer is
   * left that could settle it, or after `limitMs` of virtual time.
   */
  async runUntil<Value>(promise: Promise<Value>, options: RunUntilOptions = {}): Promise<Value> {
    const limit = this.#elapsed + (options.limitMs ?? DEFAULT_LIMIT_MS)
    let settled = false
    const settle = (): void => {
      settled = true
    }
    promise.then(settle, settle)
    await quiet()
    for (let idle = 0; !hasSettled(() => settled);) {
      const next = this.#next()
      if (next === undefined) {
        if (idle >= LAST_CHANCE_MS) throw stuck('no timer is left that could end it')
        idle += IDLE_STEP_MS
        await quiet(IDLE_STEP_MS)
        continue
      }
      idle = 0
      if (next.at > limit) throw stuck(`it did not end within ${String(limit - this.#elapsed)} ms of virtual time`)
      if (next.at - this.#elapsed > LONG_JUMP_MS) await quiet(1)
      if (!hasSettled(() => settled)) await this.#fire(this.#next() ?? next)
    }
    return promise
  }

  #next(): Waiting | undefined {
    let first: Waiting | undefined
    for (const waiting of this.#waiting) {
      const earlier =
        first === undefined || waiting.at < first.at || (waiting.at === first.at && waiting.order < first.order)
      if (earlier) first = waiting
    }
    return first
  }

  async #fire(waiting: Waiting): Promise<void> {
    this.#waiting.delete(waiting)
    this.#elapsed = Math.max(this.#elapsed, waiting.at)
    waiting.callback()
    await quiet()
  }
}

/** How long real work that no timer waits for (a thread, a child) gets before a wait is called hopeless. */
const LAST_CHANCE_MS = 5_000
const IDLE_STEP_MS = 5

/** Read through a call: it changes while others run. */
function hasSettled(read: () => boolean): boolean {
  return read()
}

function stuck(why: string): Error {
  return new Error(`VirtualClock.runUntil: expected the promise to settle; ${why}`)
}
