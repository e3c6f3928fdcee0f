import type { DatasetDefinition } from '../../job/model.ts'
import { placeOf, qualified, type SqlRow, type TableConnection } from './connection.ts'
import type { FittedTable } from './fit.ts'
import { Conditions, keyOf, type RowRange, type SqlKey } from './range.ts'
import { columnList } from './shape.ts'
import { rowReader } from './values.ts'

/** Some rows of a table in the order of its key. */
export interface Page {
  /** By column, as the contract reads them. */
  readonly objects: readonly Readonly<Record<string, unknown>>[]
  /** Of each row. */
  readonly keys: readonly (readonly SqlKey[])[]
}

/** Reads a table by keyset pagination: each page is a look into the index of the key, however far it is. */
export class Pages {
  readonly #connection: TableConnection
  readonly #table: FittedTable
  readonly #name: string
  readonly #toObject: (row: SqlRow) => Readonly<Record<string, unknown>>
  readonly #columns: string
  readonly #order: string

  constructor(connection: TableConnection, dataset: DatasetDefinition, table: FittedTable) {
    this.#connection = connection
    this.#table = table
    this.#name = qualified(placeOf(dataset).table)
    this.#toObject = rowReader(table.fields, connection.database)
    this.#order = columnList(table.key)
    this.#columns = `${columnList(table.fields.map((field) => field.column))}, ${this.#order}`
  }

  /** The next `limit` rows behind a key; fewer where there are no more. */
  async read(
    range: RowRange,
    after: readonly SqlKey[] | null,
    until: readonly SqlKey[] | null,
    limit: number,
  ): Promise<Page> {
    const conditions = new Conditions(this.#table, this.#connection.database).inRange(range).after(after).until(until)
    const rows = await this.#connection.rows(
      `select ${this.#columns} from ${this.#name}${conditions.where} order by ${this.#order} limit ${limit}`,
      conditions.values,
    )
    const width = this.#table.fields.length
    return { objects: rows.map(this.#toObject), keys: rows.map((row) => keyOf(row.slice(width))) }
  }

  async count(
    range: RowRange,
    after: readonly SqlKey[] | null = null,
    until: readonly SqlKey[] | null = null,
  ): Promise<number> {
    const conditions = new Conditions(this.#table, this.#connection.database).inRange(range).after(after).until(until)
    const [row] = await this.#connection.rows(
      `select count(*) from ${this.#name}${conditions.where}`,
      conditions.values,
    )
    return Number(row?.[0])
  }

  /** The first or the last key; null where there is no row. */
  async edge(range: RowRange, end: 'first' | 'last'): Promise<readonly SqlKey[] | null> {
    const conditions = new Conditions(this.#table, this.#connection.database).inRange(range)
    const order = this.#table.key.map((column) => `${columnList([column])}${end === 'last' ? ' desc' : ''}`).join(', ')
    const [row] = await this.#connection.rows(
      `select ${this.#order} from ${this.#name}${conditions.where} order by ${order} limit 1`,
      conditions.values,
    )
    return row === undefined ? null : keyOf(row)
  }

  /** Every `size`-th key behind `after`, found in one pass over the index. */
  async everyNth(
    range: RowRange,
    size: number,
    after: readonly SqlKey[] | null = null,
    until: readonly SqlKey[] | null = null,
  ): Promise<readonly (readonly SqlKey[])[]> {
    const conditions = new Conditions(this.#table, this.#connection.database).inRange(range).after(after).until(until)
    return await this.#nth(`${this.#name}${conditions.where}`, size, conditions.values)
  }

  /** Keys that cut the table into about `pieces`, out of a sample of its blocks: for tables too large for a pass. */
  async sampled(range: RowRange, pieces: number, percent: number): Promise<readonly (readonly SqlKey[])[]> {
    const conditions = new Conditions(this.#table, this.#connection.database).inRange(range)
    // The same blocks whenever the same table is planned.
    const from = `${this.#name} tablesample system (${percent}) repeatable (1)${conditions.where}`
    const [counted] = await this.#connection.rows(`select count(*) from ${from}`, conditions.values)
    const size = Math.ceil(Number(counted?.[0]) / pieces)
    return size < 1 ? [] : await this.#nth(from, size, conditions.values)
  }

  /** The highest value of a column; null where there is none. */
  async highest(range: RowRange, column: string): Promise<SqlKey | null> {
    const conditions = new Conditions(this.#table, this.#connection.database).inRange(range)
    const [row] = await this.#connection.rows(
      `select max(${columnList([column])}) from ${this.#name}${conditions.where}`,
      conditions.values,
    )
    const value = row?.[0] ?? null
    return value === null ? null : (keyOf([value])[0] ?? null)
  }

  async #nth(from: string, size: number, values: Conditions['values']): Promise<readonly (readonly SqlKey[])[]> {
    const rows = await this.#connection.rows(
      `select ${this.#order} from
        (select ${this.#order}, row_number() over (order by ${this.#order}) as batchwright_place from ${from}) as numbered
       where batchwright_place % ${size} = 0 order by ${this.#order}`,
      values,
    )
    return rows.map(keyOf)
  }
}
