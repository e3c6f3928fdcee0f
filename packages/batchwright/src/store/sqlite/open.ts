import { mkdirSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../kernel/clock.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { systemRandom, type Random } from '../../kernel/random.ts'
import type { Store } from '../contract/index.ts'
import { sqlStore } from '../sql/store.ts'
import { Changes } from './changes.ts'
import { corrupt, isBusy, storeError, unwritable } from './errors.ts'
import { migrate } from './migrations.ts'
import { text } from '../sql/rows.ts'
import { SqliteSession } from './session.ts'
import { Writer } from './writer.ts'

export interface SqliteStoreOptions {
  /** The file, made with its folder where there is none; or `:memory:`, which lives as long as the store is open. */
  readonly path: string
  /** The store's clock: decides leases, due times and every time it records. */
  readonly clock: Clock
  /** For the jitter of waits for the lock. Default: the system's. */
  readonly random?: Random
  /** Whether an older store is brought up to date. Default `true`; `false` refuses it with STORE_OLDER_VERSION. */
  readonly migrate?: boolean
  /** The file grows no further than this many bytes: STORE_FULL from there on. Default: no limit. */
  readonly maxBytes?: number
}

/**
 * Opens the embedded store. Several processes of one machine, and several threads of one process, may share the file, each
 * with a store of its own. Every acknowledged change is on disk.
 *
 * Throws STORE_CORRUPT (not a store, or damaged), STORE_UNWRITABLE, STORE_FULL, STORE_NETWORK_FILE_SYSTEM,
 * STORE_NEWER_VERSION and STORE_OLDER_VERSION.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, clock } = options
  const random = options.random ?? systemRandom
  if (path !== ':memory:') prepareFolder(path)
  const session = connect(path, clock)
  try {
    const writer = new Writer(session, clock, random, path)
    await useWriteAheadLog(session, clock, path)
    session.execute('pragma synchronous = full; pragma foreign_keys = on')
    if (options.maxBytes !== undefined) limitSize(session, options.maxBytes)
    await writer.write(() => migrate(session, path, clock, options.migrate ?? true))
    return assemble(session, writer, clock, path === ':memory:')
  } catch (thrown) {
    session.close()
    throw storeError(thrown, path)
  }
}

function assemble(session: SqliteSession, writer: Writer, clock: Clock, alone: boolean): Store {
  const changes = new Changes(session, writer, clock, alone)
  return sqlStore(
    {
      write: (body) => writer.write(() => body(session)),
      read: (body) => writer.read(() => body(session)),
    },
    {
      now: () => Promise.resolve(Math.floor(clock.now())),
      waitForChange: (ms, signal) => changes.wait(ms, signal),
      async close() {
        await writer.end()
        changes.end()
        session.close()
      },
    },
  )
}

function connect(path: string, clock: Clock): SqliteSession {
  try {
    const database = new DatabaseSync(path, { timeout: 0 })
    database.function('store_now', () => Math.floor(clock.now()))
    return new SqliteSession(database)
  } catch (thrown) {
    throw storeError(thrown, path)
  }
}

/** Reads the header for the first time, so that a file that is no database shows here. */
async function useWriteAheadLog(session: SqliteSession, clock: Clock, path: string): Promise<void> {
  const wanted = path === ':memory:' ? 'memory' : 'wal'
  for (;;) {
    try {
      const row = session.first('pragma journal_mode = wal')
      const mode = row === undefined ? 'none' : text(row, 'journal_mode')
      if (mode === wanted) return
      throw corrupt(path, `a database that cannot keep a write-ahead log (journal mode ${mode})`)
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown
    }
    await clock.sleep(WAIT_FOR_MODE)
  }
}

/** Another process switches the file to its log at the same moment: milliseconds. */
const WAIT_FOR_MODE = 5

function limitSize(session: SqliteSession, maxBytes: number): void {
  const row = session.first('pragma page_size')
  const pageSize = typeof row?.['page_size'] === 'number' ? row['page_size'] : 4096
  session.execute(`pragma max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`)
}

/**
 * File systems on which locks or shared memory do not hold between machines: https://sqlite.org/wal.html, point 2 of its
 * disadvantages. Numbers from Linux's magic.h. FUSE and 9p are let through: both are often local.
 */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
])

/** The name of a network file system, by the number that statfs gives; undefined for any other. */
export function networkFileSystem(type: number): string | undefined {
  return NETWORK_FILE_SYSTEMS.get(type >>> 0)
}

function prepareFolder(path: string): void {
  const folder = dirname(path)
  let type: number
  try {
    mkdirSync(folder, { recursive: true })
    type = statfsSync(folder).type
  } catch (thrown) {
    throw unwritable(path, thrown)
  }
  const network = networkFileSystem(type)
  if (network === undefined) return
  throw new BatchwrightError({
    code: 'STORE_NETWORK_FILE_SYSTEM',
    message: `expected the store ${path} on a disk of this machine, found it on a network file system (${network})`,
    hint: 'Put the project, or its .batchwright folder, on a local disk: locks over a network do not protect the file.',
    details: { path, fileSystem: network },
  })
}
