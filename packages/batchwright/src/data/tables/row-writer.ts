import type { StatementSync } from 'node:sqlite'
import type { FieldDefinition, TableMode } from '../../job/model.ts'
import { quoted, type TableConnection } from './connection.ts'
import { PostgresConnection } from './postgres-connection.ts'
import { columnList } from './shape.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { TASK_COLUMN } from './staging.ts'
import { arrayTexts, copyLines, sqliteValues, textWriters } from './values.ts'

/** Where rows go and how. */
export interface RowTarget {
  /** Quoted. */
  readonly table: string
  readonly fields: readonly FieldDefinition[]
  /** Of each field, as the database writes types: `numeric(12,2)`. */
  readonly types: readonly string[]
  /** Columns of the key; for upsert. */
  readonly key: readonly string[]
  readonly mode: TableMode
  /** The task that staged rows are of; null where they go into the table itself. */
  readonly taskId: number | null
}

/** Writes rows inside a transaction, a call's all or none. Answers with the rows that the database says it has changed. */
export interface RowWriter {
  write(records: readonly object[]): Promise<number>
}

/** The fastest way that each database has: COPY, unnest for upserts; in SQLite one prepared statement. */
export function rowWriter(connection: TableConnection, target: RowTarget): RowWriter {
  if (connection instanceof PostgresConnection) {
    return target.mode === 'upsert' ? new UnnestWriter(connection, target) : new CopyWriter(connection, target)
  }
  if (connection instanceof SqliteConnection) return new StatementWriter(connection, target)
  throw new TypeError('expected a connection to PostgreSQL or SQLite')
}

/** A call's rows are taken back alone: what was written before them in the transaction stays. */
const MARK = 'batchwright_chunk'
const TAKE_BACK = `rollback to savepoint ${MARK}; release savepoint ${MARK}`

class CopyWriter implements RowWriter {
  readonly #connection: PostgresConnection
  readonly #sql: string
  readonly #writers: ReturnType<typeof textWriters>
  readonly #tag: string | null

  constructor(connection: PostgresConnection, { table, fields, taskId }: RowTarget) {
    const columns = fields.map((field) => field.column)
    const all = taskId === null ? columns : [...columns, TASK_COLUMN]
    this.#connection = connection
    // One message: the server answers once for all of it.
    this.#sql = `savepoint ${MARK}; copy ${table} (${columnList(all)}) from stdin; release savepoint ${MARK}`
    this.#writers = textWriters(fields)
    this.#tag = taskId === null ? null : String(taskId)
  }

  async write(records: readonly object[]): Promise<number> {
    try {
      return await this.#connection.copy(this.#sql, copyLines(records, this.#writers, this.#tag))
    } catch (thrown) {
      await takeBack(this.#connection)
      throw thrown
    }
  }
}

/**
 * One `insert ... on conflict do update` for a call's rows. Rows of one key inside it become the last of them, by the
 * database's own idea of equality; in the order of the key, so that two writers lock rows in the same order.
 */
class UnnestWriter implements RowWriter {
  readonly #connection: PostgresConnection
  readonly #sql: string
  readonly #writers: ReturnType<typeof textWriters>

  constructor(connection: PostgresConnection, { table, fields, types, key }: RowTarget) {
    const columns = fields.map((field) => field.column)
    const lists = types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')
    this.#connection = connection
    this.#writers = textWriters(fields)
    this.#sql = `insert into ${table} (${columnList(columns)})
      select distinct on (${columnList(key)}) ${columnList(columns)}
      from unnest(${lists}) with ordinality as given(${columnList(columns)}, ${quoted(PLACE)})
      order by ${columnList(key)}, ${quoted(PLACE)} desc
      on conflict (${columnList(key)}) do update set ${assignments(columns, key)}`
  }

  async write(records: readonly object[]): Promise<number> {
    await this.#connection.script(`savepoint ${MARK}`)
    try {
      const changed = await this.#connection.run(this.#sql, arrayTexts(records, this.#writers))
      await this.#connection.script(`release savepoint ${MARK}`)
      return changed
    } catch (thrown) {
      await takeBack(this.#connection)
      throw thrown
    }
  }
}

const PLACE = 'batchwright_place'

/** Every column but the key's; where there is none, the key to itself, so that the row counts as changed. */
function assignments(columns: readonly string[], key: readonly string[]): string {
  const others = columns.filter((column) => !key.includes(column))
  return (others.length === 0 ? key : others)
    .map((column) => `${quoted(column)} = excluded.${quoted(column)}`)
    .join(', ')
}

async function takeBack(connection: PostgresConnection): Promise<void> {
  if (connection.isLost) return
  await connection.script(TAKE_BACK)
}

class StatementWriter implements RowWriter {
  readonly #connection: SqliteConnection
  readonly #statement: StatementSync
  readonly #values: ReturnType<typeof sqliteValues>
  readonly #tag: number | null

  constructor(connection: SqliteConnection, { table, fields, key, mode, taskId }: RowTarget) {
    const columns = fields.map((field) => field.column)
    const all = taskId === null ? columns : [...columns, TASK_COLUMN]
    const places = all.map(() => '?').join(', ')
    const conflict =
      mode === 'upsert' ? ` on conflict (${columnList(key)}) do update set ${assignments(columns, key)}` : ''
    this.#connection = connection
    this.#statement = connection.prepare(`insert into ${table} (${columnList(all)}) values (${places})${conflict}`)
    this.#values = sqliteValues(fields)
    this.#tag = taskId
  }

  write(records: readonly object[]): Promise<number> {
    this.#connection.execute(`savepoint ${MARK}`)
    try {
      let changed = 0
      for (const record of records) {
        const values = this.#values(record)
        if (this.#tag !== null) values.push(this.#tag)
        changed += Number(this.#statement.run(...values).changes)
      }
      this.#connection.execute(`release savepoint ${MARK}`)
      return Promise.resolve(changed)
    } catch (thrown) {
      this.#connection.execute(`rollback to savepoint ${MARK}`)
      this.#connection.execute(`release savepoint ${MARK}`)
      return Promise.reject(this.#connection.fault(thrown))
    }
  }
}
