import { existsSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { TableLocation } from '../../job/model.ts'
import { systemClock } from '../../kernel/clock.ts'
import { BatchwrightError, reportError } from '../../kernel/errors.ts'
import { tableName, type SqlRow, type SqlValue, type TableConnection } from './connection.ts'
import { tableError, type TableFault } from './faults.ts'

/** How long a writer waits for another one, asking this often. */
const PATIENCE_MS = 60_000
const ASK_MS = 5

/** Primary result codes of SQLite. */
const BUSY: ReadonlySet<number> = new Set([5, 6])
/** Constraint, too big, mismatch, range. */
const ROW: ReadonlySet<number> = new Set([18, 19, 20, 25])

/** Opens the file of a table. Errors: TABLE_UNREACHABLE. */
export function openSqlite(file: string, table: TableLocation): SqliteConnection {
  const name = tableName(table)
  try {
    if (!existsSync(file)) throw new Error(`there is no file ${file}`)
    return new SqliteConnection(new DatabaseSync(file, { timeout: 0 }), name)
  } catch (thrown) {
    throw new BatchwrightError({
      code: 'TABLE_UNREACHABLE',
      message: `expected the SQLite file of ${name}, found: ${reportError(thrown).message}`,
      hint: 'Make the file and its table first; a path starts at the project folder.',
      details: { table: name, path: file },
      cause: thrown,
    })
  }
}

/** One connection to an SQLite file. Statements run in this thread; only waiting for another writer gives it free. */
export class SqliteConnection implements TableConnection {
  readonly database = 'sqlite'
  readonly #db: DatabaseSync
  readonly #table: string
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync, table: string) {
    this.#db = db
    this.#table = table
  }

  rows(sql: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return this.#patiently(() => this.allNow(sql, values))
  }

  run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    return this.#patiently(() => this.runNow(sql, values))
  }

  async begin(): Promise<void> {
    await this.#patiently(() => {
      this.execute('begin immediate')
    })
  }

  async commit(): Promise<void> {
    await this.#patiently(() => {
      this.execute('commit')
    })
  }

  rollback(): Promise<void> {
    if (this.#db.isOpen && this.#db.isTransaction) this.execute('rollback')
    return Promise.resolve()
  }

  close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close()
    return Promise.resolve()
  }

  /** Lets statements call a function of ours by a name. */
  teach(name: string, body: (...given: (SqlValue | Uint8Array)[]) => SqlValue): void {
    this.#db.function(name, { deterministic: true, varargs: true }, body)
  }

  /** One statement without values, now. */
  execute(sql: string): void {
    try {
      this.#db.exec(sql)
    } catch (thrown) {
      throw this.fault(thrown)
    }
  }

  runNow(sql: string, values: readonly SqlValue[]): number {
    try {
      return Number(this.#statement(sql).run(...values).changes)
    } catch (thrown) {
      throw this.fault(thrown)
    }
  }

  allNow(sql: string, values: readonly SqlValue[]): readonly SqlRow[] {
    const statement = this.#statement(sql)
    try {
      return statement.all(...values).map(asRow)
    } catch (thrown) {
      // Whole numbers beyond what a number holds come only where they are asked for.
      if (!isOutOfRange(thrown)) throw this.fault(thrown)
    }
    try {
      statement.setReadBigInts(true)
      return statement.all(...values).map(asRow)
    } catch (thrown) {
      throw this.fault(thrown)
    } finally {
      statement.setReadBigInts(false)
    }
  }

  /** A statement for many rows; what it throws goes through `fault`. */
  prepare(sql: string): StatementSync {
    try {
      return this.#db.prepare(numbered(sql))
    } catch (thrown) {
      throw this.fault(thrown)
    }
  }

  fault(thrown: unknown): BatchwrightError {
    if (thrown instanceof BatchwrightError) return thrown
    return tableError({
      fault: faultOf(thrown),
      table: this.#table,
      words: reportError(thrown).message,
      details: {},
      cause: thrown,
    })
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.prepare(sql)
    statement.setReturnArrays(true)
    this.#statements.set(sql, statement)
    return statement
  }

  /** Waits for other writers without holding up the thread. */
  async #patiently<Value>(work: () => Value): Promise<Value> {
    const started = systemClock.monotonic()
    for (;;) {
      try {
        return work()
      } catch (thrown) {
        const busy = thrown instanceof BatchwrightError && thrown.code === 'TABLE_BUSY'
        if (!busy || systemClock.monotonic() - started > PATIENCE_MS) throw thrown
        await systemClock.sleep(ASK_MS)
      }
    }
  }
}

/** `$1` in SQLite would be a name; `?1` is the first value. */
function numbered(sql: string): string {
  return sql.replaceAll(/\$(\d+)/g, '?$1')
}

function asRow(row: unknown): SqlRow {
  if (!Array.isArray(row)) throw new TypeError('expected a row as an array')
  const values: readonly unknown[] = row
  return values.map((value) => {
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
      return value
    // A blob: as its bytes in hexadecimal, which no field but text can read.
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
    throw new TypeError(`expected a value of SQLite, found ${typeof value}`)
  })
}

function isOutOfRange(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_OUT_OF_RANGE'
}

function faultOf(thrown: unknown): TableFault {
  const code =
    thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : null
  if (code === null) return 'other'
  if (BUSY.has(code)) return 'busy'
  return ROW.has(code) ? 'row' : 'other'
}
