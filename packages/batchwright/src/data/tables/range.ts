import { windowLocal, type DatasetDefinition } from '../../job/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { WindowValue } from '../../protocol/index.ts'
import { text } from '../sources/payload.ts'
import { placeOf, quoted, type SqlValue } from './connection.ts'
import type { FittedTable } from './fit.ts'

/** Which rows of a table are meant: those of a window, those up to a mark. All of JSON, so that it can stand in a plan. */
export interface RowRange {
  /** Of the field that says which window a row is of; null for all rows. */
  readonly window: { readonly column: string; readonly from: string; readonly to: string | null } | null
  /** Rows whose column is above it are left for later; null for no such mark. */
  readonly asOf: { readonly column: string; readonly mark: SqlKey } | null
}

/** A value of a key or a mark, as the database gave it: text, or what SQLite has stored. */
export type SqlKey = string | number

/** A condition with its values, whose places are numbered from `first`. */
export interface Condition {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/** The rows of a window, by the field that `windowBy` names; all rows where there is no window. */
export function windowRange(dataset: DatasetDefinition, window: WindowValue | null): RowRange['window'] {
  const { windowBy, table } = placeOf(dataset)
  const field = dataset.contract.schema.fields?.find((each) => each.name === windowBy)
  if (window === null || field === undefined) return null
  const { column, type } = field
  const local = windowLocal(window)
  switch (type.type) {
    case 'date':
      return { column, from: local.start.slice(0, 10), to: local.end.slice(0, 10) }
    case 'timestamp': {
      const bounds = type.local ? local : window
      // As text, an instant with a fraction comes before the same one without: the bound stops where they begin to differ.
      const cut = (text: string): string => (table.database === 'sqlite' ? text.replace(/(?:\.\d+)?Z$/, '') : text)
      return { column, from: cut(bounds.start), to: cut(bounds.end) }
    }
    case 'text':
    case 'oneOf':
    case 'integer':
    case 'number':
    case 'decimal':
    case 'boolean':
    case 'json':
      return { column, from: window.key, to: null }
  }
}

/** Builds conditions: each value gets the next place, and the type of its column where the database wants to be told. */
export class Conditions {
  readonly #table: FittedTable
  readonly #typed: boolean
  readonly #parts: string[] = []
  readonly values: SqlValue[] = []

  /** `typed`: values are text, and say what they are by a cast (PostgreSQL). */
  constructor(table: FittedTable, database: 'postgres' | 'sqlite') {
    this.#table = table
    this.#typed = database === 'postgres'
  }

  inRange({ window, asOf }: RowRange): this {
    if (window !== null && window.to !== null) {
      this.#add(`${quoted(window.column)} >= ${this.#value(window.column, window.from)}`)
      this.#add(`${quoted(window.column)} < ${this.#value(window.column, window.to)}`)
    } else if (window !== null) this.#add(`${quoted(window.column)} = ${this.#value(window.column, window.from)}`)
    if (asOf !== null) this.#add(`${quoted(asOf.column)} <= ${this.#value(asOf.column, asOf.mark)}`)
    return this
  }

  after(key: readonly SqlKey[] | null): this {
    return this.#compared('>', key)
  }

  until(key: readonly SqlKey[] | null): this {
    return this.#compared('<=', key)
  }

  /** ` where ...`, or nothing. */
  get where(): string {
    return this.#parts.length === 0 ? '' : ` where ${this.#parts.join(' and ')}`
  }

  #compared(operator: string, key: readonly SqlKey[] | null): this {
    if (key === null) return this
    const columns = this.#table.key
    const names = columns.map(quoted).join(', ')
    const values = columns.map((column, index) => this.#value(column, key[index] ?? null)).join(', ')
    this.#add(columns.length === 1 ? `${names} ${operator} ${values}` : `(${names}) ${operator} (${values})`)
    return this
  }

  #value(column: string, value: SqlValue): string {
    this.values.push(this.#typed && value !== null ? String(value) : value)
    const type = this.#table.shape.columns.find((each) => each.name === column)?.type
    return this.#typed && type !== undefined ? `$${this.values.length}::${type}` : `$${this.values.length}`
  }

  #add(sql: string): void {
    this.#parts.push(sql)
  }
}

/** A key out of a row: whole numbers beyond what a number holds as their digits. */
export function keyOf(values: readonly SqlValue[]): readonly SqlKey[] {
  return values.map((value) => (typeof value === 'number' ? value : String(value)))
}

export function readKey(value: JsonValue | undefined): readonly SqlKey[] | null {
  if (!Array.isArray(value)) return null
  const values: readonly JsonValue[] = value
  return values.map((each) => (typeof each === 'number' ? each : text(each)))
}
