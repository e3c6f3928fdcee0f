import type { DatasetDefinition, FieldDefinition } from '../job/model.ts'
import { BatchwrightError } from '../kernel/errors.ts'

/** Decimals are as wide as DuckDB goes, so that a column's type never depends on the data in it. */
export const DECIMAL_DIGITS = 38

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
export function columnTypes(columns: readonly { readonly name: string; readonly type: string }[]): string {
  return `{${columns.map(({ name, type }) => `${sqlText(name)}: ${sqlText(type)}`).join(', ')}}`
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
