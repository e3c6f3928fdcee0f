import type { Row } from './rows.ts'

/**
 * Value of a named parameter, `{ run: 1 }` for `:run`. A list is for `Dialect.among` alone. Flags are 0 and 1, times are
 * milliseconds as integers, JSON is text.
 */
export type Value = string | number | null | readonly string[] | readonly number[]
export type Values = Readonly<Record<string, Value>>

/**
 * Statements of one transaction. What the verbs work on: each is called inside a transaction that its store opened, and
 * knows no other way to the database. SQL is written so that both databases read it: named values (`:run`), `is distinct
 * from`, integers for flags, `count(*) filter (where ...)`, `cast(:x as text)` where a parameter's type cannot be inferred,
 * the store's clock as `store_now()`; where they differ, through the dialect. Statements are prepared and kept by their
 * text, so the text must not be built from data.
 */
export interface Session {
  readonly dialect: Dialect
  /** The first row, or undefined. */
  get(sql: string, values?: Values): Promise<Row | undefined>
  all(sql: string, values?: Values): Promise<readonly Row[]>
  /** The rows in groups, for results that may be too long to be held at once. */
  pages(sql: string, values?: Values): AsyncIterable<readonly Row[]>
  /** Runs a statement; answers with the number of rows it changed. */
  run(sql: string, values?: Values): Promise<number>
}

/** Where the two databases need other words for the same thing. Nothing here changes what a statement means. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  /** `column in (the list given as this parameter)`. The parameter is named without its colon. */
  readonly among: (column: string, parameter: string, of: 'text' | 'integer') => string
  /** The named member of a JSON text column, as text; null where there is none. */
  readonly jsonText: (column: string, member: string) => string
  /** The named member of a JSON text column, as an integer; null where there is none. */
  readonly jsonInteger: (column: string, member: string) => string
  /** The greater, and the smaller, of two expressions that are not null. */
  readonly greatest: (one: string, other: string) => string
  readonly least: (one: string, other: string) => string
  /** After a table's name: the index to read it by, where the planner must be told. Empty where it cannot be. */
  readonly by: (index: string) => string
  /**
   * At the end of a select. Empty where there is one writer at a time. Locks are taken in one order: worker, runs, steps,
   * tasks. ` for update`: the row is about to change so that claims must not go on as if it had not.
   */
  readonly forUpdate: string
  /** ` for no key update`: it changes, and claims may go on meanwhile. */
  readonly forNoKeyUpdate: string
  /** ` for key share`: it must not be changed `for update` until this transaction ends. Many may hold it at once. */
  readonly forKeyShare: string
  /** ` for update skip locked`: those that nobody else is at. */
  readonly skipLocked: string
}

/** A statement that is built once for each dialect. */
export function byDialect(build: (dialect: Dialect) => string): (dialect: Dialect) => string {
  const built = new Map<Dialect, string>()
  return (dialect) => {
    let sql = built.get(dialect)
    if (sql === undefined) built.set(dialect, (sql = build(dialect)))
    return sql
  }
}
