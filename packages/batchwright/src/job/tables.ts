import { parseDuration, type Duration } from '../kernel/units.ts'
import type { RecordSchema, TableLocation, TableMode } from './model.ts'
import { checkOptions, definitionError, didYouMean, show } from './names.ts'

/** Where a table of PostgreSQL is. */
export interface PostgresTableOptions {
  /**
   * Name of the secret that holds the connection URL (`postgres://user:password@host/database`): an environment variable, or
   * the file that `<NAME>_FILE` names. The URL itself stands nowhere in a job.
   */
  readonly url: string
  /** `accounts`, or with its schema `sales.accounts`. Names are taken as they are, upper and lower case apart. */
  readonly table: string
}

/** Where a table of SQLite is. */
export interface SqliteTableOptions {
  /** The database file, from the project folder. */
  readonly file: string
  readonly table: string
}

/** How a table is read. */
export interface TableReadOptions {
  /**
   * `live` (default): each page of rows as it is when its turn comes; rows beyond the key range of the plan are not read.
   * `snapshot`: one transaction at planning copies the rows into the run's folder, and the step reads the copy.
   */
  readonly consistency?: 'live' | 'snapshot'
  /** A field that only grows (a number, a date, a timestamp): rows above the highest value at planning are left for later. */
  readonly asOf?: string
  /** Adds a checksum of all rows to the snapshot's digest, which is made of row count and bounds: costs one more pass. */
  readonly checksum?: boolean
}

const POSTGRES_OPTIONS = ['url', 'table']
const SQLITE_OPTIONS = ['file', 'table']
/** What shells and container platforms take as the name of a variable. */
const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * A table of PostgreSQL, as the place of a dataset.
 *
 * @example
 * ```ts
 * import { contract, dataset, field, postgres, record } from 'batchwright'
 *
 * export const accounts = dataset('accounts', {
 *   table: postgres({ url: 'CRM_URL', table: 'public.accounts' }),
 *   mode: 'upsert',
 *   key: ['id'],
 *   contract: contract(1, record({ id: field.integer(), email: field.text() })),
 * })
 * ```
 */
export function postgres(options: PostgresTableOptions): TableLocation {
  checkOptions('postgres()', options, POSTGRES_OPTIONS)
  const { url } = options
  if (typeof url !== 'string' || !SECRET_NAME.test(url)) {
    throw invalid(
      'postgres() url',
      // What was given may well be the secret itself.
      'expected the name of an environment variable that holds the connection URL, found something else',
      "Name the secret, not its value: url: 'DATABASE_URL'.",
    )
  }
  const parts = nameOf('postgres() table', options.table).split('.')
  const [schema, table] = parts.length === 1 ? [null, parts[0]] : parts
  if (parts.length > 2 || table === undefined || table === '' || schema === '') {
    throw invalid(
      'postgres() table',
      `expected table or schema.table, found ${show(options.table)}`,
      "For example table: 'public.accounts'.",
    )
  }
  return { database: 'postgres', url, schema: schema ?? null, table }
}

/** A table of an SQLite file, as the place of a dataset. */
export function sqlite(options: SqliteTableOptions): TableLocation {
  checkOptions('sqlite()', options, SQLITE_OPTIONS)
  const { file } = options
  if (typeof file !== 'string' || file === '') {
    throw invalid('sqlite() file', `expected a file, found ${show(file)}`, "For example file: 'data/crm.db'.")
  }
  return { database: 'sqlite', file, table: nameOf('sqlite() table', options.table) }
}

function nameOf(place: string, table: unknown): string {
  if (typeof table === 'string' && table !== '' && !table.includes('\0')) return table
  throw invalid(place, `expected the name of a table, found ${show(table)}`, "For example table: 'accounts'.")
}

/** Tables say which database they are of: others may be given by mistake. */
function isTable(given: unknown): given is TableLocation {
  return typeof given === 'object' && given !== null && 'database' in given && 'table' in given
}

const MODES: readonly string[] = ['insert', 'upsert', 'replaceWindow'] satisfies readonly TableMode[]

function isMode(mode: string): mode is TableMode {
  return MODES.includes(mode)
}

/** What a dataset of a table may say beside what all may. */
export interface GivenTable {
  readonly table?: unknown
  readonly mode?: string
  readonly windowBy?: string
  readonly read?: TableReadOptions
  readonly lockTimeout?: Duration
}

const DEFAULT_LOCK_TIMEOUT: Duration = '5s'

/** The location of a dataset that is a table. Throws DATASET_INVALID. */
export function tableLocation(
  place: string,
  given: GivenTable,
  around: { readonly schema: RecordSchema; readonly key: readonly string[] | null; readonly windowed: boolean },
): {
  readonly kind: 'table'
  readonly table: TableLocation
  readonly mode: TableMode | null
  readonly windowBy: string | null
  readonly read: { readonly consistency: 'live' | 'snapshot'; readonly asOf: string | null; readonly checksum: boolean }
  readonly lockTimeoutMs: number
} {
  if (!isTable(given.table)) {
    throw invalid(
      `${place} table`,
      `expected a table, found ${show(given.table)}`,
      "For example table: sqlite({ file: 'data/crm.db', table: 'accounts' }).",
    )
  }
  const { schema, key } = around
  if (schema.fields === null) {
    throw invalid(
      `${place} contract`,
      'a table needs columns, but the contract is a schema of another library',
      'Describe it with record({ ... }).',
    )
  }
  const mode = modeOf(place, given.mode)
  if (mode === 'upsert' && key === null) {
    throw invalid(place, 'upsert needs a key to find rows by', "For example key: ['id'], of a unique index.")
  }
  const windowBy = windowOf(place, given.windowBy, schema, around.windowed)
  if (mode === 'replaceWindow' && around.windowed && windowBy === null) {
    throw invalid(
      place,
      'replaceWindow has to know which rows are of a window',
      "Name the field that says so: windowBy: 'day'; without window: the whole table is replaced.",
    )
  }
  const { read = {} } = given
  checkOptions(`${place} read`, read, ['consistency', 'asOf', 'checksum'])
  const consistency: string = read.consistency ?? 'live'
  if (consistency !== 'live' && consistency !== 'snapshot') {
    throw invalid(
      `${place} read consistency`,
      `expected live or snapshot, found ${show(consistency)}`,
      'live is the default.',
    )
  }
  const lockTimeoutMs = parseDuration(given.lockTimeout ?? DEFAULT_LOCK_TIMEOUT, `${place} lockTimeout`)
  return {
    kind: 'table',
    table: given.table,
    mode,
    windowBy,
    read: {
      consistency,
      asOf: read.asOf === undefined ? null : growing(`${place} read asOf`, read.asOf, schema),
      checksum: read.checksum ?? false,
    },
    lockTimeoutMs,
  }
}

function modeOf(place: string, mode: string | undefined): TableMode | null {
  if (mode === undefined) return null
  if (isMode(mode)) return mode
  throw invalid(
    `${place} mode`,
    `expected ${MODES.join(', ')}, found ${show(mode)}`,
    `${didYouMean(mode, MODES)}Leave it out for a table that is only read.`,
  )
}

function windowOf(place: string, field: string | undefined, schema: RecordSchema, windowed: boolean): string | null {
  if (field === undefined) return null
  if (!windowed) {
    throw invalid(`${place} windowBy`, 'the dataset has no window', 'Give it one, for example window: daily().')
  }
  return ofType(
    `${place} windowBy`,
    field,
    schema,
    ['date', 'timestamp', 'text', 'oneOf'],
    "a date, a timestamp, or text that is the window's key",
  )
}

function growing(place: string, field: string, schema: RecordSchema): string {
  return ofType(place, field, schema, ['integer', 'decimal', 'date', 'timestamp'], 'a number, a date or a timestamp')
}

function ofType(
  place: string,
  name: string,
  { fields }: RecordSchema,
  types: readonly string[],
  expected: string,
): string {
  const names = (fields ?? []).map((field) => field.name)
  const field = fields?.find((each) => each.name === name)
  if (field === undefined) {
    throw invalid(
      place,
      `there is no field ${show(name)} in the contract`,
      `${didYouMean(name, names)}Fields: ${names.join(', ')}.`,
    )
  }
  if (types.includes(field.type.type)) return name
  throw invalid(
    place,
    `expected ${expected}, found the field ${show(name)} of type ${field.type.type}`,
    'Name another field.',
  )
}

function invalid(place: string, problem: string, hint: string): Error {
  return definitionError('DATASET_INVALID', place, problem, hint)
}
