/**
 * A connection to the database of a table, the same for PostgreSQL and SQLite: statements with `$1`, rows as arrays. Values of
 * PostgreSQL come as the text that it prints; those of SQLite as they are stored.
 */
import type { DatasetDefinition, TableLocation, TablePlace } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

export type SqlValue = string | number | bigint | null
export type SqlRow = readonly SqlValue[]

export interface TableConnection {
  readonly database: TableLocation['database']
  /** The rows of one statement. */
  rows(sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** Runs one statement; answers with the number of rows it changed. */
  run(sql: string, values?: readonly SqlValue[]): Promise<number>
  /** Begins a transaction that will write. In SQLite it waits for the writer before it. */
  begin(): Promise<void>
  commit(): Promise<void>
  /** Takes back the transaction. Does nothing where there is none, or where the connection is gone. */
  rollback(): Promise<void>
  close(): Promise<void>
}

/** What a slot knows and the data plane does not: the values of secrets. */
export interface Databases {
  /** The connection URL that a secret holds. Errors: SECRET_MISSING, SECRET_AMBIGUOUS, SECRET_UNREADABLE. */
  urlOf(secret: string, usedBy: string): Promise<string>
}

/** `postgres:public.accounts`, `sqlite:data/crm.db#accounts`: how messages, snapshots and manifests name a table. */
export function tableName(table: TableLocation): string {
  return table.database === 'postgres'
    ? `postgres:${table.schema === null ? '' : `${table.schema}.`}${table.table}`
    : `sqlite:${table.file}#${table.table}`
}

/** An identifier, quoted: upper and lower case and every character in it stay what they are. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

/** The table's name in a statement. */
export function qualified(table: TableLocation, name: string = table.table): string {
  return table.database === 'postgres' && table.schema !== null
    ? `${quoted(table.schema)}.${quoted(name)}`
    : quoted(name)
}

/** The table of a dataset that is one. */
export function placeOf(dataset: DatasetDefinition): TablePlace {
  if (dataset.location.kind === 'table') return dataset.location
  throw new BatchwrightError({
    code: 'PARTITION_UNKNOWN',
    message: `expected dataset ${dataset.name} to be a table, found ${dataset.location.kind}`,
    hint: 'Plan the step again with the code that runs it: `batchwright retry RUN --from STEP`.',
  })
}
