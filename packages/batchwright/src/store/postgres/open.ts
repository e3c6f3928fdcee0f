import type { Clock } from '../../kernel/clock.ts'
import { systemRandom, type Random } from '../../kernel/random.ts'
import type { Store } from '../contract/index.ts'
import { number } from '../sql/rows.ts'
import { HOT_VERBS, sqlStore } from '../sql/store.ts'
import { Changes } from './changes.ts'
import { claimOnPostgres } from './claim.ts'
import { Connections } from './connections.ts'
import { migrate } from './migrate.ts'
import { countNumbered, listNumbered, pruneNumbered } from './outbox.ts'
import * as sets from './sets.ts'
import { readTarget, type PostgresSettings } from './settings.ts'

export interface PostgresStoreOptions extends Partial<PostgresSettings> {
  /** `postgres://user@host:5432/database`, with settings as parameters. `?schema=NAME&pool=8`. */
  readonly url: string
  /** For waits and time-outs of this process. Leases and due times go by the database's clock. */
  readonly clock: Clock
  /** For the jitter of waits. Default: the system's. */
  readonly random?: Random
  /** Whether an older store is brought up to date. Default `true`; `false` refuses it with STORE_OLDER_VERSION. */
  readonly migrate?: boolean
  /** For tests: `clock` decides leases and due times too. Default `false`. */
  readonly pinned?: boolean
}

/**
 * Opens a store on PostgreSQL 15 or newer. Any number of processes on any number of machines may share it. Every
 * acknowledged change is on the database's disk.
 *
 * Throws STORE_ADDRESS_INVALID, POSTGRES_CLIENT_MISSING, STORE_UNREACHABLE, STORE_ACCESS_DENIED, STORE_DATABASE_MISSING,
 * STORE_CONNECTIONS_EXHAUSTED, STORE_READ_ONLY, STORE_POOLER_UNPREPARED, STORE_CORRUPT, STORE_NEWER_VERSION and
 * STORE_OLDER_VERSION.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { clock, pinned = false } = options
  const target = readTarget(options.url, options)
  const connections = await Connections.open({ target, clock, random: options.random ?? systemRandom, pinned })
  try {
    await migrate(connections, options.migrate ?? true)
  } catch (thrown) {
    await connections.end()
    throw thrown
  }
  return assemble(connections, new Changes(target, connections, clock), { clock, pinned })
}

/** A connection that is cut in the middle of its goodbye is given up after this long, milliseconds. */
const LONGEST_GOODBYE_MS = 10_000

function assemble(
  connections: Connections,
  changes: Changes,
  { clock, pinned }: { readonly clock: Clock; readonly pinned: boolean },
): Store {
  const own = {
    now: async (): Promise<number> => {
      if (pinned) return Math.floor(clock.now())
      const row = await connections.read((session) => session.get('select store_now() as now'))
      return row === undefined ? 0 : number(row, 'now')
    },
    waitForChange: (ms: number, signal?: AbortSignal): Promise<void> => changes.wait(ms, signal),
    async close(): Promise<void> {
      // Idle connections keep no process alive; one that says goodbye to them is to hear the answer.
      const hold = clock.after(LONGEST_GOODBYE_MS, () => undefined, { hold: true })
      try {
        await changes.end()
        await connections.end()
      } finally {
        hold.stop()
      }
    },
  }
  const store = sqlStore(connections, own, { ...HOT_VERBS, claim: claimOnPostgres })
  return {
    ...store,
    start: (leases) => connections.write((session) => sets.start(session, leases)),
    addPartitions: (lease, partitions) =>
      connections.write((session) => sets.addPartitions(session, lease, partitions)),
    checkpoint: (items) => connections.write((session) => sets.checkpoint(session, items)),
    finish: (items) => connections.write((session) => sets.finish(session, items)),
    prune: (olderThanMs, rows) => connections.write((session) => pruneNumbered(session, olderThanMs, rows)),
    // Reading the outbox numbers it.
    listEvents: (filter) => connections.write((session) => listNumbered(session, filter)),
    countEvents: (runId) => connections.write((session) => countNumbered(session, runId)),
  }
}
