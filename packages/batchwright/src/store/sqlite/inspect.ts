import { existsSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MIGRATIONS } from '../migrations/index.ts'
import { storeError } from './errors.ts'
import { number, text } from '../sql/rows.ts'
import { networkFileSystem } from './open.ts'
import { SqliteSession } from './session.ts'

/** What can be seen of a store's file without changing it. */
export interface SqliteStoreFacts {
  /** Version of its tables, and the one that this code knows. */
  readonly version: number
  readonly known: number
  /** Findings of SQLite's integrity check; empty where it is sound. */
  readonly damage: readonly string[]
  readonly journalMode: string
  /** Bytes of the file, and of its write-ahead log. */
  readonly bytes: number
  readonly walBytes: number
}

/** Findings of the integrity check that are asked for. */
const MOST_FINDINGS = 10

/**
 * Opens the store of a file for reading and looks it over. Null where there is none. Throws STORE_CORRUPT,
 * STORE_UNWRITABLE.
 */
export function inspectSqliteStore(path: string): SqliteStoreFacts | null {
  if (!existsSync(path)) return null
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
    const session = new SqliteSession(database)
    const damage = database
      .prepare(`pragma integrity_check(${MOST_FINDINGS})`)
      .all()
      .map((row) => text(row, 'integrity_check'))
    const mode = session.first('pragma journal_mode')
    const tables = session.first(`select 1 from sqlite_schema where type = 'table' and name = 'migrations'`)
    const version = tables === undefined ? undefined : session.first('select max(version) as version from migrations')
    return {
      version: version === undefined ? 0 : number(version, 'version'),
      known: MIGRATIONS.at(-1)?.version ?? 0,
      damage: damage.filter((finding) => finding !== 'ok'),
      journalMode: mode === undefined ? 'none' : text(mode, 'journal_mode'),
      bytes: statSync(path).size,
      walBytes: statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    }
  } catch (thrown) {
    throw storeError(thrown, path)
  } finally {
    database?.close()
  }
}

/** The network file system that a folder lies on; null for a local one. The store refuses to work on one. */
export function networkFileSystemOf(folder: string): string | null {
  return networkFileSystem(statfsSync(existsSync(folder) ? folder : dirname(folder)).type) ?? null
}
