import type { JsonValue } from '../../kernel/errors.ts'
import type { AttemptOutcome, AskOutcome, CopyReason, TaskLease } from '../contract/index.ts'
import type { PartitionPlan } from '../../protocol/index.ts'
import { readied } from './lanes.ts'
import { keepAttempts, KEEP_ATTEMPT } from './attempts.ts'
import { lockRunsOf } from './locks.ts'
import { endLeaseAs, lockTask, OWNED_TASK, ownedFrom, ownedTask, type OwnedTask } from './leases.ts'
import { json, number, text } from './rows.ts'
import type { Session } from './session.ts'
import { tell } from './telling.ts'

/**
 * Copies. A copy is a task beside its original, as far behind it as this: so its place in the tables, its attempts and their
 * folders are its own. It exists only while it is ready or leased. The first of the two to finish moves the original, which
 * alone is counted; whatever else ends a copy's lease ends the copy.
 */
export const COPY_DISTANCE = 1_000_000_000

/** The index of the partition that a task works on, a copy or not. */
export function partitionIndex(idx: number): number {
  return idx % COPY_DISTANCE
}

export async function askCopy(session: Session, lease: TaskLease, why: CopyReason): Promise<AskOutcome> {
  await lockRunsOf(session, [lease], 'counts')
  const task = await ownedTask(session, lease)
  if (task?.kind !== 'partition' || task.copyOf !== null || task.copied) return 'refused'
  const row = await session.get(
    `select t.worker, t.partition_plan, t.copies, t.fence, (select count(*) from workers w where w.state = 'alive') as alive
     from tasks t join runs r on r.run = t.run where t.task_id = :taskId and r.state = 'running' and r.paused = 0`,
    { taskId: task.taskId },
  )
  if (row === undefined) return 'refused'
  const index = task.index + COPY_DISTANCE
  const copies = number(row, 'copies') + 1
  await session.run(
    `insert into tasks (run, step, kind, idx, fence, label, partition_plan, origin, place, copy_of, avoid, lane)
     select t.run, t.step, t.kind, cast(:index as bigint), s.fence_floor + 2 * cast(:copies as bigint), t.label,
       cast(:plan as text), t.origin, t.place, t.task_id, cast(:avoid as text), t.lane
     from tasks t join steps s on s.run = t.run and s.step = t.step where t.task_id = :taskId`,
    {
      taskId: task.taskId,
      index,
      copies,
      plan: JSON.stringify({ ...json<PartitionPlan>(row, 'partition_plan'), index }),
      // Where nobody else is alive, another slot of the same worker is better than none.
      avoid: number(row, 'alive') > 1 ? text(row, 'worker') : null,
    },
  )
  await session.run(
    `insert into checkpoints (task_id, run, step, sequence, counters, controls, body)
     select t.task_id, c.run, c.step, c.sequence, c.counters, c.controls, c.body
     from tasks t join checkpoints c on c.task_id = t.copy_of where t.copy_of = :taskId`,
    { taskId: task.taskId },
  )
  await session.run(
    'update tasks set copied = 1, copies = :copies, split_pieces = null, split_word = null where task_id = :taskId',
    { taskId: task.taskId, copies },
  )
  await readied(session, task.ref.run, task.step)
  await tell(session, task, 'task.copied', { ...why })
  return 'asked'
}

/**
 * A copy has finished first: its original's lease ends where it has one, and the original takes over the copy's, to end it as
 * succeeded. Answers with the original, owned.
 */
export async function takeOver(session: Session, copy: OwnedTask): Promise<OwnedTask | undefined> {
  const original = copy.copyOf === null ? undefined : await lockTask(session, copy.copyOf)
  if (original === undefined) return undefined
  if (original.fence % 2 === 1) await endLeaseAs(session, original, 'cancelled', 'a copy was first')
  await session.run(KEEP_ATTEMPT, { taskId: original.taskId })
  await session.run(
    `update tasks set (state, fence, worker, claim, started, worker_was, slot, leased_at, started_at, ended_at, outcome, reason,
         delay_ms, from_sequence, from_read, checkpoints, checkpointed_at, attempt_read) =
       (select c.state, tasks.fence + 1, c.worker, c.claim, c.started, c.worker_was, c.slot, c.leased_at, c.started_at, c.ended_at,
         c.outcome, c.reason, c.delay_ms, c.from_sequence, c.from_read, c.checkpoints, c.checkpointed_at, c.attempt_read
        from tasks c where c.task_id = :copy), copied = 0, not_before = 0
     where task_id = :taskId`,
    { taskId: original.taskId, copy: copy.taskId },
  )
  await removeCopy(session, copy.taskId)
  await tell(session, original, 'copy.won', {})
  return await lockTask(session, original.taskId)
}

/** The copy of a task, where it has one, ends with the task: its lease, its checkpoint, and itself. */
export async function dropCopyOf(session: Session, original: OwnedTask, reason: string): Promise<void> {
  if (!original.copied) return
  const row = await session.get(`${OWNED_TASK} where t.copy_of = :taskId`, { taskId: original.taskId })
  if (row === undefined) return
  await dropCopy(session, ownedFrom(row), 'cancelled', reason)
}

/** A copy's lease ends, and the copy with it; its attempt is kept. */
export async function dropCopy(
  session: Session,
  copy: OwnedTask,
  outcome: AttemptOutcome,
  reason: string,
): Promise<void> {
  if (copy.fence % 2 === 1) await endLeaseAs(session, copy, outcome, reason)
  await session.run(keepAttempts('task_id = :taskId'), { taskId: copy.taskId })
  await session.run('update tasks set copied = 0 where task_id = :taskId', { taskId: copy.copyOf })
  await removeCopy(session, copy.taskId)
  const original = copy.copyOf === null ? undefined : await lockTask(session, copy.copyOf)
  const data: Record<string, JsonValue> = { outcome, reason }
  if (original !== undefined) await tell(session, original, 'copy.dropped', data)
}

/** What ends a lease without success ends a copy for good. False, and nothing is done, for a task that is none. */
export async function dropWhereCopy(
  session: Session,
  task: OwnedTask,
  outcome: AttemptOutcome,
  reason: string,
): Promise<boolean> {
  if (task.copyOf === null) return false
  await dropCopy(session, task, outcome, reason)
  return true
}

/** Every copy of a run ends: the run does. */
export async function dropCopiesOf(session: Session, run: number, reason: string): Promise<void> {
  const rows = await session.all(`${OWNED_TASK} where t.copy_of is not null`)
  for (const copy of rows.map(ownedFrom)) {
    if (copy.ref.run === run) await dropCopy(session, copy, 'cancelled', reason)
  }
}

async function removeCopy(session: Session, taskId: number): Promise<void> {
  await session.run('delete from checkpoints where task_id = :taskId', { taskId })
  await session.run('delete from tasks where task_id = :taskId', { taskId })
}
