import type { FieldDefinition, FieldValue } from '../../job/model.ts'
import { Decimal } from '../../kernel/decimal.ts'
import type { SqlRow, SqlValue } from './connection.ts'

/** A field of a record as PostgreSQL reads it from text; null for null. */
export type WriteText = (record: Readonly<Record<string, FieldValue>>) => string | null

/** Writers of the fields' texts, compiled once: exact decimals with their full scale, JSON as JSON. */
export function textWriters(fields: readonly FieldDefinition[]): readonly WriteText[] {
  return fields.map(textWriter)
}

function textWriter(field: FieldDefinition): WriteText {
  const { name, type } = field
  switch (type.type) {
    case 'boolean':
      return (record) => {
        const value = record[name]
        return value === null || value === undefined ? null : value === true ? 't' : 'f'
      }
    case 'json':
      return (record) => {
        const value = record[name]
        return value === null || value === undefined ? null : JSON.stringify(value)
      }
    case 'decimal': {
      const { scale } = type
      return (record) => {
        const value = record[name]
        return Decimal.is(value) ? value.toFixed(scale) : null
      }
    }
    case 'text':
    case 'integer':
    case 'number':
    case 'date':
    case 'timestamp':
    case 'oneOf':
      return (record) => {
        const value = record[name]
        return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null
      }
  }
}

/** What COPY's text format has a meaning for. */
const COPY_SPECIAL = /[\\\t\n\r]/
const COPY_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function copyText(text: string | null): string {
  if (text === null) return '\\N'
  return COPY_SPECIAL.test(text) ? text.replaceAll(/[\\\t\n\r]/g, (special) => COPY_ESCAPES[special] ?? special) : text
}

/** Records as COPY's text format has them, a line each; `tag` is a last column that is the same in all, where there is one. */
export function copyLines(records: readonly object[], writers: readonly WriteText[], tag: string | null): Buffer {
  const end = tag === null ? '\n' : `\t${tag}\n`
  let text = ''
  for (const record of records) {
    const values = asValues(record)
    let line = ''
    for (let index = 0; index < writers.length; index += 1) {
      const cell = copyText(writers[index]?.(values) ?? null)
      line = index === 0 ? cell : `${line}\t${cell}`
    }
    text += line + end
  }
  return Buffer.from(text)
}

/** One list for each field, as PostgreSQL reads an array: `{"a",NULL,"b"}`. */
export function arrayTexts(records: readonly object[], writers: readonly WriteText[]): readonly string[] {
  return writers.map((write) => `{${records.map((record) => element(write(asValues(record)))).join(',')}}`)
}

function element(text: string | null): string {
  if (text === null) return 'NULL'
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `"${text}"`
}

/** A record has passed the contract's check: its fields hold what their types say. */
function asValues(record: object): Readonly<Record<string, FieldValue>> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return record as Readonly<Record<string, FieldValue>>
}

/** Values of a record as SQLite stores them: decimals, dates and JSON as text, booleans as 0 and 1. */
export function sqliteValues(fields: readonly FieldDefinition[]): (record: object) => SqlValue[] {
  const writers = fields.map((field) => {
    const { name, type } = field
    return type.type === 'integer' || type.type === 'number' || type.type === 'boolean'
      ? (record: Readonly<Record<string, FieldValue>>): SqlValue => numeric(record[name])
      : textWriter(field)
  })
  return (record) => {
    const values = asValues(record)
    return writers.map((write) => write(values))
  }
}

function numeric(value: FieldValue | undefined): SqlValue {
  if (typeof value === 'number') return value
  return typeof value === 'boolean' ? Number(value) : null
}

/**
 * A row as the contract reads it: by column, each value as JSON would have it. Text that cannot be what its type says stays
 * text, so that the contract refuses it with its own words.
 */
export function rowReader(
  fields: readonly FieldDefinition[],
  database: 'postgres' | 'sqlite',
): (row: SqlRow) => Readonly<Record<string, unknown>> {
  const readers = fields.map(({ column, type }) => [column, valueReader(type.type, database)] as const)
  return (row) => {
    const object: Record<string, unknown> = {}
    for (let index = 0; index < readers.length; index += 1) {
      const reader = readers[index]
      if (reader !== undefined) object[reader[0]] = reader[1](row[index] ?? null)
    }
    return object
  }
}

type ReadValue = (value: SqlValue) => unknown

function valueReader(type: FieldDefinition['type']['type'], database: 'postgres' | 'sqlite'): ReadValue {
  switch (type) {
    case 'boolean':
      return (value) => (value === 't' || value === 1 ? true : value === 'f' || value === 0 ? false : plain(value))
    case 'json':
      return (value) => (typeof value === 'string' ? parsed(value) : plain(value))
    case 'timestamp':
      return database === 'postgres' ? (value) => (typeof value === 'string' ? isoTime(value) : plain(value)) : plain
    case 'text':
    case 'oneOf':
      // Numbers in a column without a type are text to a field of text.
      return (value) => (typeof value === 'number' || typeof value === 'bigint' ? String(value) : value)
    case 'integer':
    case 'number':
    case 'decimal':
    case 'date':
      return plain
  }
}

function plain(value: SqlValue): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return text
  }
}

/**
 * `2011-01-04 10:15:00.5+00` as ISO 8601 with milliseconds. Microseconds that are not zero stay, for the contract to refuse:
 * nothing is cut off in silence.
 */
function isoTime(text: string): string {
  const [, day, time, fraction = '', zone] =
    /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(\+00)?$/.exec(text) ?? []
  if (day === undefined || time === undefined) return text
  const digits = fraction.padEnd(3, '0').replace(/0+$/, '').padEnd(3, '0')
  return `${day}T${time}${fraction === '' ? '' : `.${digits}`}${zone === undefined ? '' : 'Z'}`
}
