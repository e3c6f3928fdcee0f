import type { ErrorReport } from '../../kernel/errors.ts'
import type { TaskKind } from '../../protocol/index.ts'
import type { AttemptOutcome, TaskLease, UnwrittenStart } from '../contract/index.ts'
import type { RunRef } from './advance.ts'
import { ATTEMPT_ENDS } from './attempts.ts'
import { emit } from './events.ts'
import { flag, number, numberOrNull, text, word, type Row } from './rows.ts'
import { byDialect, type Dialect, type Session } from './session.ts'

/**
 * Ownership. A fence moves by one whenever a task is leased and whenever a lease ends: it is odd while the task is leased
 * and even otherwise (a CHECK of the table). So task id and an odd fence together say "leased, and owned at this fence",
 * found by primary key alone; a state in the condition could make the database choose an index of states instead.
 */
const OWNED = 'task_id = :taskId and fence = :fence and fence % 2 = 1'

/** What ends a lease, in every `update`: nobody owns the task, the old fence proves nothing any more, and the attempt is over. */
export const LEASE_ENDS = `fence = fence + 1, worker = null, claim = null, started = 0, absent = 0, ${ATTEMPT_ENDS}`

/** By the store's clock, `delayMs` from now. */
const NOT_BEFORE = `not_before = case when cast(:delayMs as bigint) > 0 then store_now() + cast(:delayMs as bigint) else 0 end`

/** The values of LEASE_ENDS. */
export function ending(
  outcome: AttemptOutcome,
  reason: string | null = null,
  delayMs: number | null = null,
): { outcome: string; reason: string | null; delayMs: number | null } {
  return { outcome, reason, delayMs }
}

/** An owned task, as the verbs need it. */
export interface OwnedTask {
  readonly taskId: number
  readonly fence: number
  readonly ref: RunRef
  readonly step: number
  readonly kind: TaskKind
  readonly index: number
  readonly started: boolean
  /** The task that it is a copy of; null for one that is none. */
  readonly copyOf: number | null
  /** Whether it has a copy. */
  readonly copied: boolean
}

/** To be followed by a condition on tasks `t`. */
export const OWNED_TASK = `select t.task_id, t.fence, t.run, r.run_id, t.step, t.kind, t.idx, t.started, t.copy_of, t.copied
  from tasks t join runs r on r.run = t.run`

/** Locks the task's row alone: ` for update of t` where there are locks. */
function locked(dialect: Dialect): string {
  return dialect.forNoKeyUpdate === '' ? '' : `${dialect.forNoKeyUpdate} of t`
}

const lockOwnedTask = byDialect((dialect) => `${OWNED_TASK} where ${OWNED}${locked(dialect)}`)

/** The task, if the lease holds: it then holds until this transaction ends. Undefined when it is fenced. */
export async function ownedTask(session: Session, lease: TaskLease): Promise<OwnedTask | undefined> {
  const row = await session.get(lockOwnedTask(session.dialect), key(lease))
  return row === undefined ? undefined : ownedFrom(row)
}

const lockTaskById = byDialect((dialect) => `${OWNED_TASK} where t.task_id = :taskId${locked(dialect)}`)

/** A task, whoever owns it, as it is until this transaction ends; undefined where it is gone. */
export async function lockTask(session: Session, taskId: number): Promise<OwnedTask | undefined> {
  const row = await session.get(lockTaskById(session.dialect), { taskId })
  return row === undefined ? undefined : ownedFrom(row)
}

export function ownedFrom(row: Row): OwnedTask {
  return {
    taskId: number(row, 'task_id'),
    fence: number(row, 'fence'),
    ref: { run: number(row, 'run'), runId: text(row, 'run_id') },
    step: number(row, 'step'),
    kind: word<TaskKind>(row, 'kind'),
    index: number(row, 'idx'),
    started: flag(row, 'started'),
    copyOf: numberOrNull(row, 'copy_of'),
    copied: flag(row, 'copied'),
  }
}

/** Every task that a worker owns, as far as can be seen. */
export async function tasksOf(session: Session, workerId: string): Promise<readonly OwnedTask[]> {
  return (await session.all(TASKS_OF, { workerId })).map(ownedFrom)
}

/** Every task that a worker owns, and owns until this transaction ends. */
export async function lockTasksOf(session: Session, workerId: string): Promise<readonly OwnedTask[]> {
  return (await session.all(lockTasks(session.dialect), { workerId })).map(ownedFrom)
}

const TASKS_OF = `${OWNED_TASK} where t.worker = :workerId order by t.task_id`
const lockTasks = byDialect((dialect) => `${TASKS_OF}${locked(dialect)}`)

export async function markStarted(session: Session, task: OwnedTask, slot: number | null): Promise<void> {
  await session.run(
    `update tasks set attempts_used = attempts_used + 1, started = 1, started_at = store_now(), slot = :slot
     where ${OWNED} and started = 0`,
    { ...key(task), slot },
  )
}

/** Its start was not written when it began: that it took place is known with its end. */
export async function markBegan(session: Session, task: OwnedTask, { slot, ranMs }: UnwrittenStart): Promise<void> {
  await session.run(
    `update tasks set attempts_used = attempts_used + 1, started = 1, started_at = store_now() - :ranMs, slot = :slot
     where ${OWNED} and started = 0`,
    { ...key(task), slot, ranMs },
  )
}

/**
 * The task got further than the attempt that crashed: what counts towards the limit, and keeps it alone, are deaths without
 * progress. A long task on machines that are taken away again and again ends all the same. `read`: records, so far.
 */
export async function noteCheckpoint(session: Session, lease: TaskLease, read: number): Promise<void> {
  await session.run(
    `update tasks set crash_count = 0, checkpoints = checkpoints + 1, checkpointed_at = store_now(), attempt_read = :read
     where ${OWNED}`,
    { ...key(lease), read },
  )
}

/** leased -> succeeded. What it leaves takes the place of its checkpoint. `read`: records that were read; null for other tasks. */
export async function endSucceeded(session: Session, task: OwnedTask, read: number | null): Promise<void> {
  await session.run('delete from checkpoints where task_id = :taskId', { taskId: task.taskId })
  await session.run(
    `update tasks set state = 'succeeded', error = null, attempt_read = coalesce(:read, attempt_read), ${LEASE_ENDS}
     where ${OWNED}`,
    { ...key(task), ...ending('succeeded'), read },
  )
}

/** leased -> ready, whoever owns it: another task takes its place, or it goes in this transaction. */
export async function endLeaseAs(
  session: Session,
  task: OwnedTask,
  outcome: AttemptOutcome,
  reason: string,
): Promise<void> {
  await session.run(`update tasks set state = 'ready', ${LEASE_ENDS} where ${OWNED}`, {
    ...key(task),
    ...ending(outcome, reason),
  })
}

/** leased -> failed. */
export async function endFailed(session: Session, task: OwnedTask, error: ErrorReport): Promise<void> {
  await session.run(`update tasks set state = 'failed', error = :error, ${LEASE_ENDS} where ${OWNED}`, {
    ...key(task),
    ...ending('failed', error.code),
    error: JSON.stringify(error),
  })
}

/** leased -> ready after a failed attempt: it counts, started or not. */
export async function endRetried(
  session: Session,
  task: OwnedTask,
  error: ErrorReport,
  delayMs: number,
): Promise<void> {
  await session.run(
    `update tasks set state = 'ready', error = :error, attempts_used = attempts_used + 1 - started,
       ${NOT_BEFORE}, ${LEASE_ENDS}
     where ${OWNED}`,
    { ...key(task), ...ending('retried', error.code, Math.ceil(delayMs)), error: JSON.stringify(error) },
  )
}

/** leased -> ready, with the attempt handed back; due at once, or when what it waits for can be had. */
export async function endUnspent(session: Session, task: OwnedTask, reason: string, delayMs = 0): Promise<void> {
  await session.run(
    `update tasks set state = 'ready', attempts_used = attempts_used - started, ${NOT_BEFORE}, ${LEASE_ENDS} where ${OWNED}`,
    {
      ...key(task),
      ...ending('returned', reason, delayMs > 0 ? Math.ceil(delayMs) : null),
    },
  )
}

/** leased -> ready because its worker died: the attempt stays counted, and the crash is remembered where it had started. */
export async function endCrashed(session: Session, task: OwnedTask, reason: string): Promise<void> {
  await session.run(`update tasks set state = 'ready', crash_count = crash_count + 1, ${LEASE_ENDS} where ${OWNED}`, {
    ...key(task),
    ...ending('crashed', reason),
  })
}

/** Gives back every lease of a run, unspent. Only workers that are alive own tasks, so that the index of held tasks serves. */
export async function releaseRun(session: Session, ref: RunRef): Promise<void> {
  const rows = await session.all(
    `update tasks set state = 'ready', attempts_used = attempts_used - started, ${LEASE_ENDS}
     where worker in (select worker_id from workers where state = 'alive') and run = :run
     returning task_id`,
    { run: ref.run, ...ending('returned', 'run failed') },
  )
  if (rows.length === 0) return
  await emit(session, {
    runId: ref.runId,
    type: 'tasks.released',
    data: { reason: 'run failed', count: rows.length, tasks: rows.map((row) => number(row, 'task_id')) },
  })
}

/** Ends every lease of a run that is cancelled, and what was ready with them. */
export async function cancelTasks(session: Session, run: number): Promise<number> {
  const leased = await session.run(
    `update tasks set state = 'cancelled', attempts_used = attempts_used - started, ${LEASE_ENDS}
     where worker in (select worker_id from workers where state = 'alive') and run = :run`,
    { run, ...ending('cancelled', 'run cancelled') },
  )
  const ready = await session.run(`update tasks set state = 'cancelled' where run = :run and state = 'ready'`, { run })
  return leased + ready
}

function key(lease: TaskLease): { taskId: number; fence: number } {
  return { taskId: lease.taskId, fence: lease.fence }
}
