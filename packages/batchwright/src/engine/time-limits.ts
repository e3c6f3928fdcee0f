import type { Clock } from '../kernel/clock.ts'
import type { ErrorReport } from '../kernel/errors.ts'
import type { Store } from '../store/contract.ts'
import type { StoreContact } from './contact.ts'

/** The error of an attempt that took longer than its step allows. */
export function attemptTimedOut(step: string, limitMs: number): ErrorReport {
  return {
    code: 'ATTEMPT_TIMEOUT',
    message: `expected an attempt of step ${JSON.stringify(step)} to end within ${String(limitMs)} ms, found it at work still`,
    hint: 'See how far it got with `batchwright logs RUN --step STEP`. Give the step a longer .timeout(), or smaller partitions; then `batchwright retry RUN`.',
    details: { step, limitMs },
    retryable: true,
  }
}

/** The error of a run that took longer than its job allows. */
export function runTimedOut(runId: string, limitMs: number): ErrorReport {
  return {
    code: 'RUN_TIMEOUT',
    message: `expected run ${runId} to end within ${String(limitMs)} ms of its start`,
    hint: 'Give the job a longer timeout; then `batchwright retry RUN` goes on from its checkpoints.',
    details: { runId, limitMs },
    retryable: false,
  }
}

/** Milliseconds that a run has left, by the store's clock; null for no limit. */
export async function timeLeft(
  { store, contact }: { readonly store: Store; readonly contact: StoreContact; readonly clock: Clock },
  runId: string,
  limitMs: number | null,
): Promise<number | null> {
  if (limitMs === null) return null
  const run = await contact.call(() => store.getRun(runId))
  const now = await contact.call(() => store.now())
  return (run?.startedAt ?? now) + limitMs - now
}
