import type { Clock } from '../../kernel/clock.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import type { Store } from '../../store/index.ts'
import { StoreContact } from '../contact.ts'
import type { Duty, DutyCounts } from './duty.ts'

export interface CoordinatorHooks {
  /** This process leads now, or another one does. */
  readonly leading?: (leads: boolean) => void
  /** A pass did something: counts above 0 only. */
  readonly did?: (duty: string, counts: DutyCounts) => void
  readonly failed?: (duty: string, error: unknown) => void
  /** The store failed for the moment; the call is made again after `waitMs`. */
  readonly storeTrouble?: (error: BatchwrightError, waitMs: number) => void
}

export interface CoordinatorOptions {
  readonly store: Store
  readonly duties: readonly Duty[]
  /** Names this process among others; new for each start. */
  readonly holder: string
  readonly clock: Clock
  readonly random: Random
  /** How long the lead is held without being renewed; default 30,000. It is renewed three times as often. */
  readonly leadMs?: number
  readonly hooks?: CoordinatorHooks
}

const LEAD_MS = 30_000
/** All duties are led by one process. */
const LEAD = 'coordinator'

/**
 * Does the fleet's duties while it leads, and stands by while another process does. Nothing waits for a coordinator: workers
 * claim, recover and finish without one.
 */
export class Coordinator {
  readonly #options: CoordinatorOptions
  readonly #leadMs: number
  readonly #stopping = new AbortController()
  readonly #contact: StoreContact
  /** The duties of the present term; null while another process leads. */
  #term: Term | null = null

  constructor(options: CoordinatorOptions) {
    this.#options = options
    this.#leadMs = options.leadMs ?? LEAD_MS
    this.#contact = new StoreContact({
      clock: options.clock,
      random: options.random,
      longestSilenceMs: this.#leadMs,
      signal: this.#stopping.signal,
      onError: (error, waitMs) => options.hooks?.storeTrouble?.(error, waitMs),
    })
  }

  get leads(): boolean {
    return this.#term !== null
  }

  /** Works until it is stopped; then the lead is given up, so that another takes over at once. Rejects when the store fails for good. */
  async run(): Promise<void> {
    const { clock, holder, store } = this.#options
    const { signal } = this.#stopping
    try {
      for (;;) {
        const askedAt = clock.monotonic()
        const leader = await this.#contact.call(() => store.lead(LEAD, holder, this.#leadMs))
        if (leader === holder) this.#keep(askedAt + this.#leadMs)
        else await this.#endTerm()
        await clock.sleep(this.#leadMs / 3, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      const led = this.leads
      await this.#endTerm()
      if (led) await this.#giveUp()
    }
  }

  stop(): void {
    this.#stopping.abort(new Error('the coordinator is stopped'))
  }

  /** Leads until `deadline` on this process's monotonic clock, counted from before the store was asked. */
  #keep(deadline: number): void {
    const { clock, hooks } = this.#options
    if (this.#term === null) {
      this.#term = new Term(this.#options)
      hooks?.leading?.(true)
    }
    const term = this.#term
    term.expiry?.stop()
    term.expiry = clock.after(Math.max(0, deadline - clock.monotonic()), () => {
      // The store was not reached in time: somebody else may lead by now.
      void this.#endTerm()
    })
  }

  async #endTerm(): Promise<void> {
    const term = this.#term
    if (term === null) return
    this.#term = null
    if (!this.#stopping.signal.aborted) this.#options.hooks?.leading?.(false)
    await term.end()
  }

  /** Once, and without patience: a lead that is not given up runs out. */
  async #giveUp(): Promise<void> {
    const { store, holder, hooks } = this.#options
    try {
      await store.lead(LEAD, holder, 0)
    } catch (error) {
      if (error instanceof BatchwrightError && error.retryable) hooks?.storeTrouble?.(error, 0)
      else throw error
    }
  }
}

/** The time from taking the lead to losing it: each duty in a loop of its own. */
class Term {
  expiry: { stop(): void } | null = null
  readonly #over = new AbortController()
  readonly #loops: readonly Promise<void>[]

  constructor(options: CoordinatorOptions) {
    this.#loops = options.duties.map((duty) => doForEver(duty, options, this.#over.signal))
  }

  async end(): Promise<void> {
    this.expiry?.stop()
    this.#over.abort(new Error('another process leads'))
    await Promise.all(this.#loops)
  }
}

async function doForEver(duty: Duty, options: CoordinatorOptions, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await passOnce(duty, options, signal)
      await options.clock.sleep(duty.everyMs, signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function passOnce(duty: Duty, options: CoordinatorOptions, signal: AbortSignal): Promise<void> {
  const { store, clock, random, hooks } = options
  try {
    const counts = await duty.pass({ store, clock, random, signal })
    const done = Object.entries(counts).filter(([, count]) => count > 0)
    if (done.length > 0) hooks?.did?.(duty.name, Object.fromEntries(done))
  } catch (error) {
    if (!signal.aborted) hooks?.failed?.(duty.name, error)
  }
}
