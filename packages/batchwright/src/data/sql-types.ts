import type { DatasetDefinition, FieldDefinition } from '../job/model.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { DuckDb } from './duckdb.ts'

/** Decimals are as wide as DuckDB goes, so that a column's type never depends on the data in it. */
const DECIMAL_DIGITS = 38

/** Quoted for SQL: `'it''s'`. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Quoted for SQL: `"a ""name"""`. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The SQL type of a field. */
export function sqlType(field: FieldDefinition): string {
  switch (field.type.type) {
    case 'text':
    case 'oneOf':
      return 'VARCHAR'
    case 'integer':
      return 'BIGINT'
    case 'number':
      return 'DOUBLE'
    case 'decimal':
      return `DECIMAL(${DECIMAL_DIGITS}, ${Math.min(field.type.scale, DECIMAL_DIGITS)})`
    case 'boolean':
      return 'BOOLEAN'
    case 'date':
      return 'DATE'
    case 'timestamp':
      return field.type.local ? 'TIMESTAMP' : 'TIMESTAMPTZ'
    case 'json':
      return 'JSON'
  }
}

/** `{'Column': 'TYPE', ...}`: the columns of a file, as its readers want them said. */
export function columnTypes(fields: readonly FieldDefinition[]): string {
  return `{${fields.map((field) => `${sqlText(field.column)}: ${sqlText(sqlType(field))}`).join(', ')}}`
}

/**
 * Makes a view `name` over files of a dataset (parts of it, or raw files), in their order. Its columns have the contract's
 * field names and types: decimals exact, dates as DATE. No file gives an empty table of the same shape. Errors: SQL_FAILED,
 * SQL_NEEDS_FIELDS.
 */
export async function viewOverParts(
  db: DuckDb,
  name: string,
  dataset: DatasetDefinition,
  parts: readonly { readonly path: string }[],
): Promise<void> {
  const fields = fieldsForSql(dataset)
  const paths = parts.map((part) => part.path)
  const select =
    paths.length === 0
      ? `SELECT ${fields.map((field) => `NULL::${sqlType(field)} AS ${sqlName(field.name)}`).join(', ')} WHERE false`
      : `SELECT ${fields.map((field) => `${typedColumn(field)} AS ${sqlName(field.name)}`).join(', ')} FROM ${reader(dataset, fields, paths)}`
  await db.run(`CREATE OR REPLACE VIEW ${sqlName(name)} AS ${select}`)
}

/** The fields of a dataset that SQL is to read or write. Errors: SQL_NEEDS_FIELDS. */
export function fieldsForSql(dataset: DatasetDefinition): readonly FieldDefinition[] {
  const fields = dataset.contract.schema.fields
  if (fields !== null) return fields
  throw new BatchwrightError({
    code: 'SQL_NEEDS_FIELDS',
    message: `dataset ${dataset.name}: expected a contract of fields, found a schema whose columns are not known`,
    hint: 'describe the dataset with contract(version, { name: field... }) to use it in SQL or Parquet',
    details: { dataset: dataset.name },
  })
}

/** Parquet files carry types of their own; a cast makes sure that they are the contract's. */
function typedColumn(field: FieldDefinition): string {
  return `CAST(${sqlName(field.column)} AS ${sqlType(field)})`
}

function reader(dataset: DatasetDefinition, fields: readonly FieldDefinition[], paths: readonly string[]): string {
  const list = `[${paths.map(sqlText).join(', ')}]`
  const { format } = dataset
  switch (format.format) {
    case 'parquet':
      return `read_parquet(${list})`
    case 'jsonl':
      return `read_json(${list}, format = 'newline_delimited', columns = ${columnTypes(fields)}, maximum_object_size = ${format.maxRecordBytes})`
    case 'csv':
      return `read_csv(${list}, auto_detect = false, header = ${format.header}, delim = ${sqlText(format.delimiter)}, quote = ${sqlText(format.quote)}, escape = ${sqlText(format.quote)}, columns = ${columnTypes(fields)}, nullstr = '', max_line_size = ${format.maxRecordBytes}, buffer_size = ${2 * format.maxRecordBytes})`
  }
}
