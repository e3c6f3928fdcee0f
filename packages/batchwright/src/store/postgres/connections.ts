import type Pg from 'pg'
import type { Clock } from '../../kernel/clock.ts'
import { failPoint, holdPoint } from '../../kernel/failpoint.ts'
import type { Random } from '../../kernel/random.ts'
import { closed, clientMissing, isCrossed, isLost, storeError, type Place } from './errors.ts'
import { PostgresSession, Statements } from './session.ts'
import type { PostgresTarget } from './settings.ts'

/** Longest wait for a new connection, and for a free one of the pool, milliseconds. */
const CONNECT_MS = 10_000
/** A connection that nobody needed for this long is closed, milliseconds. */
const IDLE_MS = 30_000
/**
 * A transaction whose client says nothing for this long is ended by the server, and its locks with it, milliseconds. A
 * process that is stopped in mid-transaction keeps nobody waiting for longer. Shorter than a lease.
 */
const SILENT_MS = 5_000
/** The client gives up a statement this much later than the server should have: the network between them is gone. */
const ANSWER_MS = 5_000

/** How often a verb that crossed another is made again, and the longest wait before it, milliseconds. */
const TRIES = 12
const LONGEST_WAIT_MS = 100

/** oid of `bigint` and `numeric`: both are integers here, within what a number holds. */
const INT8 = 20
const NUMERIC = 1700

export interface ConnectionOptions {
  readonly target: PostgresTarget
  readonly clock: Clock
  readonly random: Random
  /** For tests: the store's clock is `clock`, not the database's. */
  readonly pinned: boolean
}

/**
 * The pool, and the transactions of the verbs on it. Nothing is kept in a connection but prepared statements: schema, time-outs
 * and all else are set for each transaction, together with its `begin`, so that a pooler in transaction mode may lie between.
 */
export class Connections {
  readonly place: Place
  readonly #options: ConnectionOptions
  readonly #pool: Pg.Pool
  readonly #statements: Statements
  readonly #opening: string
  #ended = false

  private constructor(options: ConnectionOptions, pg: typeof Pg) {
    const { target } = options
    this.#options = options
    this.place = { shown: target.shown, schema: target.schema }
    this.#statements = new Statements(target.prepare)
    this.#opening = [
      `set local search_path to ${target.schema}, pg_catalog`,
      `set local statement_timeout to ${target.statementTimeoutMs}`,
      `set local idle_in_transaction_session_timeout to ${SILENT_MS}`,
      // Plans must not depend on statistics of a time when a table was small or empty.
      'set local enable_seqscan to off',
      // Nor on how many values a list happens to have: one plan, made for lists of any length.
      'set local plan_cache_mode to force_generic_plan',
    ].join('; ')
    this.#pool = new pg.Pool({
      ...clientConfig(target, pg),
      max: target.pool,
      idleTimeoutMillis: IDLE_MS,
      connectionTimeoutMillis: CONNECT_MS,
      allowExitOnIdle: true,
    })
    // An idle connection that is cut leaves the pool; who asks next gets another one.
    this.#pool.on('error', () => undefined)
    // One that is cut between two statements of a verb fails the next of them: nobody else needs to hear of it.
    this.#pool.on('connect', (client) => {
      client.on('error', () => undefined)
    })
  }

  static async open(options: ConnectionOptions): Promise<Connections> {
    return new Connections(options, await loadClient())
  }

  /** Runs `body` in a transaction of its own; again from its beginning where it crossed another. */
  readonly write = <Value>(body: (session: PostgresSession) => Promise<Value>): Promise<Value> =>
    this.#transaction('begin', body)

  /** Runs `body` in a transaction that only reads: everything it reads is of one moment. */
  readonly read = <Value>(body: (session: PostgresSession) => Promise<Value>): Promise<Value> =>
    this.#transaction('begin isolation level repeatable read read only', body)

  /** Takes no more calls; resolves when those under way have been answered. */
  async end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#pool.end()
  }

  async #transaction<Value>(begin: string, body: (session: PostgresSession) => Promise<Value>): Promise<Value> {
    // A connection of the pool may have been cut unnoticed, each of them after a restart of the server.
    let stale = this.#options.target.pool
    for (let tries = 1; ; tries += 1) {
      if (this.#ended) throw closed(this.place)
      const attempt = await this.#attempt(begin, body)
      if (attempt.ended) return attempt.value
      if (!attempt.begun && isLost(attempt.thrown) && stale > 0) {
        stale -= 1
        tries -= 1
        continue
      }
      if (!isCrossed(attempt.thrown) || tries >= TRIES) throw storeError(attempt.thrown, this.place)
      const longest = Math.min(LONGEST_WAIT_MS, 2 ** tries)
      await this.#options.clock.sleep(this.#options.pinned ? 0 : longest * this.#options.random.next())
    }
  }

  /** One try. `begun`: the server has answered, so that something may have been done. */
  async #attempt<Value>(
    begin: string,
    body: (session: PostgresSession) => Promise<Value>,
  ): Promise<{ ended: true; value: Value } | { ended: false; thrown: unknown; begun: boolean }> {
    const client = await this.#connect()
    let begun = false
    try {
      // Sent together with the first statement: where it fails, so does that one.
      const opening = client.query(`${begin}; ${this.#opening}${this.#pin()}`).then(() => {
        begun = true
      })
      const failed = opening.catch((thrown: unknown) => ({ thrown }))
      const value = await body(new PostgresSession(client, this.#statements))
      const failure = await failed
      if (failure !== undefined) throw failure.thrown
      failPoint('store.finish-before-commit')
      await holdPoint('store.commit')
      await client.query('commit')
      client.release()
      return { ended: true, value }
    } catch (thrown) {
      await this.#giveUp(client, thrown)
      return { ended: false, thrown, begun }
    }
  }

  async #connect(): Promise<Pg.PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (thrown) {
      throw this.#ended ? closed(this.place) : storeError(thrown, this.place)
    }
  }

  async #giveUp(client: Pg.PoolClient, thrown: unknown): Promise<void> {
    if (isLost(thrown)) {
      client.release(true)
      return
    }
    try {
      await client.query('rollback')
      client.release()
    } catch {
      // What the verb failed with is told; the connection is not used again.
      client.release(true)
    }
  }

  #pin(): string {
    return this.#options.pinned ? `; set local batchwright.now to '${Math.floor(this.#options.clock.now())}'` : ''
  }
}

/** What every connection of a store has in common. */
export function clientConfig(target: PostgresTarget, pg: typeof Pg): Pg.ClientConfig {
  const types = new pg.TypeOverrides()
  for (const oid of [INT8, NUMERIC]) types.setTypeParser(oid, Number)
  return {
    connectionString: target.connectionString,
    application_name: 'batchwright',
    keepAlive: true,
    query_timeout: target.statementTimeoutMs + ANSWER_MS,
    pipeline: true,
    types,
  }
}

/** The client is an optional package: loaded where a store on PostgreSQL is opened. Throws POSTGRES_CLIENT_MISSING. */
export async function loadClient(): Promise<typeof Pg> {
  try {
    const { default: pg } = await import('pg')
    return pg
  } catch (thrown) {
    throw clientMissing(thrown)
  }
}
