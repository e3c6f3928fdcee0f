import type { PublicationIntent, WindowValue } from '../../protocol/index.ts'
import type { PublicationRow, PublicationTarget, TaskLease } from '../contract/index.ts'
import { stepName } from './advance.ts'
import { refused } from './refusals.ts'
import { emit } from './events.ts'
import { ownedTask, type OwnedTask } from './leases.ts'
import { lockRunsOf } from './locks.ts'
import { jsonColumn, jsonOrNull, number, numberOrNull, textOrNull, text, word } from './rows.ts'
import type { Session } from './session.ts'

export async function intendPublication(
  session: Session,
  lease: TaskLease,
  targets: readonly PublicationTarget[],
): Promise<readonly PublicationIntent[] | null> {
  // A cancel that comes meanwhile waits, and then finds the intent.
  await lockRunsOf(session, [lease], 'counts')
  const task = await ownedTask(session, lease)
  if (task?.kind !== 'publish') return null
  const intents: PublicationIntent[] = []
  for (const target of targets) {
    const step = target.step ?? (await stepName(session, task.ref.run, task.step))
    const number = (await recordedNumber(session, task, target, step)) ?? (await intend(session, task, target, step))
    intents.push({ dataset: target.dataset, window: target.window, number, step })
  }
  return intents
}

/** The number that an earlier attempt of the same publish task was given for this target. */
async function recordedNumber(
  session: Session,
  task: OwnedTask,
  target: PublicationTarget,
  step: string,
): Promise<number | null> {
  const row = await session.get(
    `select number from publications
     where run = :run and task_id = :taskId and dataset = :dataset and window_key = :windowKey and step = :step`,
    {
      run: task.ref.run,
      taskId: task.taskId,
      dataset: target.dataset,
      windowKey: target.window?.key ?? '',
      step,
    },
  )
  return row === undefined ? null : number(row, 'number')
}

async function intend(session: Session, task: OwnedTask, target: PublicationTarget, step: string): Promise<number> {
  const windowKey = target.window?.key ?? ''
  const next = await nextNumber(session, target.dataset, windowKey, target.above ?? 0)
  await session.run(
    `insert into publications (dataset, window_key, number, window_value, run, task_id, step, state, intended_at)
     values (:dataset, :windowKey, :number, :window, :run, :taskId, :step, 'intended', store_now())`,
    {
      dataset: target.dataset,
      windowKey,
      number: next,
      window: jsonColumn(target.window),
      run: task.ref.run,
      taskId: task.taskId,
      step,
    },
  )
  await emit(session, {
    runId: task.ref.runId,
    step,
    type: 'publication.intended',
    data: { dataset: target.dataset, window: target.window?.key ?? null, number: next },
  })
  return next
}

/** Numbers are never given out twice, not even those of intents that came to nothing. */
async function nextNumber(session: Session, dataset: string, windowKey: string, above: number): Promise<number> {
  const [row] = await session.all(
    `insert into numbers (dataset, window_key, last) values (:dataset, :windowKey, cast(:above as bigint) + 1)
     on conflict (dataset, window_key)
       do update set last = ${session.dialect.greatest('numbers.last', 'cast(:above as bigint)')} + 1
     returning last`,
    { dataset, windowKey, above },
  )
  if (row === undefined) throw new Error('an insert with a returning clause returned no row')
  return number(row, 'last')
}

export async function intendRollback(
  session: Session,
  dataset: string,
  windowKey: string | null,
  toNumber: number,
  by: string,
  above = 0,
): Promise<number> {
  const key = windowKey ?? ''
  const pending = await session.get(
    `select number from publications where dataset = :dataset and window_key = :key and rollback_to = :toNumber
       and state = 'intended' order by number desc limit 1`,
    { dataset, key, toNumber },
  )
  if (pending !== undefined) return number(pending, 'number')
  const next = await nextNumber(session, dataset, key, Math.max(above, toNumber))
  await session.run(
    `insert into publications (dataset, window_key, number, window_value, rollback_to, state, intended_at)
     values (:dataset, :key, :next,
       (select window_value from publications where dataset = :dataset and window_key = :key and number = :toNumber),
       :toNumber, 'intended', store_now())`,
    { dataset, key, next, toNumber },
  )
  await emit(session, {
    runId: null,
    type: 'publication.rollback-intended',
    data: { dataset, window: windowKey, number: next, to: toNumber, by },
  })
  return next
}

export async function recordRollback(
  session: Session,
  dataset: string,
  windowKey: string | null,
  version: number,
  toNumber: number,
): Promise<void> {
  const key = { dataset, key: windowKey ?? '', number: version, toNumber }
  const known = await session.get(
    `select state from publications
     where dataset = :dataset and window_key = :key and number = :number and rollback_to = :toNumber`,
    key,
  )
  if (known === undefined) {
    throw refused(
      'ROLLBACK_UNKNOWN',
      `expected an intended rollback of ${dataset} ${windowKey ?? ''} to ${toNumber} with number ${version}, found none`,
      'Ask for a number first (intendRollback), and record that one.',
      { dataset, number: version, toNumber },
    )
  }
  if (text(known, 'state') === 'published') return
  await session.run(
    `update publications set state = 'published', published_at = store_now()
     where dataset = :dataset and window_key = :key and number = :number and rollback_to = :toNumber`,
    key,
  )
  await emit(session, {
    runId: null,
    type: 'publication.rolled-back',
    data: { dataset, window: windowKey, number: version, to: toNumber },
  })
}

export async function listPublications(
  session: Session,
  filter: { readonly dataset?: string; readonly windowKey?: string | null; readonly runId?: string },
): Promise<readonly PublicationRow[]> {
  const conditions = [
    ...(filter.dataset === undefined ? [] : ['p.dataset = :dataset']),
    ...(filter.windowKey === undefined ? [] : ['p.window_key = :windowKey']),
    ...(filter.runId === undefined ? [] : ['p.run = (select run from runs where run_id = :runId)']),
  ]
  const rows = await session.all(
    `select p.*, r.run_id from publications p left join runs r on r.run = p.run
     ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
     order by p.dataset, p.window_key, p.number`,
    {
      ...(filter.dataset === undefined ? {} : { dataset: filter.dataset }),
      ...(filter.windowKey === undefined ? {} : { windowKey: filter.windowKey ?? '' }),
      ...(filter.runId === undefined ? {} : { runId: filter.runId }),
    },
  )
  return rows.map((row) => ({
    dataset: text(row, 'dataset'),
    window: jsonOrNull<WindowValue>(row, 'window_value'),
    number: number(row, 'number'),
    runId: textOrNull(row, 'run_id'),
    step: textOrNull(row, 'step'),
    rollbackTo: numberOrNull(row, 'rollback_to'),
    state: word<PublicationRow['state']>(row, 'state'),
    intendedAt: number(row, 'intended_at'),
    publishedAt: numberOrNull(row, 'published_at'),
  }))
}
