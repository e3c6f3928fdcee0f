import type { PartitionPlan } from '../../protocol/index.ts'
import { NO_OUTPUT } from '../../protocol/index.ts'
import type {
  CheckpointItem,
  CheckpointOutcome,
  EndedLease,
  ItemOutcome,
  ReturnedLease,
  StartedLease,
  TaskEnd,
  TaskLease,
} from '../contract/index.ts'
import { dropOtherPlans, failRun, sealPlan, stepName, stepPublished, stepVerified, verifyWhenDone } from './advance.ts'
import { refused } from './refusals.ts'
import { emit } from './events.ts'
import {
  endFailed,
  endRetried,
  endSucceeded,
  endUnspent,
  markBegan,
  markStarted,
  noteCheckpoint,
  ownedTask,
  type OwnedTask,
} from './leases.ts'
import { dropCopy, dropCopyOf, dropWhereCopy, takeOver } from './copies.ts'
import { COUNTED_IN, readiedAll } from './lanes.ts'
import { lockRunsOf } from './locks.ts'
import { answeredMeanwhile } from './effects.ts'
import { budgetSpent, placeInBudget } from './retries.ts'
import { json } from './rows.ts'
import { byDialect, type Session } from './session.ts'
import { takeSplit } from './splits.ts'
import { addTotals, type Totals } from './totals.ts'

export function start(session: Session, leases: readonly StartedLease[]): Promise<readonly ItemOutcome[]> {
  return forOwned(session, leases, (task, { slot }) => markStarted(session, task, slot ?? null))
}

export async function addPartitions(
  session: Session,
  lease: TaskLease,
  partitions: readonly PartitionPlan[],
): Promise<ItemOutcome> {
  await lockRunsOf(session, [lease], 'counts')
  const task = await ownedTask(session, lease)
  if (task?.kind !== 'plan') return 'fenced'
  await dropOtherPlans(session, task.ref.run, task.step, lease.fence)
  for (const partition of partitions) {
    await session.run(
      `insert into tasks (run, step, kind, idx, fence, label, partition_plan, lane)
       select run, step, 'partition', cast(:index as bigint), fence_floor, cast(:label as text), cast(:plan as text),
         ${COUNTED_IN}
       from steps where run = :run and step = :step
       on conflict (run, step, kind, idx) do nothing`,
      {
        run: task.ref.run,
        step: task.step,
        index: partition.index,
        label: partition.label,
        plan: JSON.stringify(partition),
      },
    )
  }
  return 'done'
}

export async function checkpoint(
  session: Session,
  items: readonly CheckpointItem[],
): Promise<readonly CheckpointOutcome[]> {
  if (items.some(({ split }) => split !== undefined)) await lockRunsOf(session, items, 'counts')
  const whole = new Set<CheckpointItem>()
  const outcomes = await forOwned(session, items, async (task, item) => {
    const stored = await session.run(
      `insert into checkpoints (task_id, run, step, sequence, counters, controls, body)
       values (:taskId, :run, :step, :sequence, :counters, :controls, :body)
       on conflict (task_id) do update set sequence = excluded.sequence, counters = excluded.counters,
         controls = excluded.controls, body = excluded.body
       where excluded.sequence > checkpoints.sequence`,
      {
        taskId: task.taskId,
        run: task.ref.run,
        step: task.step,
        sequence: item.checkpoint.sequence,
        counters: JSON.stringify(item.checkpoint.counters),
        controls: JSON.stringify(item.checkpoint.controls),
        body: JSON.stringify(item.checkpoint),
      },
    )
    if (stored > 0) await noteCheckpoint(session, item, item.checkpoint.counters.read)
    if (item.split === undefined) return
    if (!(await takeSplit(session, task, item.checkpoint, item.split, stored > 0))) whole.add(item)
  })
  return outcomes.map((outcome, position) => {
    const item = items[position]
    return item !== undefined && whole.has(item) ? 'whole' : outcome
  })
}

export async function giveBack(session: Session, leases: readonly ReturnedLease[]): Promise<readonly ItemOutcome[]> {
  const returned: { readonly task: OwnedTask; readonly why: string }[] = []
  await lockRunsOf(session, leases, 'counts')
  const outcomes = await forOwned(session, leases, async (task, { why = 'not said', delayMs = 0 }) => {
    if (await dropWhereCopy(session, task, 'returned', why)) return
    const due = delayMs > 0 && (await answeredMeanwhile(session, task.taskId))
    await endUnspent(session, task, why, due ? 0 : delayMs)
    returned.push({ task, why })
  })
  await readiedAll(
    session,
    returned.map(({ task }) => task),
  )
  for (const [why, group] of Map.groupBy(returned, (one) => one.why)) {
    await emitGroups(
      session,
      group.map(({ task }) => task),
      'tasks.released',
      { reason: 'given back', why },
    )
  }
  return outcomes
}

/**
 * Failures go last: what a sibling finished in the same call is kept. A second failure of the same run then finds its lease
 * given back, and is fenced.
 */
export async function finish(session: Session, items: readonly EndedLease[]): Promise<readonly ItemOutcome[]> {
  const outcomes: ItemOutcome[] = items.map(() => 'fenced')
  const partitions: { readonly task: OwnedTask; readonly totals: Totals }[] = []
  await lockRunsOf(session, items, items.some(({ end }) => mayFail(end)) ? 'all' : 'counts')
  const pass = async (wanted: (end: TaskEnd) => boolean): Promise<void> => {
    for (const [position, item] of items.entries()) {
      if (!wanted(item.end)) continue
      const task = await ownedTask(session, item)
      if (task === undefined) continue
      if (item.began !== undefined) await markBegan(session, task, item.began)
      const moved = task.copyOf === null ? task : await endCopy(session, task, item.end)
      const totals = moved === null ? null : await endTask(session, moved, item.end)
      if (moved !== null && totals !== null) partitions.push({ task: moved, totals })
      outcomes[position] = 'done'
    }
  }
  await pass((end) => !mayFail(end))
  await countPartitions(session, partitions)
  await pass(mayFail)
  return outcomes
}

/** A copy that succeeds does so as its original, which is answered; one that fails goes, and its original goes on: null. */
async function endCopy(session: Session, copy: OwnedTask, end: TaskEnd): Promise<OwnedTask | null> {
  if (end.kind === 'succeeded') return (await takeOver(session, copy)) ?? null
  await dropCopy(session, copy, 'failed', end.kind === 'planned' ? end.kind : end.error.code)
  return null
}

/** Whether an end fails its run, or may. */
export function mayFail(end: TaskEnd): boolean {
  return end.kind === 'failed' || (end.kind === 'retry' && end.budget?.beyond === 'fail')
}

/** A task that succeeded before, and was taken back, has none any more; one that is there is of this very end. */
const KEEP_OUTPUT = `insert into outputs (task_id, body) values (:taskId, :body)
  on conflict (task_id) do update set body = excluded.body`

/** Ends one attempt. Answers with the totals of a partition that succeeded: those are counted in groups. */
async function endTask(session: Session, task: OwnedTask, end: TaskEnd): Promise<Totals | null> {
  switch (end.kind) {
    case 'succeeded':
      if (task.kind === 'plan') throw mismatch(task, end.kind)
      await dropCopyOf(session, task, 'the original was first')
      await endSucceeded(session, task, task.kind === 'partition' ? end.output.counters.read : null)
      if (end.output !== NO_OUTPUT) {
        await session.run(KEEP_OUTPUT, { taskId: task.taskId, body: JSON.stringify(end.output) })
      }
      if (task.kind === 'partition') return end.output
      await emitGroups(session, [task], 'tasks.succeeded', {})
      if (task.kind === 'verify') await stepVerified(session, task.ref, task.step, end.output.result)
      else await stepPublished(session, task.ref, task.taskId, task.step)
      return null
    case 'planned':
      if (task.kind !== 'plan') throw mismatch(task, end.kind)
      await endSucceeded(session, task, null)
      await emitGroups(session, [task], 'tasks.succeeded', {})
      await sealPlan(session, task.ref, task.step, task.fence, end.plan)
      return null
    case 'retry': {
      const place =
        end.budget === undefined ? null : await placeInBudget(session, task.ref.run, end.delayMs, end.budget)
      if (place?.spent === true) {
        return await endTask(session, task, { kind: 'failed', error: budgetSpent(end.error, end.budget) })
      }
      const delayMs = place?.delayMs ?? end.delayMs
      await endRetried(session, task, end.error, delayMs)
      await session.run('update steps set retries = retries + 1, ready = ready + 1 where run = :run and step = :step', {
        run: task.ref.run,
        step: task.step,
      })
      await emitGroups(session, [task], 'task.retried', {
        code: end.error.code,
        message: end.error.message,
        delayMs,
        ...(place?.putOff === true ? { why: 'retry budget' } : {}),
      })
      return null
    }
    case 'failed':
      await endFailed(session, task, end.error)
      await emitGroups(session, [task], 'task.failed', { code: end.error.code, message: end.error.message })
      await failRun(session, task.ref, task.step, task.kind === 'partition' ? task.index : null, end.error)
      return null
  }
}

/** Several finish tasks of one step at once: from here on they take turns, since totals are added outside the database. */
const countersOf = byDialect(
  ({ forNoKeyUpdate }) => `select counters, controls from steps where run = :run and step = :step${forNoKeyUpdate}`,
)

/** One counter update and one outbox row for each step of the group, however many of its tasks are in it. */
export async function countPartitions(
  session: Session,
  ended: readonly { readonly task: PlacedTask; readonly totals: Totals }[],
): Promise<void> {
  for (const group of groupByStep(ended, ({ task }) => task)) {
    const [first] = group
    if (first === undefined) continue
    const { ref, step } = first.task
    const row = await session.get(countersOf(session.dialect), { run: ref.run, step })
    if (row === undefined) continue
    const before: Totals = {
      counters: json<Totals['counters']>(row, 'counters'),
      controls: json<Totals['controls']>(row, 'controls'),
    }
    const after = addTotals([before, ...group.map(({ totals }) => totals)])
    await session.run(
      `update steps set remaining = remaining - :moved, counters = :counters, controls = :controls
       where run = :run and step = :step`,
      {
        run: ref.run,
        step,
        moved: group.length,
        counters: JSON.stringify(after.counters),
        controls: JSON.stringify(after.controls),
      },
    )
    await emitGroups(
      session,
      group.map(({ task }) => task),
      'tasks.succeeded',
      {},
    )
    await verifyWhenDone(session, ref, step)
  }
}

/** What is told of a task, and counted. */
export type PlacedTask = Pick<OwnedTask, 'taskId' | 'ref' | 'step' | 'kind' | 'index'>

/** One outbox row for each step and kind among the tasks. */
export async function emitGroups(
  session: Session,
  tasks: readonly PlacedTask[],
  type: string,
  data: Readonly<Record<string, string | number>>,
): Promise<void> {
  for (const group of groupByStep(tasks, (task) => task)) {
    const [first] = group
    if (first === undefined) continue
    await emit(session, {
      runId: first.ref.runId,
      step: await stepName(session, first.ref.run, first.step),
      type,
      data: {
        ...data,
        kind: first.kind,
        count: group.length,
        tasks: group.map(({ taskId }) => taskId),
        ...(first.kind === 'partition' && type !== 'tasks.succeeded'
          ? { partitions: group.map(({ index }) => index) }
          : {}),
      },
    })
  }
}

function groupByStep<Item>(items: readonly Item[], taskOf: (item: Item) => PlacedTask): readonly (readonly Item[])[] {
  const groups = Map.groupBy(items, (item) => {
    const task = taskOf(item)
    return `${task.ref.run} ${task.step} ${task.kind}`
  })
  return [...groups.values()]
}

async function forOwned<Item extends TaskLease>(
  session: Session,
  items: readonly Item[],
  change: (task: OwnedTask, item: Item) => Promise<void>,
): Promise<readonly ItemOutcome[]> {
  const outcomes: ItemOutcome[] = []
  for (const item of items) {
    const task = await ownedTask(session, item)
    if (task !== undefined) await change(task, item)
    outcomes.push(task === undefined ? 'fenced' : 'done')
  }
  return outcomes
}

function mismatch(task: OwnedTask, found: TaskEnd['kind']): Error {
  return refused(
    'TASK_END_MISMATCH',
    `task ${task.taskId}: expected the end of a ${task.kind} task, found ${found}`,
    'A plan task ends as planned; partition, verify and publish tasks end as succeeded.',
    { taskId: task.taskId, kind: task.kind },
  )
}
