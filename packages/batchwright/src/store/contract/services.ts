import type { ProbeReading, ServiceRules } from '../../protocol/index.ts'

/** What the workers of a fleet share of the services that their tasks use. */
export interface ServiceVerbs {
  /**
   * One worker's talk with the store about services: says what became of its calls, and asks for time slots, for its part of the
   * concurrency and for the state of the breaker. Answers in the order asked; nothing is granted to a worker that is dead.
   */
  consult(workerId: string, items: readonly Consultation[]): Promise<Consulted>
  /** Every service that was ever asked about, by name. */
  listServices(): Promise<readonly ServiceRow[]>
}

export interface Consultation {
  /** As the worker's own code has them: they are what it is answered by. */
  readonly rules: ServiceRules
  /** Calls that have ended since it last asked. */
  readonly calls: { readonly answered: number; readonly failed: number }
  /** What came of the one call that it made of a half-open breaker; null where it made none. */
  readonly trial: 'answered' | 'failed' | 'unknown' | null
  /** It would make that one call now. */
  readonly wantsTrial: boolean
  /** Milliseconds for which the service asked to be left alone; null where it did not. */
  readonly pauseMs: number | null
  /** Time slots of its rate, not earlier than `leadMs` from now and not later than `horizonMs`. */
  readonly slots: number
  readonly leadMs: number
  readonly horizonMs: number
  /** Calls at once: those that are under way, or may be before the answer comes; and those that it has work for. */
  readonly using: number
  readonly wanted: number
  /** What a probe found, null where it failed; undefined where there was none. */
  readonly reading: ProbeReading | null | undefined
}

export interface Consulted {
  /** The store's clock: whole milliseconds, of which the present one has begun. */
  readonly now: number
  readonly answers: readonly ServiceAnswer[]
}

export interface ServiceAnswer {
  /** Slots that may be used, on the store's clock, milliseconds with fractions; each for `validMs`. */
  readonly slots: readonly number[]
  readonly validMs: number
  /** Milliseconds until there is a slot to ask for again; 0 where all that was asked for was granted. */
  readonly nextMs: number
  /** How many calls it may have under way from now on; null for any number. */
  readonly held: number | null
  /** Whether others want more of the concurrency than they have. */
  readonly pressed: boolean
  readonly breaker: {
    readonly state: 'closed' | 'open' | 'half-open'
    /** Milliseconds until it opens half. */
    readonly forMs: number
    readonly why: string | null
    /** The worker makes the one call that decides. */
    readonly trial: boolean
  }
  /** Milliseconds for which the service is to be left alone, because it asked for it. */
  readonly pausedMs: number
  /** The worker is to probe it now. */
  readonly probe: boolean
}

export interface ServiceRow {
  readonly service: string
  readonly rules: ServiceRules
  /** As it is now, by the store's clock. */
  readonly breaker: 'closed' | 'open' | 'half-open'
  readonly breakerUntil: number | null
  readonly breakerWhy: string | null
  /** Calls at once that its health allows; null for as many as its limit says. */
  readonly allowed: number | null
  readonly complaint: string | null
  readonly pausedUntil: number | null
  /** Calls at once that live workers hold places for. */
  readonly held: number
  readonly wanted: number
  readonly workers: number
  readonly askedAt: number
}
