import type { JsonValue } from '../kernel/errors.ts'

/** The limits of a service, as they travel: a slot knows them from the job, the fleet shares what they allow. */
export interface ServiceRules {
  readonly service: string
  /** In any `perMs`, however it is laid, at most `count` requests leave; `burst` of them may leave together after a pause. */
  readonly rate: RateRule | null
  /** Requests under way at once, in the whole fleet. */
  readonly concurrency: number | null
  readonly breaker: BreakerRule | null
  readonly probe: ProbeRule | null
}

export interface RateRule {
  readonly count: number
  readonly perMs: number
  readonly burst: number
}

/** When a service is left alone, and for how long. */
export interface BreakerRule {
  /** It opens where at least this share of the requests in the window failed, from 0 to 1 ... */
  readonly failures: number
  /** ... of at least so many. */
  readonly calls: number
  readonly windowMs: number
  /** How long it stays open the first time; each time in a row twice as long, up to `longestMs`. */
  readonly openMs: number
  readonly longestMs: number
}

/** What a probe must find for a service to count as well; each null where it does not matter. */
export interface ProbeRule {
  readonly everyMs: number
  readonly latencyMs: number | null
  readonly lagMs: number | null
  readonly load: number | null
}

/** What a probe found. `latencyMs` is the time that the probe itself took, where it says no other. */
export interface ProbeReading {
  readonly latencyMs: number
  readonly lagMs: number | null
  readonly load: number | null
}

/** A request may leave. */
export interface Permit {
  readonly permit: number
  /**
   * When it may leave, by the engine's monotonic clock: from `from` on, and before `until`. What did not leave until then may
   * not leave: it asks again. Null for a service without a rate.
   */
  readonly leaves: { readonly from: number; readonly until: number } | null
  /** When the engine heard the question and said this, by the same clock. */
  readonly heardAt: number
  readonly saidAt: number
  /** The slot is asked to probe the service's health, beside its work. */
  readonly probe: boolean
}

/** No request may leave for some time: the task is given back until then. */
export interface Refusal {
  readonly waitMs: number
  /** `service smtp: its breaker is open (12 of 20 calls failed)`. */
  readonly why: string
}

/** What became of a request, for the breaker. `unknown`: it never left, or nothing can be said of the service by it. */
export type CallOutcome = 'answered' | 'failed' | 'unknown'

// ---------------------------------------------------------------- effects

/** What becomes of an effect of which nobody knows whether it took place. */
export type InDoubt = 'skip' | 'repeat' | 'ask'

/** Names an effect: the same scope and key are the same effect, whoever asks and whenever. */
export interface EffectName {
  readonly scope: string
  readonly key: string
}

export interface EffectIntent extends EffectName {
  readonly inDoubt: InDoubt
}

/** What an attempt that is about to act is told. */
export type EffectVerdict =
  /** The intent is durable: act, and then say what came of it. */
  | { readonly verdict: 'act' }
  /** It took place before, or is to be left: do nothing. */
  | { readonly verdict: 'done'; readonly outcome: JsonValue }
  /** Another attempt is at it now, or somebody is asked about it: come again later. */
  | { readonly verdict: 'wait'; readonly waitMs: number; readonly why: string }

/** What came of an effect. `withdrawn`: it surely did not take place, and may be tried again. `doubtful`: nobody knows. */
export type EffectEnd =
  | (EffectName & { readonly end: 'done'; readonly outcome: JsonValue })
  | (EffectName & { readonly end: 'withdrawn' | 'doubtful' })

// ---------------------------------------------------------------- questions

/** What a running attempt asks of the control plane, beside its own checkpoints. */
export type Question =
  | { readonly ask: 'permit'; readonly rules: ServiceRules }
  | { readonly ask: 'intend'; readonly effects: readonly EffectIntent[] }
  | { readonly ask: 'settle'; readonly effects: readonly EffectEnd[] }

export type Answer =
  | { readonly answer: 'permit'; readonly permit: Permit }
  | { readonly answer: 'refused'; readonly refusal: Refusal }
  | { readonly answer: 'intended'; readonly verdicts: readonly EffectVerdict[] }
  | { readonly answer: 'settled' }

/** What an attempt says without waiting for an answer. */
export type Word =
  | {
      readonly say: 'call'
      readonly service: string
      readonly permit: number
      readonly outcome: CallOutcome
      /** The service asked to be left alone for so long. */
      readonly pauseMs: number | null
    }
  | { readonly say: 'reading'; readonly rules: ServiceRules; readonly reading: ProbeReading | null }
