import { Fault, type DatasetDefinition, type FieldDefinition, type FieldValue } from '../job/model.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { SqlColumn, SqlResult } from './duckdb.ts'
import { fieldsForSql } from './sql-types.ts'

/** From a value of DuckDB to what the field reads: text, a boolean, or null. */
type ToOutside = (value: unknown) => unknown

const WHOLE_NUMBERS = /^U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$/
const FLOATS = new Set(['DOUBLE', 'FLOAT'])
/** What a value prints as is what the field reads, as long as the types agree. */
const ALLOWED: Readonly<Record<FieldDefinition['type']['type'], (type: string) => boolean>> = {
  text: (type) => type === 'VARCHAR' || type.startsWith('ENUM'),
  oneOf: (type) => type === 'VARCHAR' || type.startsWith('ENUM'),
  integer: (type) => WHOLE_NUMBERS.test(type) || type.startsWith('DECIMAL'),
  number: (type) => WHOLE_NUMBERS.test(type) || type.startsWith('DECIMAL') || FLOATS.has(type),
  decimal: (type) => WHOLE_NUMBERS.test(type) || type.startsWith('DECIMAL'),
  boolean: (type) => type === 'BOOLEAN',
  date: (type) => type === 'DATE',
  timestamp: (type) => type.startsWith('TIMESTAMP'),
  json: () => true,
}

/**
 * The rows of a result as records of a dataset, in order. The result must have exactly the contract's fields, by name, in
 * any order, with types that fit: decimals are exact or refused, never rounded. Errors: SQL_RESULT_MISMATCH.
 */
export async function* recordsOf(result: SqlResult, dataset: DatasetDefinition): AsyncGenerator<readonly object[]> {
  const fields = fieldsForSql(dataset)
  const columns = fields.map((field) => readColumn(field, result.columns, dataset.name))
  refuseExtraColumns(fields, result.columns, dataset.name)
  let before = 0
  for await (const chunk of result.chunks) {
    const records: Record<string, FieldValue>[] = []
    for (let row = 0; row < chunk.rows; row += 1) {
      const record: Record<string, FieldValue> = {}
      for (const { field, place, outside } of columns) {
        const value = field.read(outside(chunk.values[place]?.[row]))
        if (value instanceof Fault) throw mismatch(dataset.name, `row ${before + row + 1}: ${value.message}`)
        record[field.name] = value
      }
      records.push(record)
    }
    before += chunk.rows
    yield records
  }
}

function readColumn(
  field: FieldDefinition,
  columns: readonly SqlColumn[],
  dataset: string,
): { readonly field: FieldDefinition; readonly place: number; readonly outside: ToOutside } {
  const place = columns.findIndex((column) => column.name === field.name)
  const column = columns[place]
  if (column === undefined) {
    throw mismatch(
      dataset,
      `expected a column ${field.name}, found ${columns.map(({ name }) => name).join(', ') || 'none'}`,
    )
  }
  const { type } = field.type
  // A bare NULL has the type of a whole number.
  if (!ALLOWED[type](column.type) && column.type !== 'INTEGER' && column.type !== '"NULL"') {
    throw mismatch(dataset, `expected column ${field.name} to be ${type}, found ${column.type}${remedy(field, column)}`)
  }
  return { field, place, outside: toOutside(field, column) }
}

function remedy(field: FieldDefinition, column: SqlColumn): string {
  if (field.type.type !== 'decimal' || !FLOATS.has(column.type)) return ''
  return '; a float has lost digits already: sum decimals, and divide with a CAST to DECIMAL'
}

function refuseExtraColumns(fields: readonly FieldDefinition[], columns: readonly SqlColumn[], dataset: string): void {
  const names = new Set(fields.map((field) => field.name))
  const extra = columns.find((column) => !names.has(column.name))
  if (extra !== undefined) throw mismatch(dataset, `column ${extra.name} is not in the contract; leave it out`)
}

function mismatch(dataset: string, problem: string): BatchwrightError {
  return new BatchwrightError({
    code: 'SQL_RESULT_MISMATCH',
    message: `the query does not give records of dataset ${dataset}: ${problem}`,
    hint: 'select exactly the fields of the contract, by their names: round(...) or CAST(...) where a type differs',
    details: { dataset },
  })
}

function toOutside(field: FieldDefinition, column: SqlColumn): ToOutside {
  switch (field.type.type) {
    case 'boolean':
      return (value) => value
    case 'timestamp':
      return column.type === 'TIMESTAMP WITH TIME ZONE'
        ? printed((text) => isoTime(text.replace(/\+00(?::00)?$/, '')) + 'Z')
        : printed(isoTime)
    case 'json':
      return (value) => (value === null || typeof value === 'string' ? value : jsonText(value))
    default:
      return printed((text) => text)
  }
}

function printed(finish: (text: string) => string): ToOutside {
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- DuckDB's own values print themselves, exactly
  return (value) => (value === null || value === undefined ? null : finish(String(value)))
}

/** `2011-01-02 03:04:05.120` to `2011-01-02T03:04:05.120`, with the milliseconds that records have. */
function isoTime(text: string): string {
  const [seconds = '', fraction = ''] = text.replace(' ', 'T').split('.')
  const digits = fraction.replace(/0+$/, '')
  return digits === '' ? seconds : `${seconds}.${digits.padEnd(3, '0')}`
}

/** Numbers, lists and structures as JSON; bigints beyond what a JSON number keeps as text. */
function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'bigint') return inner
    const small = Number(inner)
    return Number.isSafeInteger(small) ? small : String(inner)
  })
}
