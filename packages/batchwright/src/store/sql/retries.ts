import type { RetryBudget } from '../../job/index.ts'
import type { ErrorReport } from '../../kernel/errors.ts'
import { NO_RETRIES, placeRetry, type RetryCalendar } from '../services/retries.ts'
import { jsonOrNull, number } from './rows.ts'
import type { Session } from './session.ts'

/**
 * When a retry is due under its run's budget. The caller has the run's row locked. `spent`: it would have to be put off, and
 * the run is to fail then.
 */
export async function placeInBudget(
  session: Session,
  run: number,
  delayMs: number,
  budget: RetryBudget,
): Promise<{ readonly delayMs: number; readonly putOff: boolean; readonly spent: boolean }> {
  const row = await session.get('select store_now() as now, retries_due from runs where run = :run', { run })
  if (row === undefined) throw new Error(`a task belongs to run ${String(run)}, which does not exist`)
  const nowMs = number(row, 'now')
  const calendar = jsonOrNull<RetryCalendar>(row, 'retries_due') ?? NO_RETRIES
  const placed = placeRetry(calendar, budget, { earliestMs: nowMs + Math.ceil(delayMs), nowMs })
  if (placed.putOff && budget.beyond === 'fail') return { delayMs, putOff: true, spent: true }
  await session.run('update runs set retries_due = :due where run = :run', {
    run,
    due: JSON.stringify(placed.calendar),
  })
  return { delayMs: placed.atMs - nowMs, putOff: placed.putOff, spent: false }
}

/** What a run fails with whose retries are more than it may make. */
export function budgetSpent(error: ErrorReport, budget: RetryBudget | undefined): ErrorReport {
  const allowed = budget === undefined ? '' : ` of ${String(budget.count)} in ${String(budget.perMs)} ms`
  return {
    code: 'RETRY_BUDGET_SPENT',
    message: `expected the run's retries to stay within its budget${allowed}; they do not, and the last failed with ${error.code}: ${error.message}`,
    hint: 'See what fails: `batchwright explain RUN`. When it is mended, `batchwright retry RUN` goes on from the checkpoints.',
    retryable: false,
    cause: error,
  }
}
