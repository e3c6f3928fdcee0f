import type { Clock } from '../kernel/clock.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'

export interface ContactOptions {
  readonly clock: Clock
  readonly random: Random
  /** A silence longer than this breaks the contact: a process that was suspended has missed the others' renewals. */
  readonly longestSilenceMs: number
  /** Ends the patience: a call that is waiting for its next try rejects. */
  readonly signal: AbortSignal
  /** Told of each failed try: for logs. */
  readonly onError: (error: BatchwrightError, waitMs: number) => void
}

const FIRST_WAIT_MS = 25
const LONGEST_WAIT_MS = 2_000

/**
 * The worker's contact with its store. A call that fails with a passing error (busy, disk full, connection lost) is made
 * again until it succeeds: work waits, nothing is lost. Every verb may be repeated after an unknown outcome.
 */
export class StoreContact {
  readonly #options: ContactOptions
  #unbrokenSince: number
  #lastAt: number

  constructor(options: ContactOptions) {
    this.#options = options
    this.#unbrokenSince = options.clock.monotonic()
    this.#lastAt = this.#unbrokenSince
  }

  /** Milliseconds for which every call has succeeded, with no long silence between. */
  unbrokenMs(): number {
    const now = this.#options.clock.monotonic()
    if (now - this.#lastAt > this.#options.longestSilenceMs) return 0
    return now - this.#unbrokenSince
  }

  /** Calls the store until it answers. Rejects with an error that does not pass, or when the signal is aborted. */
  async call<Answer>(verb: () => Promise<Answer>): Promise<Answer> {
    for (let tries = 0; ; tries += 1) {
      try {
        const answer = await verb()
        this.touch()
        return answer
      } catch (thrown) {
        if (!(thrown instanceof BatchwrightError) || !thrown.retryable) throw thrown
        this.broken()
        const waitMs = this.#wait(tries)
        this.#options.onError(thrown, waitMs)
        await this.#options.clock.sleep(waitMs, this.#options.signal)
      }
    }
  }

  /** Records that the store has just answered. */
  touch(): void {
    const now = this.#options.clock.monotonic()
    if (now - this.#lastAt > this.#options.longestSilenceMs) this.#unbrokenSince = now
    this.#lastAt = now
  }

  /** Records that the store has just failed to answer. */
  broken(): void {
    this.#lastAt = this.#options.clock.monotonic()
    this.#unbrokenSince = this.#lastAt
  }

  #wait(tries: number): number {
    const grown = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 10))
    return Math.round(grown * (0.5 + this.#options.random.next() / 2))
  }
}
