import { BatchwrightError } from '../../kernel/errors.ts'
import { MIGRATIONS, type Migration } from '../migrations/index.ts'
import { needsMigration, type AppliedVersion } from '../migrations/versions.ts'
import { number, text } from '../sql/rows.ts'
import type { Connections } from './connections.ts'
import type { Place } from './errors.ts'
import type { PostgresSession } from './session.ts'

const APPLIED_TABLE = `create table migrations (
  version integer primary key,
  name text not null,
  oldest_compatible integer not null,
  applied_at bigint not null
)`

/** The first number of the advisory locks that belong to stores; the second says which lock, and of which schema. */
const MIGRATING = `select pg_advisory_xact_lock(hashtextextended('batchwright migrates ' || :schema, 0))`

/**
 * Brings the tables of a schema up to the newest migration known here, in one transaction. Of several that open the same
 * store at once, one migrates and the others wait for it. Throws STORE_CORRUPT (tables of another program),
 * STORE_NEWER_VERSION, STORE_OLDER_VERSION, STORE_ACCESS_DENIED.
 */
export async function migrate(
  connections: Connections,
  apply: boolean,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const { place } = connections
  const known = migrations.at(-1)?.version ?? 0
  const found = await connections.read((session) => appliedVersion(session, place))
  if (!needsMigration(place.shown, found, known, apply)) return
  await connections.write(async (session) => {
    // Building an index on a large table may take its time.
    await session.run('set local statement_timeout to 0')
    await session.get(MIGRATING, { schema: place.schema })
    const store = await appliedVersion(session, place)
    if (!needsMigration(place.shown, store, known, apply)) return
    if (store.version === 0) await prepareSchema(session, place)
    for (const migration of migrations.filter(({ version }) => version > store.version)) {
      await applyOne(session, migration)
    }
  })
}

async function applyOne(session: PostgresSession, migration: Migration): Promise<void> {
  if (migration.postgres !== null) await session.execute(migration.postgres)
  await session.run(
    `insert into migrations (version, name, oldest_compatible, applied_at)
     values (:version, :name, :oldest, floor(extract(epoch from clock_timestamp()) * 1000))`,
    { version: migration.version, name: migration.name, oldest: migration.oldestCompatible },
  )
}

/** Made only where it is missing: the right to make schemas is not needed where an owner has made it. */
async function prepareSchema(session: PostgresSession, place: Place): Promise<void> {
  const there = await session.get('select 1 from pg_namespace where nspname = :schema', { schema: place.schema })
  if (there === undefined) await session.execute(`create schema ${place.schema}`)
  await session.execute(APPLIED_TABLE)
}

const TABLES = `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = :schema and c.relkind in ('r', 'p', 'v', 'm') order by c.relname = 'migrations' desc, c.relname limit 4`

async function appliedVersion(session: PostgresSession, place: Place): Promise<AppliedVersion> {
  const tables = (await session.all(TABLES, { schema: place.schema })).map((row) => text(row, 'name'))
  if (tables.length === 0) return { version: 0, oldestCompatible: 0 }
  if (tables[0] !== 'migrations') throw foreign(place, tables)
  const row = await session.get('select version, oldest_compatible from migrations order by version desc limit 1')
  if (row === undefined) throw foreign(place, tables)
  return { version: number(row, 'version'), oldestCompatible: number(row, 'oldest_compatible') }
}

function foreign(place: Place, tables: readonly string[]): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_CORRUPT',
    message: `expected the schema ${place.schema} of ${place.shown} to be empty or a Batchwright store, found the tables ${tables.join(', ')}`,
    hint: 'Name another schema in the URL, ?schema=NAME, or another database.',
    details: { store: place.shown, schema: place.schema },
  })
}
