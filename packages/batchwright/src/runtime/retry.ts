import { reportError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { RetryPolicy } from '../job/index.ts'

/** Whether a policy gives an error another try: it says so itself, or the policy names its code, or `*`. */
export function worthRetrying(policy: RetryPolicy, thrown: unknown): boolean {
  const report = reportError(thrown)
  return report.retryable || policy.errors.includes(report.code) || policy.errors.includes('*')
}

/** Milliseconds to wait after the `failed`-th failed try (from 1): exponential, capped, spread by the policy's jitter. */
export function retryDelay(policy: RetryPolicy, failed: number, random: Random): number {
  const plain = Math.min(policy.maxMs, policy.firstMs * policy.multiplier ** (failed - 1))
  return Math.round(plain * (1 + policy.jitter * (2 * random.next() - 1)))
}
