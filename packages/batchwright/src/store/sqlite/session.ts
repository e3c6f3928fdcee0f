import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Row } from './rows.ts'

/** Named values of a statement: `{ run: 1 }` for `:run`. */
export type Values = Readonly<Record<string, SQLInputValue>>

/**
 * One connection with its prepared statements. What the verbs work on: each is called inside a transaction that the
 * writer opened. Statements are kept by their text, so the text must not be built from data.
 */
export class Session {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** The first row, or undefined. */
  get(sql: string, values: Values = {}): Row | undefined {
    return this.#prepare(sql).get(values)
  }

  all(sql: string, values: Values = {}): readonly Row[] {
    return this.#prepare(sql).all(values)
  }

  /** Rows one at a time, for queries that are usually left early. */
  iterate(sql: string, values: Values = {}): Iterable<Row> {
    return this.#prepare(sql).iterate(values)
  }

  /** Runs a statement that returns no rows; answers with the number of rows it changed. */
  run(sql: string, values: Values = {}): number {
    return Number(this.#prepare(sql).run(values).changes)
  }

  /** Statements without values: pragmas, transactions, migrations. */
  execute(sql: string): void {
    this.#database.exec(sql)
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
