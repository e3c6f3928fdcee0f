import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Row } from '../sql/rows.ts'
import type { Session, Value, Values } from '../sql/session.ts'
import { SQLITE } from './dialect.ts'

/** Rows of one page of a long result. */
const PAGE = 500

const NONE: Values = {}

/**
 * One connection with its prepared statements. What it answers is there before it is asked for: SQLite runs in this thread,
 * and a promise of it is settled when it is made. So a transaction never waits for anything but turns of the microtask queue.
 */
export class SqliteSession implements Session {
  readonly dialect = SQLITE
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what SQLite throws must reject
  async get(sql: string, values: Values = NONE): Promise<Row | undefined> {
    return this.first(sql, values)
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what SQLite throws must reject
  async all(sql: string, values: Values = NONE): Promise<readonly Row[]> {
    return this.#prepare(sql).all(bound(values))
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what SQLite throws must reject
  async *pages(sql: string, values: Values = NONE): AsyncGenerator<readonly Row[]> {
    let page: Row[] = []
    for (const row of this.#prepare(sql).iterate(bound(values))) {
      page.push(row)
      if (page.length < PAGE) continue
      yield page
      page = []
    }
    if (page.length > 0) yield page
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what SQLite throws must reject
  async run(sql: string, values: Values = NONE): Promise<number> {
    return Number(this.#prepare(sql).run(bound(values)).changes)
  }

  /** The first row, at once: for looks outside a transaction. */
  first(sql: string, values: Values = NONE): Row | undefined {
    return this.#prepare(sql).get(bound(values))
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

type Bound = Readonly<Record<string, string | number | null>>

/** Lists travel as JSON, for json_each. */
function bound(values: Values): Bound {
  if (isPlain(values)) return values
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, single(value)]))
}

/** Few statements have any: the others are not copied. */
function isPlain(values: Values): values is Bound {
  for (const name in values) if (typeof values[name] === 'object' && values[name] !== null) return false
  return true
}

function single(value: Value): string | number | null {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
}
