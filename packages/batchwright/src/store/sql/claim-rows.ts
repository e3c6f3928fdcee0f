import { FIRST_ATTEMPT, KEEP_ATTEMPT, nextAttempt } from './attempts.ts'
import type { ClaimWords, Head } from './claim-words.ts'
import { flag, number } from './rows.ts'
import { byDialect } from './session.ts'

/** The head of a step. Answered by the index of claimable tasks alone: finished, leased and deferred ones are not in it. */
export const stepHead = byDialect(
  ({ skipLocked }) => `
  select task_id, crash_count, case when leased_at is null then 0 else 1 end as again from tasks
  where run = :run and step = :step and kind = :kind and state = 'ready' and not_before = 0
    and (avoid is null or avoid <> :workerId)
  order by idx limit :limit${skipLocked}`,
)

/** Row by row and by primary key: with a set of ids in the condition, stale statistics make SQLite scan the table. */
export const LEASE = leaseWith(FIRST_ATTEMPT)
export const leaseAgain = byDialect((dialect) => leaseWith(nextAttempt(dialect)))

function leaseWith(attempt: string): string {
  return `update tasks set state = 'leased', fence = fence + 1, worker = :workerId, claim = :claimId, ${attempt}
    where task_id = :taskId`
}

export const SETTLE = `
  update steps set ready = 0 where run = :run and step = :step and ready = :ready and not exists (
    select 1 from tasks t where t.run = :run and t.step = :step and t.kind = :kind and t.state = 'ready' and t.not_before = 0)`

/** The claim in statements for one row at a time: right for a database in the same process. */
export const ROW_BY_ROW: ClaimWords = {
  async heads(session, { workerId }, steps, limit) {
    const heads: Head[] = []
    for (const step of steps) {
      if (heads.length >= limit) break
      const place = { run: step.run, step: step.step, kind: step.kind }
      const rows = await session.all(stepHead(session.dialect), { ...place, limit: limit - heads.length, workerId })
      for (const row of rows) {
        heads.push({
          taskId: number(row, 'task_id'),
          step,
          crashCount: number(row, 'crash_count'),
          again: flag(row, 'again'),
        })
      }
    }
    return heads
  },

  async lease(session, { workerId, claimId }, heads) {
    for (const { taskId, again } of heads) {
      if (again) await session.run(KEEP_ATTEMPT, { taskId })
      await session.run(again ? leaseAgain(session.dialect) : LEASE, { workerId, claimId, taskId })
    }
  },

  async settle(session, steps) {
    for (const { run, step, kind, ready } of steps) await session.run(SETTLE, { run, step, kind, ready })
  },
}
