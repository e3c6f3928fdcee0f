import type * as PgModule from 'pg'
import type { Client, Connection, Submittable } from 'pg'
import type { TableLocation } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { tableName, type SqlRow, type SqlValue, type TableConnection } from './connection.ts'
import { tableError } from './faults.ts'
import { detailsOf, faultOfState, stateOf, wordsOf } from './postgres-faults.ts'

const CONNECT_MS = 10_000

/** Every value as the text that the server prints: nothing is converted that would lose digits. */
const AS_TEXT = { getTypeParser: () => (text: string) => text }

/** Dates in ISO order, instants in UTC, floats with all their digits, backslashes as they are. */
const SESSION = `set datestyle = 'ISO, YMD'; set timezone = 'UTC'; set intervalstyle = 'iso_8601'; set extra_float_digits = 1; set standard_conforming_strings = on`

/** Opens a connection for a table. Errors: POSTGRES_CLIENT_MISSING, TABLE_UNREACHABLE. Neither says anything of the URL. */
export async function openPostgres(url: string, table: TableLocation, purpose: string): Promise<PostgresConnection> {
  const pg = await loadPg(tableName(table))
  let client: Client
  try {
    client = new pg.Client({
      connectionString: url,
      application_name: `batchwright ${purpose}`.slice(0, 63),
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      types: AS_TEXT,
    })
  } catch {
    // What is thrown here may quote the URL.
    throw unreachable(table, 'the secret does not hold a URL such as postgres://user:password@host/database', undefined)
  }
  const connection = new PostgresConnection(client, tableName(table))
  try {
    await client.connect()
    await client.query(SESSION)
    return connection
  } catch (thrown) {
    await connection.close()
    throw unreachable(table, wordsOf(thrown), thrown)
  }
}

async function loadPg(table: string): Promise<typeof PgModule> {
  try {
    return await import('pg')
  } catch (thrown) {
    throw new BatchwrightError({
      code: 'POSTGRES_CLIENT_MISSING',
      message: `expected the package pg for ${table}, found that it cannot be loaded`,
      hint: 'Install it beside batchwright: `npm install pg`.',
      cause: thrown,
    })
  }
}

function unreachable(table: TableLocation, words: string, cause: unknown): BatchwrightError {
  const secret = table.database === 'postgres' ? table.url : ''
  return new BatchwrightError({
    code: 'TABLE_UNREACHABLE',
    message: `expected to connect to the database of ${tableName(table)} (${secret}), found: ${words}`,
    hint: `Look whether the database is there, and whether ${secret} still holds; then \`batchwright retry RUN\` goes on.`,
    details: { table: tableName(table), secret },
    retryable: true,
    ...(cause === undefined ? {} : { cause }),
  })
}

/** One session of PostgreSQL. Not for use by two callers at a time. */
export class PostgresConnection implements TableConnection {
  readonly database = 'postgres'
  readonly #client: Client
  readonly #table: string
  #lost: unknown = null
  #inTransaction = false

  constructor(client: Client, table: string) {
    this.#client = client
    this.#table = table
    // An error between two statements: the next one says so.
    client.on('error', (error) => {
      this.#lost = error
    })
  }

  /** Whether the session is over, and its transaction with it. */
  get isLost(): boolean {
    return this.#lost !== null
  }

  async rows(sql: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    const { rows } = await this.#query(sql, values)
    return rows
  }

  async run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    const { rowCount } = await this.#query(sql, values)
    return rowCount ?? 0
  }

  /** Several statements in one message, without values; the last may be a COPY, which takes `data`. Answers with its rows. */
  async copy(sql: string, data: Buffer): Promise<number> {
    this.#throwIfLost()
    try {
      return await new Promise<number>((resolve, reject) => {
        this.#client.query(new CopyIn(sql, data, resolve, reject))
      })
    } catch (thrown) {
      throw this.#fault(thrown)
    }
  }

  async begin(): Promise<void> {
    await this.#simple('begin')
    this.#inTransaction = true
  }

  /** Several statements in one message, without values. */
  async script(sql: string): Promise<void> {
    await this.#simple(sql)
  }

  async commit(): Promise<void> {
    this.#inTransaction = false
    await this.#simple('commit')
  }

  async rollback(): Promise<void> {
    if (!this.#inTransaction) return
    this.#inTransaction = false
    try {
      await this.#client.query('rollback')
    } catch (thrown) {
      // The server takes it back when the connection is gone.
      this.#lost ??= thrown
    }
  }

  async close(): Promise<void> {
    try {
      await this.#client.end()
    } catch (thrown) {
      this.#lost ??= thrown
    }
  }

  async #simple(sql: string): Promise<void> {
    this.#throwIfLost()
    try {
      await this.#client.query(sql)
    } catch (thrown) {
      throw this.#fault(thrown)
    }
  }

  async #query(
    sql: string,
    values: readonly SqlValue[],
  ): Promise<{ readonly rows: readonly SqlRow[]; readonly rowCount: number | null }> {
    this.#throwIfLost()
    try {
      return await this.#client.query<(string | null)[]>({ text: sql, values: [...values], rowMode: 'array' })
    } catch (thrown) {
      throw this.#fault(thrown)
    }
  }

  #throwIfLost(): void {
    if (this.#lost !== null) throw this.#fault(this.#lost)
  }

  #fault(thrown: unknown): BatchwrightError {
    const fault = faultOfState(stateOf(thrown))
    if (fault === 'lost') this.#lost ??= thrown
    return tableError({
      fault,
      table: this.#table,
      words: wordsOf(thrown),
      details: detailsOf(thrown),
      cause: thrown,
    })
  }
}

/** The part of pg's connection that sends what follows a COPY ... FROM STDIN; its types leave it out. */
interface CopyConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** The largest piece that is sent as one message. */
const PIECE = 1024 * 1024

/** A COPY ... FROM STDIN as pg takes foreign queries: it calls these methods as the server's messages come. */
class CopyIn implements Submittable {
  readonly #sql: string
  readonly #data: Buffer
  readonly #resolve: (rows: number) => void
  readonly #reject: (error: unknown) => void
  #rows = 0
  #failed = false

  constructor(sql: string, data: Buffer, resolve: (rows: number) => void, reject: (error: unknown) => void) {
    this.#sql = sql
    this.#data = data
    this.#resolve = resolve
    this.#reject = reject
  }

  submit(connection: Connection): void {
    sending(connection).query(this.#sql)
  }

  handleCopyInResponse(connection: Connection): void {
    const to = sending(connection)
    for (let from = 0; from < this.#data.length; from += PIECE) {
      to.sendCopyFromChunk(this.#data.subarray(from, from + PIECE))
    }
    to.endCopyFrom()
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const [, rows] = /^(?:COPY|INSERT 0) (\d+)$/.exec(text) ?? []
    if (rows !== undefined) this.#rows = Number(rows)
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.#resolve(this.#rows)
  }

  handleError(error: unknown): void {
    this.#failed = true
    this.#reject(error)
  }
}

function sending(connection: Connection): CopyConnection {
  // The methods are there since pg 2; its types know only those that prepared statements use.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return connection as unknown as CopyConnection
}
