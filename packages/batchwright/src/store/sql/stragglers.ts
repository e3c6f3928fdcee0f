import type { PartitionPlan } from '../../protocol/index.ts'
import type { RunningAttempt, RunningFilter, SiblingTime } from '../contract/index.ts'
import { partitionIndex } from './copies.ts'
import { flag, json, jsonOrNull, number, numberOrNull, text, textOrNull, type Row } from './rows.ts'
import { byDialect, type Session } from './session.ts'

/** Reads of what is under way, for those who decide what to do about stragglers. */

const MOST_RUNNING = 200
const SAMPLE = 1_000

/** Only leases are looked at, by the index of held tasks: what is ready or has ended costs nothing. */
export const runningQuery = byDialect(
  ({ by }) => `select t.task_id, t.fence, r.run_id, s.name, t.idx, t.worker, t.copy_of, t.copied, t.partition_plan,
     store_now() - coalesce(t.started_at, t.leased_at) as running_ms,
     t.checkpointed_at - coalesce(t.started_at, t.leased_at) as checkpointed_ms, t.attempt_read, t.from_read,
     case when t.split_fence = t.fence then t.split_pieces end as split_pieces,
     case when t.split_fence = t.fence then t.split_word end as split_word,
     s.rebalance, s.speculation, s.tasks, s.remaining,
     case when exists (select 1 from tasks w where w.run = t.run and w.step = t.step and w.kind = t.kind
       and w.state = 'ready' and w.not_before = 0) then 1 else 0 end as has_ready
   from tasks t ${by('tasks_held')} join runs r on r.run = t.run join steps s on s.run = t.run and s.step = t.step
   where t.worker is not null and t.started = 1 and t.kind = 'partition' and t.leased_at <= store_now() - cast(:minMs as bigint)
     and r.state = 'running' and r.paused = 0 and (s.rebalance = 1 or s.speculation is not null)
   order by t.leased_at, t.task_id limit :limit`,
)

export async function listRunning(session: Session, filter: RunningFilter): Promise<readonly RunningAttempt[]> {
  const rows = await session.all(runningQuery(session.dialect), {
    minMs: filter.minMs,
    limit: filter.limit ?? MOST_RUNNING,
  })
  const running = rows.map(runningFrom)
  const { runs } = filter
  return runs === undefined ? running : running.filter(({ runId }) => runs.includes(runId))
}

function runningFrom(row: Row): RunningAttempt {
  const plan = json<PartitionPlan>(row, 'partition_plan')
  const asked = numberOrNull(row, 'split_pieces') !== null
  const declined = textOrNull(row, 'split_word') !== null
  return {
    taskId: number(row, 'task_id'),
    fence: number(row, 'fence'),
    runId: text(row, 'run_id'),
    step: text(row, 'name'),
    index: partitionIndex(number(row, 'idx')),
    workerId: text(row, 'worker'),
    isCopy: numberOrNull(row, 'copy_of') !== null,
    hasCopy: flag(row, 'copied'),
    runningMs: number(row, 'running_ms'),
    checkpointedMs: numberOrNull(row, 'checkpointed_ms'),
    records: plan.records,
    bytes: plan.bytes,
    read: number(row, 'attempt_read'),
    fromRead: number(row, 'from_read'),
    split: asked ? 'asked' : declined ? 'declined' : 'none',
    rebalance: flag(row, 'rebalance'),
    speculation: jsonOrNull<NonNullable<RunningAttempt['speculation']>>(row, 'speculation'),
    tasks: number(row, 'tasks'),
    done: number(row, 'tasks') - number(row, 'remaining'),
    stepHasReady: flag(row, 'has_ready'),
  }
}

export const idleQuery = byDialect(
  ({
    greatest,
  }) => `select coalesce(sum(${greatest('w.slots - (select count(*) from tasks t where t.worker = w.worker_id)', '0')}), 0) as idle
   from workers w where w.state = 'alive' and w.slots is not null`,
)

export async function idleSlots(session: Session): Promise<number> {
  const row = await session.get(idleQuery(session.dialect))
  return row === undefined ? 0 : number(row, 'idle')
}

export async function siblingTimes(session: Session, runId: string, step: string): Promise<readonly SiblingTime[]> {
  const rows = await session.all(
    `select t.ended_at - coalesce(t.started_at, t.leased_at) as ms, t.attempt_read - t.from_read as read
     from tasks t join runs r on r.run = t.run join steps s on s.run = t.run and s.step = t.step
     where r.run_id = :runId and s.name = :step and t.kind = 'partition' and t.outcome = 'succeeded'
     limit :limit`,
    { runId, step, limit: SAMPLE },
  )
  return rows.map((row) => ({ ms: number(row, 'ms'), read: number(row, 'read') }))
}
