import type { Clock } from '../../kernel/clock.ts'
import { MIGRATIONS, type Migration } from '../migrations/index.ts'
import { needsMigration, type AppliedVersion } from '../migrations/versions.ts'
import { corrupt } from './errors.ts'
import { number, text } from '../sql/rows.ts'
import type { SqliteSession } from './session.ts'

/** In the header of the file: "BWst". Tells a store from another program's database. */
const APPLICATION_ID = 0x42577374

const APPLIED_TABLE = `create table if not exists migrations (
  version integer primary key,
  name text not null,
  oldest_compatible integer not null,
  applied_at integer not null
) strict`

/**
 * Brings the store up to the newest migration known here, inside the caller's transaction. A store that is ahead is left
 * as it is while its last migration still admits this version, and refused otherwise.
 */
export async function migrate(
  session: SqliteSession,
  path: string,
  clock: Clock,
  apply: boolean,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await refuseForeignFile(session, path)
  const known = migrations.at(-1)?.version ?? 0
  const store = await appliedVersion(session)
  if (!needsMigration(path, store, known, apply)) return
  session.execute(APPLIED_TABLE)
  session.execute(`pragma application_id = ${APPLICATION_ID}`)
  for (const migration of migrations.filter(({ version }) => version > store.version)) {
    if (migration.sqlite !== null) session.execute(migration.sqlite)
    await session.run(
      'insert into migrations (version, name, oldest_compatible, applied_at) values (:version, :name, :oldest, :at)',
      {
        version: migration.version,
        name: migration.name,
        oldest: migration.oldestCompatible,
        at: Math.floor(clock.now()),
      },
    )
  }
}

async function refuseForeignFile(session: SqliteSession, path: string): Promise<void> {
  const header = session.first('pragma application_id')
  const id = header === undefined ? 0 : number(header, 'application_id')
  const tables = await session.all(`select name from sqlite_schema where type = 'table' limit 3`)
  if (id === APPLICATION_ID || (id === 0 && tables.length === 0)) return
  const names = tables.map((row) => text(row, 'name')).join(', ')
  throw corrupt(path, `a database of another program, with the tables ${names}`)
}

async function appliedVersion(session: SqliteSession): Promise<AppliedVersion> {
  const made = await session.get(`select 1 from sqlite_schema where type = 'table' and name = 'migrations'`)
  const row =
    made === undefined
      ? undefined
      : await session.get('select version, oldest_compatible from migrations order by version desc limit 1')
  return row === undefined
    ? { version: 0, oldestCompatible: 0 }
    : { version: number(row, 'version'), oldestCompatible: number(row, 'oldest_compatible') }
}
