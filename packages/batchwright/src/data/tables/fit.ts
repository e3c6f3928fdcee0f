import type { DatasetDefinition, FieldDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { placeOf, tableName, type TableConnection } from './connection.ts'
import { describeTable, type TableColumn, type TableShape } from './shape.ts'

/** A table that has been held against its dataset's contract. */
export interface FittedTable {
  readonly shape: TableShape
  readonly fields: readonly FieldDefinition[]
  /** Of each field. */
  readonly columns: readonly TableColumn[]
  /** Columns of the dataset's key; empty where it has none. */
  readonly key: readonly string[]
}

export type TableUse = 'read' | 'write'

/**
 * Describes the table of a dataset and holds it against the contract. Throws TABLE_MISSING, and TABLE_DIFFERS with every
 * column that does not fit: what was expected, what was found.
 */
export async function fitTable(
  connection: TableConnection,
  dataset: DatasetDefinition,
  use: TableUse,
): Promise<FittedTable> {
  const place = placeOf(dataset)
  const shape = await describeTable(connection, place.table)
  if (shape === null) throw missing(dataset, tableName(place.table))
  const fields = dataset.contract.schema.fields ?? []
  const byName = new Map(shape.columns.map((column) => [column.name, column]))
  const problems = fields.flatMap((field) => fieldProblems(field, byName.get(field.column), connection.database, use))
  const key = (dataset.key ?? []).map((name) => fields.find((field) => field.name === name)?.column ?? name)
  if (use === 'write') problems.push(...writeProblems(shape, fields))
  if (use === 'read' || place.mode === 'upsert') problems.push(...keyProblems(shape, key, byName, use))
  if (problems.length > 0) throw differs(dataset, tableName(place.table), problems)
  return { shape, fields, columns: fields.flatMap((field) => byName.get(field.column) ?? []), key }
}

function fieldProblems(
  field: FieldDefinition,
  column: TableColumn | undefined,
  database: TableConnection['database'],
  use: TableUse,
): readonly string[] {
  const at = `column ${field.column}`
  if (column === undefined) return [`${at}: expected a column for the field ${field.name}, found none`]
  const types = database === 'postgres' ? POSTGRES_TYPES : SQLITE_TYPES
  const expected = types[field.type.type]
  if (!fits(field, column, types, use)) return [`${at}: expected ${expected.words(field)}, found ${column.type}`]
  if (use === 'write' && column.generated)
    return [`${at}: expected a column that can be written, found one that the database makes`]
  if (use === 'write' && column.notNull && field.optional)
    return [`${at}: expected a column that may be null, as the field ${field.name} may, found not null`]
  return []
}

interface Expected {
  readonly bases: readonly string[]
  readonly words: (field: FieldDefinition) => string
}

type Types = Readonly<Record<FieldDefinition['type']['type'], Expected>>

const TEXTS = ['text', 'varchar', 'bpchar', 'name', 'citext', 'uuid', 'enum']

const POSTGRES_TYPES: Types = {
  text: { bases: [...TEXTS, 'inet', 'cidr', 'macaddr', 'interval', 'time', 'xml', 'ltree'], words: () => 'text' },
  integer: { bases: ['int2', 'int4', 'int8', 'numeric'], words: () => 'smallint, integer or bigint' },
  number: { bases: ['float4', 'float8'], words: () => 'real or double precision (exact numbers are field.decimal)' },
  decimal: { bases: ['numeric', 'int2', 'int4', 'int8'], words: (field) => `numeric with ${scaleWords(field)}` },
  boolean: { bases: ['bool'], words: () => 'boolean' },
  date: { bases: ['date'], words: () => 'date' },
  timestamp: {
    bases: ['timestamp', 'timestamptz'],
    words: ({ type }) => (isLocal(type) ? 'timestamp without time zone' : 'timestamp with time zone'),
  },
  oneOf: { bases: TEXTS, words: () => 'text or an enum' },
  json: { bases: ['json', 'jsonb'], words: () => 'json or jsonb' },
}

/** SQLite's columns take what they are given, if it survives their affinity. */
const SQLITE_TYPES: Types = {
  text: { bases: ['TEXT', 'BLOB'], words: () => 'TEXT' },
  integer: { bases: ['INTEGER', 'NUMERIC', 'BLOB'], words: () => 'INTEGER' },
  number: { bases: ['REAL', 'NUMERIC', 'BLOB'], words: () => 'REAL' },
  decimal: {
    bases: ['TEXT', 'BLOB'],
    words: () => 'TEXT, in which decimals stay exact (SQLite keeps numbers as floats)',
  },
  boolean: { bases: ['INTEGER', 'NUMERIC', 'BLOB'], words: () => 'INTEGER or BOOLEAN' },
  date: { bases: ['TEXT', 'NUMERIC', 'BLOB'], words: () => 'TEXT or DATE' },
  timestamp: { bases: ['TEXT', 'NUMERIC', 'BLOB'], words: () => 'TEXT or TIMESTAMP' },
  oneOf: { bases: ['TEXT', 'BLOB'], words: () => 'TEXT' },
  json: { bases: ['TEXT', 'BLOB', 'NUMERIC'], words: () => 'TEXT or JSON' },
}

function fits({ type }: FieldDefinition, column: TableColumn, types: Types, use: TableUse): boolean {
  if (!types[type.type].bases.includes(column.base)) {
    // Reading checks each value: a decimal out of a number column is taken where it is exact.
    return types === SQLITE_TYPES && type.type === 'decimal' && use === 'read'
  }
  if (types === SQLITE_TYPES) return true
  switch (type.type) {
    case 'timestamp':
      return (column.base === 'timestamp') === type.local
    case 'integer':
      return column.base !== 'numeric' || column.scale === 0
    case 'decimal':
      if (column.base !== 'numeric') return type.scale === 0 || use === 'read'
      return use === 'read' || column.scale === null || column.scale >= type.scale
    case 'text':
    case 'number':
    case 'boolean':
    case 'date':
    case 'oneOf':
    case 'json':
      return true
  }
}

function scaleWords({ type }: FieldDefinition): string {
  return type.type === 'decimal' ? `at least ${type.scale} digits after the point` : 'digits after the point'
}

function isLocal(type: FieldDefinition['type']): boolean {
  return type.type === 'timestamp' && type.local
}

/** A column that no field fills must be able to do without. */
function writeProblems({ kind, columns }: TableShape, fields: readonly FieldDefinition[]): readonly string[] {
  if (kind === 'view') return ['expected a table, found a view, which is only read']
  const written = new Set(fields.map((field) => field.column))
  return columns
    .filter((column) => !written.has(column.name) && column.notNull && !column.filled && !column.generated)
    .map(
      (column) => `column ${column.name}: expected a field for it in the contract (not null, no default), found none`,
    )
}

/** Paging by key loses rows that share one, and upserting by it finds none or many. */
function keyProblems(
  { kind, unique }: TableShape,
  key: readonly string[],
  columns: ReadonlyMap<string, TableColumn>,
  use: TableUse,
): readonly string[] {
  if (key.length === 0) {
    return [
      'key: expected the fields of a unique key, by which a read goes on where it stopped, found none in the dataset',
    ]
  }
  // What makes rows of a view unique is known to whoever wrote it.
  if (kind === 'view') return []
  const wanted = key.toSorted().join('\0')
  const problems = unique.some((each) => each.toSorted().join('\0') === wanted)
    ? []
    : [`key: expected a unique index or primary key on (${key.join(', ')}), found ${keysFound(unique)}`]
  const nullable = use === 'read' ? key.filter((name) => columns.get(name)?.notNull === false) : []
  return [
    ...problems,
    ...nullable.map((name) => `column ${name}: expected not null, as part of the key, found one that may be null`),
  ]
}

function keysFound(unique: TableShape['unique']): string {
  return unique.length === 0 ? 'no unique index' : unique.map((each) => `(${each.join(', ')})`).join(' and ')
}

function missing({ name }: DatasetDefinition, table: string): BatchwrightError {
  return new BatchwrightError({
    code: 'TABLE_MISSING',
    message: `dataset ${name}: expected the table ${table}, found none of that name`,
    hint: 'Make it first, or mend its name in the dataset. Names are taken as they are, upper and lower case apart.',
    details: { dataset: name, table },
  })
}

function differs({ name }: DatasetDefinition, table: string, problems: readonly string[]): BatchwrightError {
  return new BatchwrightError({
    code: 'TABLE_DIFFERS',
    message: `dataset ${name}: ${table} does not fit the contract. ${problems.join('; ')}`,
    hint: 'Change the contract of the dataset, or the table; `.column()` names a column that is called otherwise than its field.',
    details: { dataset: name, table, problems },
  })
}
