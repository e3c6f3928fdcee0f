/**
 * Time, as everything in the engine reads it. Nothing else calls `Date.now`, `performance.now` or sets a timer, so that a
 * virtual clock can stand in for all of it.
 */
export interface Clock {
  /** Wall time, milliseconds since the epoch. For people and for data; never for deciding who owns a lease. */
  now(): number
  /** A time that only grows, milliseconds from an arbitrary start. For time-outs and rates. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason if it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls back once after `ms`. The timer does not keep the process alive unless `hold` is true. */
  after(ms: number, callback: () => void, options?: { readonly hold?: boolean }): Timer
}

/** A timer that can be stopped; stopping twice, or after it fired, does nothing. */
export interface Timer {
  stop(): void
}

class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
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
      const timer = this.after(
        ms,
        () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
        { hold: true },
      )
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  after(ms: number, callback: () => void, options?: { readonly hold?: boolean }): Timer {
    let handle: NodeJS.Timeout
    const wait = (left: number): void => {
      const piece = Math.min(left, LONGEST_TIMER)
      handle = setTimeout(() => {
        if (left > piece) wait(left - piece)
        else callback()
      }, piece)
      if (options?.hold !== true) handle.unref()
    }
    wait(ms)
    return {
      stop: () => {
        clearTimeout(handle)
      },
    }
  }
}

/** Node turns anything above 2^31 - 1 ms (25 days) into 1 ms: longer waits are made of several. */
const LONGEST_TIMER = 2 ** 31 - 1

/** The reason of an aborted signal, always as an Error. */
export function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new Error(`aborted: ${String(reason)}`)
}

export const systemClock: Clock = new SystemClock()
