import type { TaskKind } from '../../protocol/index.ts'
import type { ArtifactText, HeldTask, NewStorage, OpenStep, StorageRow } from '../contract/index.ts'
import { jsonOrNull, number, numberOrNull, text, textOrNull, word, type Row } from './rows.ts'
import type { Session } from './session.ts'

/** One statement: two that ask at once meet at the row, and the second sees what the first has written. */
export async function lead(session: Session, duty: string, holder: string, forMs: number): Promise<string | null> {
  if (forMs === 0) await session.run('delete from leads where duty = :duty and holder = :holder', { duty, holder })
  else {
    await session.run(
      `insert into leads (duty, holder, until) values (:duty, :holder, store_now() + cast(:forMs as bigint))
       on conflict (duty) do update set holder = excluded.holder, until = excluded.until
       where leads.holder = excluded.holder or leads.until <= store_now()`,
      { duty, holder, forMs: Math.round(forMs) },
    )
  }
  const row = await session.get('select holder from leads where duty = :duty and until > store_now()', { duty })
  return row === undefined ? null : text(row, 'holder')
}

export async function putArtifact(session: Session, codeVersion: string, { code, map }: ArtifactText): Promise<void> {
  await session.run(
    `insert into artifacts (code_version, code, map, put_at)
     values (:codeVersion, :code, cast(:map as text), store_now()) on conflict (code_version) do nothing`,
    { codeVersion, code, map },
  )
}

export async function getArtifact(session: Session, codeVersion: string): Promise<ArtifactText | null> {
  const row = await session.get('select code, map from artifacts where code_version = :codeVersion', { codeVersion })
  return row === undefined ? null : { code: text(row, 'code'), map: textOrNull(row, 'map') }
}

export async function getStorage(session: Session): Promise<StorageRow | null> {
  const row = await session.get('select id, state_folder, project_folder, host, named_at from storage')
  return row === undefined ? null : storageFrom(row)
}

const IN_USE = `
  exists (select 1 from workers where state = 'alive' and expires_at > store_now())
  or (:id <> storage.id and exists (select 1 from runs where state in ('queued', 'running')))`

export async function nameStorage(session: Session, storage: NewStorage, instead: string | null): Promise<StorageRow> {
  const { id, stateFolder, projectFolder, host } = storage
  const values = { id, stateFolder, projectFolder, host }
  if (instead === null) {
    await session.run(
      `insert into storage (only_row, id, state_folder, project_folder, host, named_at)
       values (1, :id, :stateFolder, :projectFolder, :host, store_now()) on conflict (only_row) do nothing`,
      values,
    )
  } else {
    // Seen with the row locked: a worker that registers just now is seen by what follows, or waits for it.
    await session.get(`select id from storage${session.dialect.forUpdate}`)
    await session.run(
      `update storage set id = :id, state_folder = :stateFolder, project_folder = :projectFolder, host = :host,
         named_at = store_now()
       where id = :instead and not (${IN_USE})`,
      { ...values, instead },
    )
  }
  const stands = await getStorage(session)
  if (stands === null) throw new Error('expected a storage after one was named, found none')
  return stands
}

function storageFrom(row: Row): StorageRow {
  return {
    id: text(row, 'id'),
    stateFolder: text(row, 'state_folder'),
    projectFolder: text(row, 'project_folder'),
    host: text(row, 'host'),
    namedAt: number(row, 'named_at'),
  }
}

/** Tasks of a step that are looked at for how long they take: the first that have succeeded. */
const SAMPLE = 100

const OPEN_STEPS = `
  select r.run, r.run_id, r.job, s.step, s.name, s.tasks, s.remaining,
    case s.state when 'planning' then 'plan' when 'running' then 'partition'
      when 'verifying' then 'verify' else 'publish' end as kind
  from runs r join steps s on s.run = r.run
  where r.state in ('queued', 'running') and r.paused = 0
    and s.state in ('planning', 'running', 'verifying', 'publishing')
  order by r.run, s.step`

export async function fleetLoad(session: Session): Promise<readonly OpenStep[]> {
  const held = new Map<string, number>()
  const rows = await session.all(
    'select run, step, kind, count(*) as leased from tasks where worker is not null group by run, step, kind',
  )
  for (const row of rows) held.set(keyOf(row), number(row, 'leased'))
  const steps: OpenStep[] = []
  for (const row of await session.all(OPEN_STEPS)) {
    const kind = word<TaskKind>(row, 'kind')
    const partitions = kind === 'partition'
    steps.push({
      runId: text(row, 'run_id'),
      job: text(row, 'job'),
      step: text(row, 'name'),
      kind,
      remaining: partitions ? number(row, 'remaining') : 1,
      leased: held.get(keyOf(row)) ?? 0,
      meanMs: partitions && number(row, 'remaining') < number(row, 'tasks') ? await meanMs(session, row) : null,
    })
  }
  return steps
}

function keyOf(row: Row): string {
  return `${number(row, 'run')} ${number(row, 'step')} ${text(row, 'kind')}`
}

async function meanMs(session: Session, step: Row): Promise<number | null> {
  const row = await session.get(
    `select count(*) as sampled, coalesce(sum(ms), 0) as ms from (
       select ended_at - coalesce(started_at, leased_at) as ms from tasks
       where run = :run and step = :step and kind = 'partition' and state = 'succeeded' and ended_at is not null
       order by idx limit ${SAMPLE}) as sample`,
    { run: number(step, 'run'), step: number(step, 'step') },
  )
  const sampled = row === undefined ? 0 : number(row, 'sampled')
  return row === undefined || sampled === 0 ? null : number(row, 'ms') / sampled
}

const MOST_HELD = 1000

export async function listHeld(session: Session, limit: number = MOST_HELD): Promise<readonly HeldTask[]> {
  const rows = await session.all(
    `select t.worker, t.kind, t.idx, t.leased_at, r.run_id, r.job, r.window_value, s.name
     from tasks t join runs r on r.run = t.run join steps s on s.run = t.run and s.step = t.step
     where t.worker is not null order by t.leased_at, t.task_id limit :limit`,
    { limit },
  )
  return rows.map((row) => {
    const kind = word<TaskKind>(row, 'kind')
    return {
      workerId: text(row, 'worker'),
      runId: text(row, 'run_id'),
      job: text(row, 'job'),
      window: jsonOrNull(row, 'window_value'),
      step: text(row, 'name'),
      kind,
      index: kind === 'partition' ? number(row, 'idx') : null,
      leasedAt: numberOrNull(row, 'leased_at') ?? 0,
    }
  })
}
