import type * as DuckDbModule from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { BatchwrightError } from '../kernel/errors.ts'
import { storageError } from './sinks/storage-errors.ts'

export interface DuckDbOptions {
  /** Memory that DuckDB may take before it spills or stops, in bytes. */
  readonly memoryBytes: number
  /** 1 keeps results in an order that does not depend on timing. */
  readonly threads: number
  /** Where it may spill: a folder of the attempt's own, made when first needed. Null: nothing is spilled. */
  readonly spillFolder: string | null
}

/** A few rows of a result: `values[column][row]`, in DuckDB's own value types. */
export interface SqlChunk {
  readonly values: readonly (readonly unknown[])[]
  readonly rows: number
}

/** Name and SQL type (`DECIMAL(38,3)`) of a result's column. */
export interface SqlColumn {
  readonly name: string
  readonly type: string
}

export interface SqlResult {
  readonly columns: readonly SqlColumn[]
  /** Fetched as they are asked for: a result is never in memory as a whole. */
  readonly chunks: AsyncIterable<SqlChunk>
}

/** One in-memory database with one connection. */
export interface DuckDb {
  /** Runs statements that return nothing of interest. Errors: SQL_FAILED. */
  run(sql: string): Promise<void>
  /** Runs one query and streams its result. Errors: SQL_FAILED. */
  query(sql: string): Promise<SqlResult>
  /** Stops the running statement, which then fails. */
  interrupt(): void
  /** Frees everything, spilled files too. */
  close(): void
}

/**
 * Opens DuckDB in memory, with a memory limit, without extensions from outside, time zone UTC. Errors: DUCKDB_MISSING.
 */
export async function openDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  const { DuckDBInstance } = await loadDuckDb()
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: `${Math.ceil(options.memoryBytes / 1024)}KiB`,
    temp_directory: options.spillFolder ?? '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'true',
    // Positions of errors as data, so that nothing is searched for in their text.
    errors_as_json: 'true',
  })
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  return new OpenDuckDb(instance, connection)
}

/** Makes sure that DuckDB can be used, before work is done that would need it. Errors: DUCKDB_MISSING. */
export async function requireDuckDb(): Promise<void> {
  await loadDuckDb()
}

async function loadDuckDb(): Promise<typeof DuckDbModule> {
  try {
    return await import('@duckdb/node-api')
  } catch (thrown) {
    throw new BatchwrightError({
      code: 'DUCKDB_MISSING',
      message:
        'expected the package @duckdb/node-api for SQL steps, SQL checks and Parquet, found that it cannot be loaded',
      hint: 'Install it beside batchwright: `npm install @duckdb/node-api`.',
      cause: thrown,
    })
  }
}

class OpenDuckDb implements DuckDb {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection

  constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  async run(sql: string): Promise<void> {
    try {
      await this.#connection.run(sql)
    } catch (thrown) {
      throw sqlFailed(sql, thrown)
    }
  }

  async query(sql: string): Promise<SqlResult> {
    try {
      const result = await this.#connection.stream(sql)
      const types = result.columnTypes()
      const columns = result.columnNames().map((name, index) => ({ name, type: String(types[index]) }))
      return { columns, chunks: chunksOf(sql, result) }
    } catch (thrown) {
      throw sqlFailed(sql, thrown)
    }
  }

  interrupt(): void {
    this.#connection.interrupt()
  }

  close(): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }
}

type StreamedResult = Awaited<ReturnType<DuckDBConnection['stream']>>

async function* chunksOf(sql: string, result: StreamedResult): AsyncGenerator<SqlChunk> {
  for (;;) {
    const chunk = await result.fetchChunk().catch((thrown: unknown) => {
      throw sqlFailed(sql, thrown)
    })
    if (chunk === null || chunk.rowCount === 0) return
    yield { values: chunk.getColumns(), rows: chunk.rowCount }
  }
}

interface DuckDbErrorText {
  readonly exception_message?: unknown
  readonly exception_type?: unknown
  readonly position?: unknown
}

/** SQL_FAILED with the place in the query; DISK_FULL where spilling met its limit. */
function sqlFailed(sql: string, thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown
  const parts = readErrorText(thrown.message)
  const message = typeof parts.exception_message === 'string' ? parts.exception_message : thrown.message
  const at = typeof parts.position === 'string' ? lineAndColumn(sql, Number(parts.position)) : null
  const place = at === null ? '' : ` at line ${at.line}, column ${at.column}`
  return new BatchwrightError({
    code: 'SQL_FAILED',
    message: `the query failed${place}: ${message}`,
    hint:
      parts.exception_type === 'Out of Memory'
        ? 'give the step more memory, or let it spill: a query over less data at once needs less of both'
        : at === null
          ? 'correct the query'
          : `correct the query near: ${at.text}`,
    details: at === null ? {} : { line: at.line, column: at.column },
    cause: storageError(thrown, 'the spill folder'),
  })
}

function readErrorText(text: string): DuckDbErrorText {
  const start = text.indexOf('{')
  if (start === -1) return {}
  try {
    const parsed: unknown = JSON.parse(text.slice(start))
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    // Not every error is JSON; its text is then all there is to say.
    return {}
  }
}

/** A position in the query, in characters from 0, as line and column from 1. */
function lineAndColumn(sql: string, position: number): { line: number; column: number; text: string } {
  const before = sql.slice(0, position).split('\n')
  const line = before.length
  return { line, column: (before.at(-1)?.length ?? 0) + 1, text: (sql.split('\n')[line - 1] ?? '').trim() }
}
