import { abortReason, type Clock, type Timer } from '../../kernel/clock.ts'

interface Alarm {
  readonly at: number
  readonly ring: () => void
}

/** A clock that stands still until a test moves it. */
export class SettableClock implements Clock {
  #time = 1_700_000_000_000
  readonly #alarms = new Set<Alarm>()

  now(): number {
    return this.#time
  }

  monotonic(): number {
    return this.#time
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.after(ms, resolve)
      signal?.addEventListener('abort', () => {
        timer.stop()
        reject(abortReason(signal))
      })
    })
  }

  after(ms: number, callback: () => void): Timer {
    const alarm = { at: this.#time + ms, ring: callback }
    this.#alarms.add(alarm)
    return {
      stop: () => {
        this.#alarms.delete(alarm)
      },
    }
  }

  /** Moves time on, ringing what becomes due, in order. */
  advance(ms: number): void {
    const end = this.#time + ms
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)
      if (next === undefined) break
      this.#alarms.delete(next)
      this.#time = Math.max(this.#time, next.at)
      next.ring()
    }
    this.#time = end
  }
}
