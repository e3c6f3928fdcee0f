import type { Checkpoint, PartitionPlan, PartitionSplit } from '../../protocol/index.ts'
import type { AskOutcome, ItemOutcome, TaskLease } from '../contract/index.ts'
import { COUNTED_IN, readied } from './lanes.ts'
import { ownedTask, type OwnedTask } from './leases.ts'
import { flag, number, numberOrNull, text, textOrNull } from './rows.ts'
import type { Session } from './session.ts'
import { tell } from './telling.ts'

/**
 * Splits. A piece that is cut off is a task with the next free index of its step; what orders the pieces of a partition is
 * their `place`. The piece that is cut keeps its place and stays in front. What it gives away comes right behind it, so
 * before all that it gave away earlier: the number of the cut is counted down. Every cut adds digits of one width to the place
 * of the piece that it cuts, so that comparing places as text is comparing them level by level.
 */
const MOST_CUTS = 9_998
const MOST_PIECES = 999

function placeOf(parent: string, cut: number, piece: number): string {
  const digits = (value: number, width: number): string => String(value).padStart(width, '0')
  return `${parent}${digits(MOST_CUTS + 1 - cut, 4)}${digits(piece, 3)}`
}

export async function askSplit(session: Session, lease: TaskLease, pieces: number): Promise<AskOutcome> {
  const task = await ownedTask(session, lease)
  if (task?.kind !== 'partition') return 'refused'
  const asked = await session.run(
    `update tasks set split_fence = fence, split_pieces = :pieces, split_word = null
     where task_id = :taskId and copied = 0 and copy_of is null and splits < :most
       and (split_fence is null or split_fence <> fence or split_pieces is null and split_word is null)`,
    { taskId: task.taskId, pieces: Math.min(pieces, MOST_PIECES), most: MOST_CUTS },
  )
  if (asked === 0) return 'refused'
  await tell(session, task, 'split.asked', { pieces })
  return 'asked'
}

export async function declineSplit(session: Session, lease: TaskLease, reason: string): Promise<ItemOutcome> {
  const task = await ownedTask(session, lease)
  if (task === undefined) return 'fenced'
  const declined = await session.run(
    `update tasks set split_pieces = null, split_word = :reason
     where task_id = :taskId and split_fence = fence and split_pieces is not null`,
    { taskId: task.taskId, reason },
  )
  if (declined > 0) await tell(session, task, 'split.declined', { reason })
  return 'done'
}

/**
 * Takes a split that came with a checkpoint, in its transaction. The same message again finds the checkpoint there, and
 * learns what became of its split. Answers with whether it is taken.
 */
export async function takeSplit(
  session: Session,
  task: OwnedTask,
  { sequence }: Checkpoint,
  split: PartitionSplit,
  isNew: boolean,
): Promise<boolean> {
  const row = await session.get(
    'select origin, place, splits, split_at, copied, copy_of from tasks where task_id = :taskId',
    { taskId: task.taskId },
  )
  if (row === undefined) return false
  if (!isNew) return numberOrNull(row, 'split_at') === sequence
  if (flag(row, 'copied') || numberOrNull(row, 'copy_of') !== null || split.rest.length > MOST_PIECES) return false
  const cut = number(row, 'splits') + 1
  await shorten(session, task, split.own, sequence)
  const first = await countPieces(session, task, split.rest.length)
  const origin = numberOrNull(row, 'origin') ?? task.index
  for (const [piece, plan] of split.rest.entries()) {
    const partition: PartitionPlan = { ...plan, index: first + piece }
    await session.run(
      `insert into tasks (run, step, kind, idx, fence, label, partition_plan, origin, place, lane)
       select run, step, 'partition', cast(:index as bigint), fence_floor, cast(:label as text), cast(:plan as text),
         cast(:origin as bigint), cast(:place as text), ${COUNTED_IN}
       from steps where run = :run and step = :step`,
      {
        run: task.ref.run,
        step: task.step,
        index: partition.index,
        label: partition.label,
        plan: JSON.stringify(partition),
        origin,
        place: placeOf(text(row, 'place'), cut, piece + 1),
      },
    )
  }
  await readied(session, task.ref.run, task.step)
  await tell(session, task, 'task.split', {
    origin,
    pieces: split.rest.map((_, piece) => first + piece),
    keeps: split.own.records,
    gives: sum(split.rest.map(({ records }) => records)),
  })
  return true
}

async function shorten(session: Session, task: OwnedTask, own: PartitionSplit['own'], sequence: number): Promise<void> {
  await session.run(
    `update tasks set partition_plan = :plan, label = :label, splits = splits + 1, split_at = :sequence,
       split_pieces = null, split_word = null
     where task_id = :taskId`,
    {
      taskId: task.taskId,
      plan: JSON.stringify({ ...own, index: task.index }),
      label: own.label,
      sequence,
    },
  )
}

/** Indexes of partitions are dense: the first free one is their number. */
async function countPieces(session: Session, task: OwnedTask, pieces: number): Promise<number> {
  const place = { run: task.ref.run, step: task.step }
  await session.run(
    'update steps set tasks = tasks + :pieces, remaining = remaining + :pieces where run = :run and step = :step',
    { ...place, pieces },
  )
  const row = await session.get('select tasks from steps where run = :run and step = :step', place)
  return row === undefined ? 0 : number(row, 'tasks') - pieces
}

function sum(counts: readonly (number | null)[]): number | null {
  return counts.reduce<number | null>((total, count) => (total === null || count === null ? null : total + count), 0)
}

/** For leases that a worker holds: those that are lost, and those that were asked to split. */
export async function lookAt(
  session: Session,
  leases: readonly TaskLease[],
): Promise<{ readonly lost: readonly TaskLease[]; readonly splits: readonly (TaskLease & { pieces: number })[] }> {
  if (leases.length === 0) return { lost: [], splits: [] }
  const rows = await session.all(
    `select task_id, fence, worker, case when split_fence = fence then split_pieces end as pieces
     from tasks where ${session.dialect.among('task_id', 'tasks', 'integer')}`,
    { tasks: leases.map(({ taskId }) => taskId) },
  )
  const found = new Map(rows.map((row) => [number(row, 'task_id'), row]))
  const lost: TaskLease[] = []
  const splits: (TaskLease & { pieces: number })[] = []
  for (const lease of leases) {
    const row = found.get(lease.taskId)
    if (row === undefined || number(row, 'fence') !== lease.fence || textOrNull(row, 'worker') === null) {
      lost.push(lease)
      continue
    }
    const pieces = numberOrNull(row, 'pieces')
    if (pieces !== null) splits.push({ ...lease, pieces })
  }
  return { lost, splits }
}
