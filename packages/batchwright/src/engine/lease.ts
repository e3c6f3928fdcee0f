import type { Clock } from '../kernel/clock.ts'
import { abortReason } from '../kernel/clock.ts'
import type { TaskLease } from '../store/contract.ts'

/** What one renewal answered. */
export interface Renewal {
  readonly state: 'alive' | 'dead'
  /** Leases among those stated that the store no longer knows as this worker's. */
  readonly lost: readonly TaskLease[]
  readonly pausedRuns: readonly string[]
  /** When it was sent, by this thread's monotonic clock: the lease counts from here. Never later than the truth. */
  readonly sentAt: number
}

/** Keeps a worker's lease alive. */
export interface Heartbeat {
  /** States what the worker holds, from now on. */
  hold(leases: readonly TaskLease[]): void
  /** Asks for a renewal now instead of at the next beat. */
  beat(): void
  stop(): Promise<void>
}

export interface HeartbeatEvents {
  renewed(renewal: Renewal): void
  /** The store did not answer; the next beat tries again. */
  missed(error: unknown): void
  /** No more renewals will come. */
  failed(error: unknown): void
}

export interface HeartbeatStart {
  readonly workerId: string
  readonly leaseMs: number
  readonly everyMs: number
}

/**
 * The local side of a lease. Past its deadline, counted on the monotonic clock from the moment the renewal was sent, the
 * lease is unknown: work goes on, commits wait. Only the store can say that it is lost.
 */
export class LocalLease {
  readonly #clock: Clock
  readonly #leaseMs: number
  #deadline: number
  #over = false
  #renewed = Promise.withResolvers<undefined>()

  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#deadline = clock.monotonic() + leaseMs
  }

  renewed(sentAt: number): void {
    this.#deadline = Math.max(this.#deadline, sentAt + this.#leaseMs)
    this.#renewed.resolve(undefined)
    this.#renewed = Promise.withResolvers<undefined>()
  }

  /** Whether the lease is surely still ours. */
  isCertain(): boolean {
    return this.#clock.monotonic() < this.#deadline
  }

  /** No renewal will come any more: nobody needs to wait, the fences decide. */
  end(): void {
    this.#over = true
    this.#renewed.resolve(undefined)
  }

  /** Resolves at once while the lease is certain, else after the renewal that makes it so. Rejects on abort. */
  async whenCertain(signal: AbortSignal): Promise<void> {
    while (!this.#over && !this.isCertain()) {
      if (signal.aborted) throw abortReason(signal)
      await until(this.#renewed.promise, signal)
    }
  }
}

function until(promise: Promise<undefined>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(abortReason(signal))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, reject)
  })
}
