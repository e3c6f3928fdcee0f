import type { PartitionPlan } from '../../protocol/index.ts'
import { NO_OUTPUT } from '../../protocol/index.ts'
import type {
  CheckpointItem,
  CheckpointOutcome,
  EndedLease,
  ItemOutcome,
  StartedLease,
  TaskEnd,
  TaskLease,
} from '../contract/index.ts'
import { dropOtherPlans } from '../sql/advance.ts'
import { ending, LEASE_ENDS, ownedTask } from '../sql/leases.ts'
import { lockRunsOf } from '../sql/locks.ts'
import * as oneByOne from '../sql/tasks.ts'
import type { PostgresSession } from './session.ts'

/**
 * The verbs that a fleet lives on, for whole groups: a round trip and a plan for a set of rows instead of for each. What they
 * leave out (a task with a copy, the end of a step) goes to the verbs as they are written for one row at a time. Rows are found
 * by primary key and fence alone: a state in the condition could make the planner choose an index of states instead.
 */

/** Owned at this fence, by the rows of a set `item`. Copies and their originals are for the verbs that know them. */
const OWNED = `t.task_id = item.of_task and t.fence = item.at_fence and t.fence % 2 = 1`
const ALONE = `t.copied = 0 and t.copy_of is null`

type SucceededItem = EndedLease & { readonly end: Extract<TaskEnd, { kind: 'succeeded' }> }

/** The clock is read once for a group. */
const ENDS = onceForAll(LEASE_ENDS)

function onceForAll(sql: string): string {
  return sql.replaceAll('store_now()', '(select store_now())')
}

export const SUCCEED = `
  update tasks t set state = 'succeeded', error = null, attempt_read = item.has_read,
    attempts_used = case when item.ran_ms < 0 then attempts_used else attempts_used + 1 - started end,
    started_at = case when item.ran_ms < 0 or started = 1 then started_at else (select store_now()) - item.ran_ms end,
    slot = case when started = 1 then slot else nullif(item.in_slot, 0) end, ${ENDS}
  from unnest(cast(:tasks as bigint[]), cast(:fences as bigint[]), cast(:reads as bigint[]), cast(:ran as bigint[]),
    cast(:slots as bigint[])) as item (of_task, at_fence, has_read, ran_ms, in_slot)
  where ${OWNED} and ${ALONE} and t.kind = 'partition'
  returning t.task_id, t.run, t.step, t.idx, t.checkpoints + t.from_sequence as saved`

/**
 * Ends attempts. Partitions that succeeded, which is nearly all there ever is, in one group: their rows first, and only then
 * the row of their step, which others wait for until the commit.
 */
export async function finish(session: PostgresSession, items: readonly EndedLease[]): Promise<readonly ItemOutcome[]> {
  const succeeded = items.filter(isSuccess)
  if (items.some(({ end }) => oneByOne.mayFail(end)) || haveTwice(items)) return await oneByOne.finish(session, items)
  // Others of the set go by the run's lock: it comes before the tasks' and the steps', for all verbs.
  if (succeeded.length < items.length) await lockRunsOf(session, items, 'counts')
  const ended = await endPartitions(session, succeeded)
  const rest = items.filter(({ taskId }) => !ended.has(taskId))
  const others = rest.length === 0 ? [] : await oneByOne.finish(session, rest)
  const outcomes = new Map(rest.map((item, position) => [item, others[position] ?? 'fenced']))
  return items.map((item) => outcomes.get(item) ?? 'done')
}

/** Of two ends of one task in a set the first counts, and the second is fenced. */
function haveTwice(items: readonly TaskLease[]): boolean {
  return new Set(items.map(({ taskId }) => taskId)).size < items.length
}

function isSuccess(item: EndedLease): item is SucceededItem {
  return item.end.kind === 'succeeded'
}

/** Answers with the tasks that were partitions, owned, and have succeeded now. */
async function endPartitions(session: PostgresSession, items: readonly SucceededItem[]): Promise<ReadonlySet<number>> {
  // In one order for all: two that were told to end the same tasks do not wait for each other in a circle.
  const ordered = items.toSorted((one, other) => one.taskId - other.taskId)
  const moved = await session.lists(SUCCEED, {
    ...leases(ordered),
    ...ending('succeeded'),
    reads: ordered.map(({ end }) => end.output.counters.read),
    // Negative: its start was written, or did not take place.
    ran: ordered.map(({ began }) => began?.ranMs ?? -1),
    slots: ordered.map(({ began }) => began?.slot ?? 0),
  })
  // They come in whatever order they were reached.
  const rows = moved.toSorted((one, other) => Number(one[0]) - Number(other[0]))
  const outputs = new Map(ordered.map(({ taskId, end }) => [taskId, end.output]))
  const ids = rows.map(([taskId]) => Number(taskId))
  const saved = rows.filter((row) => Number(row[4]) > 0).map(([taskId]) => Number(taskId))
  if (saved.length > 0) {
    await session.run('delete from checkpoints where task_id = any(cast(:saved as bigint[]))', { saved })
  }
  const kept = ids.filter((taskId) => outputs.get(taskId) !== NO_OUTPUT)
  if (kept.length > 0) {
    await keepOutputs(
      session,
      kept,
      kept.map((taskId) => JSON.stringify(outputs.get(taskId))),
    )
  }
  const runIds = await runIdsOf(session, rows)
  await oneByOne.countPartitions(
    session,
    rows.flatMap(([taskId, run, step, index]) => {
      const totals = outputs.get(Number(taskId))
      const ref = { run: Number(run), runId: runIds.get(Number(run)) ?? '' }
      if (totals === undefined) return []
      return [
        {
          task: { taskId: Number(taskId), ref, step: Number(step), kind: 'partition' as const, index: Number(index) },
          totals,
        },
      ]
    }),
  )
  return new Set(ids)
}

const KEEP_OUTPUTS = `
  insert into outputs (task_id, body) select * from unnest(cast(:ids as bigint[]), cast(:bodies as text[]))
  on conflict (task_id) do update set body = excluded.body`

async function keepOutputs(session: PostgresSession, ids: readonly number[], bodies: readonly string[]): Promise<void> {
  await session.run(KEEP_OUTPUTS, { ids, bodies })
}

async function runIdsOf(
  session: PostgresSession,
  rows: readonly (readonly unknown[])[],
): Promise<ReadonlyMap<number, string>> {
  const runs = [...new Set(rows.map((row) => Number(row[1])))]
  if (runs.length === 0) return new Map()
  const found = await session.lists('select run, run_id from runs where run = any(cast(:runs as bigint[]))', { runs })
  return new Map(found.map(([run, runId]) => [Number(run), String(runId)]))
}

export const START = `
  update tasks t set attempts_used = attempts_used + 1 - started, started = 1,
    started_at = case when started = 1 then started_at else (select store_now()) end,
    slot = case when started = 1 then slot else nullif(item.in_slot, 0) end
  from unnest(cast(:tasks as bigint[]), cast(:fences as bigint[]), cast(:slots as bigint[])) as item (of_task, at_fence, in_slot)
  where ${OWNED}
  returning t.task_id`

/** Attempts count starts: once for each lease, however often it is said. */
export async function start(session: PostgresSession, items: readonly StartedLease[]): Promise<readonly ItemOutcome[]> {
  if (items.length === 0) return []
  const rows = await session.lists(START, { ...leases(items), slots: items.map(({ slot }) => slot ?? 0) })
  const started = new Set(rows.map(([taskId]) => Number(taskId)))
  return items.map(({ taskId }) => (started.has(taskId) ? 'done' : 'fenced'))
}

export const CHECKPOINT = `
  with item as materialized (
    select * from unnest(cast(:tasks as bigint[]), cast(:fences as bigint[]), cast(:sequences as bigint[]),
      cast(:reads as bigint[]), cast(:counters as text[]), cast(:controls as text[]), cast(:bodies as text[]))
      as item (of_task, at_fence, sequence, has_read, counters, controls, body)
  ), owned as materialized (
    select t.task_id, t.run, t.step from tasks t join item on ${OWNED} for no key update of t
  ), stored as (
    insert into checkpoints as c (task_id, run, step, sequence, counters, controls, body)
    select o.task_id, o.run, o.step, item.sequence, item.counters, item.controls, item.body
    from owned o join item on item.of_task = o.task_id
    on conflict (task_id) do update set sequence = excluded.sequence, counters = excluded.counters,
      controls = excluded.controls, body = excluded.body
    where excluded.sequence > c.sequence
    returning c.task_id
  ), noted as (
    update tasks t set crash_count = 0, checkpoints = checkpoints + 1, checkpointed_at = (select store_now()),
      attempt_read = item.has_read
    from stored s join item on item.of_task = s.task_id where t.task_id = s.task_id
  )
  select task_id from owned`

/** Commits checkpoints. Those that come with a split, or twice for one task, are for the verb that takes them one by one. */
export async function checkpoint(
  session: PostgresSession,
  items: readonly CheckpointItem[],
): Promise<readonly CheckpointOutcome[]> {
  if (haveTwice(items) || items.some(({ split }) => split !== undefined)) {
    return await oneByOne.checkpoint(session, items)
  }
  if (items.length === 0) return []
  const points = items.map((item) => item.checkpoint)
  const rows = await session.lists(CHECKPOINT, {
    ...leases(items),
    sequences: points.map(({ sequence }) => sequence),
    reads: points.map(({ counters }) => counters.read),
    counters: points.map(({ counters }) => JSON.stringify(counters)),
    controls: points.map(({ controls }) => JSON.stringify(controls)),
    bodies: points.map((point) => JSON.stringify(point)),
  })
  const owned = new Set(rows.map(([taskId]) => Number(taskId)))
  return items.map(({ taskId }) => (owned.has(taskId) ? 'done' : 'fenced'))
}

export const ADD = `
  insert into tasks (run, step, kind, idx, fence, label, partition_plan, lane)
  select s.run, s.step, 'partition', item.idx, s.fence_floor, item.label, item.plan,
    case when s.metered = 1 then s.lane end
  from steps s,
    unnest(cast(:indexes as integer[]), cast(:labels as text[]), cast(:plans as text[])) as item (idx, label, plan)
  where s.run = :run and s.step = :step
  on conflict (run, step, kind, idx) do nothing`

export async function addPartitions(
  session: PostgresSession,
  lease: TaskLease,
  partitions: readonly PartitionPlan[],
): Promise<ItemOutcome> {
  await lockRunsOf(session, [lease], 'counts')
  const task = await ownedTask(session, lease)
  if (task?.kind !== 'plan') return 'fenced'
  await dropOtherPlans(session, task.ref.run, task.step, lease.fence)
  await session.run(ADD, {
    run: task.ref.run,
    step: task.step,
    indexes: partitions.map(({ index }) => index),
    labels: partitions.map(({ label }) => label.replaceAll('\0', '\uFFFD')),
    plans: partitions.map((partition) => JSON.stringify(partition)),
  })
  return 'done'
}

function leases(items: readonly TaskLease[]): {
  readonly tasks: readonly number[]
  readonly fences: readonly number[]
} {
  return { tasks: items.map(({ taskId }) => taskId), fences: items.map(({ fence }) => fence) }
}
