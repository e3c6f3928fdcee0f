import type { ErrorReport } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { RetryBudget, RetryPolicy } from '../job/index.ts'
import type { AttemptEnd, PlanSummary, Refusal, StopReason, TaskOutput } from '../protocol/index.ts'

/**
 * Milliseconds to wait before the attempt that follows attempt number `attempt` (from 1): exponential, capped at `maxMs`,
 * then spread by `jitter`, so that tasks that failed together do not come back together.
 */
export function retryDelay(policy: RetryPolicy, attempt: number, random: Random): number {
  const grown = policy.firstMs * policy.multiplier ** (attempt - 1)
  const capped = Math.min(grown, policy.maxMs)
  const spread = (random.next() * 2 - 1) * policy.jitter
  return Math.max(0, Math.round(capped * (1 + spread)))
}

/** Another attempt would end the same way, whatever the policy says. */
const FINAL_CODES: ReadonlySet<string> = new Set(['RUN_TIMEOUT'])

/** Whether the policy gives an error of this kind another try, attempts left or not. */
export function isWorthRetry(policy: RetryPolicy, error: ErrorReport): boolean {
  if (FINAL_CODES.has(error.code)) return false
  return error.retryable || policy.errors.includes('*') || policy.errors.includes(error.code)
}

/** What the engine tells the store about an attempt that has ended. */
export type Decision =
  | { readonly kind: 'succeeded'; readonly output: TaskOutput }
  | { readonly kind: 'planned'; readonly plan: PlanSummary }
  | { readonly kind: 'retry'; readonly error: ErrorReport; readonly delayMs: number; readonly budget?: RetryBudget }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  /** `wait`: what it needs cannot be had before some time has passed. */
  | { readonly kind: 'giveBack'; readonly wait?: Refusal }
  /** The task is not ours any more: say nothing. */
  | { readonly kind: 'abandon' }

export interface EndedAttempt {
  readonly end: AttemptEnd
  /** Why it had been asked to stop; null when nobody asked. */
  readonly stop: StopReason | null
  /** Replaces the attempt's own error where the stop was a time-out. */
  readonly timeout: ErrorReport | null
  /** From 1. */
  readonly attempt: number
  /** Of its run; null or absent for none. */
  readonly budget?: RetryBudget | null
}

/**
 * Decides, without side effects, what an ended attempt means for its task. Work that was finished before the stop was
 * noticed counts; an attempt that stopped because it was asked to costs none of the task's attempts.
 */
export function decideEnd(ended: EndedAttempt, policy: RetryPolicy, random: Random): Decision {
  const { end, stop } = ended
  if (stop === 'lost' || stop === 'cancelled') return { kind: 'abandon' }
  if (end.kind === 'finished') return { kind: 'succeeded', output: end.output }
  if (end.kind === 'planned') return { kind: 'planned', plan: end.plan }
  if (stop === 'timeout' && ended.timeout !== null) return failure(ended.timeout, ended, policy, random)
  if (end.kind === 'givenBack') return { kind: 'giveBack', ...(end.wait === undefined ? {} : { wait: end.wait }) }
  const stoppedByUs = end.error.code === 'SLOT_DIED' || end.error.code === 'ATTEMPT_STOPPED'
  if (stop !== null && stoppedByUs) return { kind: 'giveBack' }
  if (end.error.code === 'FENCED') return { kind: 'abandon' }
  return failure(end.error, ended, policy, random)
}

function failure(error: ErrorReport, ended: EndedAttempt, policy: RetryPolicy, random: Random): Decision {
  const { attempt, budget = null } = ended
  if (attempt >= policy.attempts || !isWorthRetry(policy, error)) return { kind: 'failed', error }
  const delayMs = retryDelay(policy, attempt, random)
  return { kind: 'retry', error, delayMs, ...(budget === null ? {} : { budget }) }
}
