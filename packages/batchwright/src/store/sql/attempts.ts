import type { Dialect } from './session.ts'

/**
 * The history of attempts. The one that is under way, or was last, lies in its task's own row: the verb that leases the task,
 * starts it or ends its lease rewrites that row anyway, so that a task that simply succeeds costs no row more. When a task
 * is leased again, or goes, the attempt moves to a table of its own. Reads of both, as the view `history`, are in histories.ts.
 */
const KEPT = `worker_was as worker, slot, leased_at, started_at, ended_at, outcome, reason, delay_ms, from_sequence, from_read,
  checkpoints, checkpointed_at, attempt_read as read`

/** The attempts that tasks hold, as rows of the table. A lease's fence is the odd one: an ended lease has moved it on. */
export const HELD_ATTEMPTS = `select run, step, kind, idx, fence - 1 + fence % 2 as fence, task_id, ${KEPT}
  from tasks where leased_at is not null`

/** Before a task that had an attempt is leased again. */
export const KEEP_ATTEMPT = `insert into attempts ${HELD_ATTEMPTS} and task_id = :taskId`

/** Before tasks go: `these` says which. */
export function keepAttempts(these: string): string {
  return `insert into attempts ${HELD_ATTEMPTS} and ${these}`
}

/** A lease begins. The next attempt goes on from the task's checkpoint, where there is one. */
export const FIRST_ATTEMPT = 'worker_was = :workerId, leased_at = store_now()'
export function nextAttempt(dialect: Dialect): string {
  const read = `coalesce((select ${dialect.jsonInteger('counters', 'read')} from checkpoints c where c.task_id = tasks.task_id), 0)`
  return `${FIRST_ATTEMPT}, slot = null, started_at = null, ended_at = null, outcome = null, reason = null,
    delay_ms = null, checkpoints = 0, checkpointed_at = null,
    from_sequence = coalesce((select sequence from checkpoints c where c.task_id = tasks.task_id), 0),
    from_read = ${read}, attempt_read = ${read}`
}

/** A lease ends: values outcome, reason and delayMs. */
export const ATTEMPT_ENDS = 'ended_at = store_now(), outcome = :outcome, reason = :reason, delay_ms = :delayMs'
