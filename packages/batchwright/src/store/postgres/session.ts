import type { ClientBase, QueryArrayConfig, QueryConfig } from 'pg'
import { holdPoint } from '../../kernel/failpoint.ts'
import type { Row } from '../sql/rows.ts'
import type { Dialect, Session, Value, Values } from '../sql/session.ts'
import { POSTGRES } from './dialect.ts'

/** A statement in PostgreSQL's words: `$1` for the first name that it uses. */
interface Numbered {
  readonly text: string
  readonly names: readonly string[]
  /** By which a connection keeps it prepared. */
  readonly name: string
}

/**
 * Statements by their text, the same for all connections of a store. A statement that is prepared keeps one plan for all
 * values from its sixth execution on; the statements are written so that one plan is right for all.
 */
export class Statements {
  readonly #numbered = new Map<string, Numbered>()
  readonly #prepare: boolean

  constructor(prepare: boolean) {
    this.#prepare = prepare
  }

  config(sql: string, values: Values): QueryConfig {
    let numbered = this.#numbered.get(sql)
    if (numbered === undefined) {
      numbered = { ...numberNames(sql), name: `batchwright_${this.#numbered.size}` }
      this.#numbered.set(sql, numbered)
    }
    const { text, names, name } = numbered
    const bound = names.map((parameter) => bind(sql, parameter, values[parameter]))
    return this.#prepare ? { text, values: bound, name } : { text, values: bound }
  }
}

/** Names that stand for values: `:run`, but not `::text`, and nothing in quotes. */
const NAMES = /'(?:[^']|'')*'|::|:([a-zA-Z_]\w*)/g

/** A statement with `$1` for the first name that it uses. */
export function numberNames(sql: string): Omit<Numbered, 'name'> {
  const names: string[] = []
  const text = sql.replace(NAMES, (all: string, name: string | undefined) => {
    if (name === undefined) return all
    const known = names.indexOf(name)
    return `$${known === -1 ? names.push(name) : known + 1}`
  })
  return { text, names }
}

/** PostgreSQL has no text with the character 0; in JSON it is escaped. */
function bind(sql: string, parameter: string, value: Value | undefined): Value {
  if (value === undefined) throw new Error(`expected a value for :${parameter} of ${sql}`)
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
}

/** Rows fetched at once where a result may be long. */
const PAGE = 1_000

/** The statements of one transaction on one connection. */
export class PostgresSession implements Session {
  readonly dialect: Dialect = POSTGRES
  readonly #client: ClientBase
  readonly #statements: Statements
  #cursors = 0

  constructor(client: ClientBase, statements: Statements) {
    this.#client = client
    this.#statements = statements
  }

  async get(sql: string, values: Values = {}): Promise<Row | undefined> {
    return (await this.all(sql, values))[0]
  }

  async all(sql: string, values: Values = {}): Promise<readonly Row[]> {
    await holdPoint('store.statement')
    const { rows } = await this.#client.query<Row>(this.#statements.config(sql, values))
    return rows
  }

  /** Rows as lists, in the order of the select's columns: for results of many rows. */
  async lists(sql: string, values: Values = {}): Promise<readonly (readonly unknown[])[]> {
    await holdPoint('store.statement')
    const config: QueryArrayConfig = { ...this.#statements.config(sql, values), rowMode: 'array' }
    const { rows } = await this.#client.query<unknown[]>(config)
    return rows
  }

  async *pages(sql: string, values: Values = {}): AsyncGenerator<readonly Row[]> {
    this.#cursors += 1
    const cursor = `batchwright_pages_${this.#cursors}`
    const { text, values: bound } = new Statements(false).config(sql, values)
    await this.#client.query({
      text: `declare ${cursor} no scroll cursor for ${text}`,
      ...(bound === undefined ? {} : { values: bound }),
    })
    try {
      for (;;) {
        const { rows } = await this.#client.query<Row>(`fetch ${PAGE} from ${cursor}`)
        if (rows.length > 0) yield rows
        if (rows.length < PAGE) return
      }
    } finally {
      await this.#client.query(`close ${cursor}`)
    }
  }

  async run(sql: string, values: Values = {}): Promise<number> {
    await holdPoint('store.statement')
    const { rowCount } = await this.#client.query(this.#statements.config(sql, values))
    return rowCount ?? 0
  }

  /** Statements without values, several at once: what migrations are made of. */
  async execute(sql: string): Promise<void> {
    await this.#client.query(sql)
  }
}
