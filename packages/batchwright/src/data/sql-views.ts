import { BatchwrightError } from '../kernel/errors.ts'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import type { DatasetDefinition, FieldDefinition, FormatDefinition } from '../job/model.ts'
import type { DuckDb } from './duckdb.ts'
import { cellsOf } from './sinks/csv-text.ts'
import { columnTypes, fieldsForSql, sqlName, sqlText, sqlType } from './sql-types.ts'

type CsvFormat = Extract<FormatDefinition, { format: 'csv' }>

/**
 * Makes a view `name` over files of a dataset (parts of it, or raw files), in their order. Its columns have the contract's
 * field names and types: decimals exact, dates as DATE; columns of CSV are found by their header. A raw value that does not
 * meet its type fails the query that reads it, with the column; it is never rounded. No file gives an empty table of the
 * same shape. Errors: SQL_FAILED, SQL_NEEDS_FIELDS.
 */
export async function viewOverParts(
  db: DuckDb,
  name: string,
  dataset: DatasetDefinition,
  parts: readonly { readonly path: string }[],
): Promise<void> {
  const fields = fieldsForSql(dataset)
  const paths = parts.map((part) => part.path)
  const raw = dataset.location.kind === 'files'
  const selects = paths.length === 0 ? [] : await selectsOf(dataset.format, fields, paths, raw)
  const nothing = `SELECT ${fields.map((field) => `NULL::${sqlType(field)} AS ${sqlName(field.name)}`).join(', ')} WHERE false`
  const rows = selects.length === 0 ? nothing : selects.join(' UNION ALL ')
  await db.run(`CREATE OR REPLACE VIEW ${sqlName(name)} AS ${rows}`)
}

async function selectsOf(
  format: FormatDefinition,
  fields: readonly FieldDefinition[],
  paths: readonly string[],
  raw: boolean,
): Promise<readonly string[]> {
  const everyColumn = fields.map((field) => field.column)
  switch (format.format) {
    case 'parquet':
      return [select(fields, everyColumn, false, `read_parquet(${list(paths)})`)]
    case 'jsonl': {
      const columns = columnTypes(fields.map((field) => columnOf(field, raw)))
      const options = `format = 'newline_delimited', columns = ${columns}, maximum_object_size = ${format.maxRecordBytes}`
      return [select(fields, everyColumn, raw, `read_json(${list(paths)}, ${options})`)]
    }
    case 'files':
    case 'table':
      throw noRows()
    case 'csv': {
      const groups = await groupByHeader(paths, fields, format)
      return groups.map(({ header, files }) => select(fields, header, raw, readCsv(files, header, fields, format, raw)))
    }
  }
}

/** Raw values come as text, so that nothing is converted that would lose digits. */
function columnOf(field: FieldDefinition, raw: boolean): { readonly name: string; readonly type: string } {
  return { name: field.column, type: raw ? 'VARCHAR' : sqlType(field) }
}

function readCsv(
  files: readonly string[],
  header: readonly string[],
  fields: readonly FieldDefinition[],
  format: CsvFormat,
  raw: boolean,
): string {
  const columns = header.map((column) => {
    const field = fields.find((each) => each.column === column)
    return field === undefined ? { name: column, type: 'VARCHAR' } : columnOf(field, raw)
  })
  const options = [
    'auto_detect = false',
    `header = ${format.header}`,
    `delim = ${sqlText(format.delimiter)}`,
    `quote = ${sqlText(format.quote)}`,
    `escape = ${sqlText(format.quote)}`,
    `columns = ${columnTypes(columns)}`,
    `nullstr = ''`,
    `max_line_size = ${format.maxRecordBytes}`,
    `buffer_size = ${2 * format.maxRecordBytes}`,
  ]
  return `read_csv(${list(files)}, ${options.join(', ')})`
}

function select(fields: readonly FieldDefinition[], columns: readonly string[], raw: boolean, from: string): string {
  const values = fields.map((field) => {
    const value = columns.includes(field.column) ? sqlName(field.column) : 'NULL'
    return `${raw ? exact(field, value) : `CAST(${value} AS ${sqlType(field)})`} AS ${sqlName(field.name)}`
  })
  return `SELECT ${values.join(', ')} FROM ${from}`
}

/** A cast that refuses what it would round. */
function exact(field: FieldDefinition, value: string): string {
  const cast = `CAST(trim(${value}) AS ${sqlType(field)})`
  const pattern = exactPattern(field)
  if (field.type.type === 'text') return value
  if (pattern === null) return cast
  const complaint = `error('column ${field.column.replaceAll("'", "''")}: expected ${field.type.type}, found ' || ${value})`
  return `CASE WHEN ${value} IS NULL OR regexp_full_match(trim(${value}), ${sqlText(pattern)}) THEN ${cast} ELSE ${complaint} END`
}

function exactPattern(field: FieldDefinition): string | null {
  if (field.type.type === 'integer') return '[+-]?[0-9]+([.]0+)?'
  if (field.type.type === 'decimal') return `[+-]?[0-9]*([.][0-9]{0,${field.type.scale}}0*)?`
  return null
}

function list(paths: readonly string[]): string {
  return `[${paths.map(sqlText).join(', ')}]`
}

interface Group {
  readonly header: readonly string[]
  readonly files: string[]
}

/** Neighbours with the same header are read at once; files without a line have no records. */
async function groupByHeader(
  paths: readonly string[],
  fields: readonly FieldDefinition[],
  format: CsvFormat,
): Promise<readonly Group[]> {
  const groups: Group[] = []
  for (const path of paths) {
    const header = format.header ? await headerOf(path, format) : fields.map((field) => field.column)
    if (header === null) continue
    const last = groups.at(-1)
    if (last !== undefined && last.header.join('\n') === header.join('\n')) last.files.push(path)
    else groups.push({ header, files: [path] })
  }
  return groups
}

async function headerOf(path: string, format: CsvFormat): Promise<readonly string[] | null> {
  const file = createReadStream(path)
  const compressed = format.compression === 'gzip' || (format.compression === 'auto' && path.endsWith('.gz'))
  const bytes: AsyncIterable<unknown> = compressed ? file.pipe(createGunzip()) : file
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of bytes) {
    if (piece instanceof Uint8Array) text += decoder.decode(piece, { stream: true })
    if (text.includes('\n')) break
  }
  file.destroy()
  const [line = ''] = text.split('\n')
  return line.trim() === '' ? null : cellsOf(line.replace(/\r$/, ''), format)
}

/** Definitions do not let a dataset of whole files be read: only one that has changed since can get here. */
function noRows(): BatchwrightError {
  return new BatchwrightError({
    code: 'FORMAT_UNSUPPORTED',
    message: 'expected a dataset with rows, found one of whole files',
    hint: 'Read the rows that name the files.',
  })
}
