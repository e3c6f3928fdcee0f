import type { BreakerRule } from '../../protocol/index.ts'

/** Requests of a stretch of time. */
interface Tally {
  /** Number of the stretch since the epoch. */
  readonly at: number
  readonly answered: number
  readonly failed: number
}

/** - `closed`: requests pass. `open`: none does, until a time. `half-open`: one passes, and what comes of it decides. */
export type BreakerState = 'closed' | 'open' | 'half-open'

export interface Breaker {
  readonly state: BreakerState
  /** When it opens half, store's clock in milliseconds; 0 while it is closed. */
  readonly until: number
  /** Times in a row that it opened without having closed. */
  readonly opened: number
  /** `12 of 20 calls failed`. Null while it has never opened. */
  readonly why: string | null
  readonly tallies: readonly Tally[]
  /** Who makes the one request of a half-open breaker, and until when it is waited for. */
  readonly trial: { readonly worker: string; readonly until: number } | null
}

export const NEW_BREAKER: Breaker = { state: 'closed', until: 0, opened: 0, why: null, tallies: [], trial: null }

/** The window is looked at in so many pieces: what is older than it goes piece by piece. */
const PIECES = 10
/** A trial that nobody heard of again: its worker died, or its request hangs. */
const TRIAL_MS = 60_000

export interface Calls {
  readonly answered: number
  readonly failed: number
}

/** What a breaker makes of requests that have come to an end. Those of a time before it opened count for nothing more. */
export function count(breaker: Breaker, rule: BreakerRule, calls: Calls, now: number): Breaker {
  const aged = elapse(breaker, now)
  if (aged.state !== 'closed' || calls.answered + calls.failed === 0) return aged
  const tallies = added(aged.tallies, rule, calls, now)
  const answered = sum(tallies, 'answered')
  const failed = sum(tallies, 'failed')
  const total = answered + failed
  if (total < rule.calls || failed < rule.failures * total) return { ...aged, tallies }
  return open(aged, rule, `${String(failed)} of ${String(total)} calls failed`, now)
}

/** What a breaker makes of the one request that was to decide. Of another worker's than the one it waits for, nothing. */
export function decide(
  breaker: Breaker,
  rule: BreakerRule,
  trial: { readonly worker: string; readonly outcome: 'answered' | 'failed' | 'unknown' },
  now: number,
): Breaker {
  const aged = elapse(breaker, now)
  if (aged.state !== 'half-open' || aged.trial?.worker !== trial.worker) return aged
  if (trial.outcome === 'unknown') return { ...aged, trial: null }
  if (trial.outcome === 'answered') return { ...NEW_BREAKER, why: aged.why }
  return open(aged, rule, 'the call that tried it again failed', now)
}

/** Asks for the one request of a half-open breaker: given where nobody has it. */
export function tryAgain(
  breaker: Breaker,
  worker: string,
  now: number,
): { readonly breaker: Breaker; readonly given: boolean } {
  const aged = elapse(breaker, now)
  const free = aged.state === 'half-open' && (aged.trial === null || aged.trial.until <= now)
  if (!free) return { breaker: aged, given: false }
  return { breaker: { ...aged, trial: { worker, until: now + TRIAL_MS } }, given: true }
}

/** An open breaker whose time has passed is half open. */
export function elapse(breaker: Breaker, now: number): Breaker {
  return breaker.state === 'open' && breaker.until <= now ? { ...breaker, state: 'half-open', trial: null } : breaker
}

function open(breaker: Breaker, rule: BreakerRule, why: string, now: number): Breaker {
  const openMs = Math.min(rule.longestMs, rule.openMs * 2 ** Math.min(breaker.opened, 30))
  return { state: 'open', until: now + openMs, opened: breaker.opened + 1, why, tallies: [], trial: null }
}

function added(tallies: readonly Tally[], rule: BreakerRule, calls: Calls, now: number): readonly Tally[] {
  const pieceMs = Math.max(1, rule.windowMs / PIECES)
  const at = Math.floor(now / pieceMs)
  const kept = tallies.filter((tally) => tally.at > at - PIECES && tally.at <= at)
  const last = kept.at(-1)
  if (last?.at !== at) return [...kept, { at, ...calls }]
  return [...kept.slice(0, -1), { at, answered: last.answered + calls.answered, failed: last.failed + calls.failed }]
}

function sum(tallies: readonly Tally[], which: 'answered' | 'failed'): number {
  return tallies.reduce((total, tally) => total + tally[which], 0)
}
