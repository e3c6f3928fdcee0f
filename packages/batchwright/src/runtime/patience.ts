import type { RetryPolicy } from '../job/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import { retryDelay, worthRetrying } from './retry.ts'
import { AttemptStopped, type Stops } from './stop.ts'

/** Trying again inside an attempt: single records and single chunk writes, by the step's own policy. */
export class PolicyPatience {
  readonly #policy: RetryPolicy
  readonly #clock: Clock
  readonly #random: Random
  readonly #stops: Stops
  readonly #onRetry: () => void | Promise<void>

  constructor(
    policy: RetryPolicy,
    around: {
      readonly clock: Clock
      readonly random: Random
      readonly stops: Stops
      readonly onRetry: () => void | Promise<void>
    },
  ) {
    this.#policy = policy
    this.#clock = around.clock
    this.#random = around.random
    this.#stops = around.stops
    this.#onRetry = around.onRetry
  }

  worth(thrown: unknown): boolean {
    return !(thrown instanceof AttemptStopped) && this.#policy.attempts > 1 && worthRetrying(this.#policy, thrown)
  }

  settle(work: PromiseLike<unknown>): Promise<unknown> {
    return this.#stops.unless(work)
  }

  /** One try has failed with `thrown`: tries again, after growing delays, until attempts are used up. */
  async retry<Value>(thrown: unknown, again: () => Value | PromiseLike<Value>): Promise<Value> {
    let last = thrown
    for (let failed = 1; failed < this.#policy.attempts && this.worth(last); failed += 1) {
      await this.#clock.sleep(retryDelay(this.#policy, failed, this.#random), this.#stops.hard)
      await this.#onRetry()
      try {
        return await this.#stops.unless(Promise.resolve(again()))
      } catch (error) {
        last = error
      }
    }
    throw last
  }
}
