import type { ContractDefinition, FieldDefinition, FieldValue, FormatDefinition } from '../../job/model.ts'

type CsvFormat = Extract<FormatDefinition, { format: 'csv' }>

/** One cell as text: quoted only where it must be, quotes inside doubled. */
function quoteCell(text: string, format: CsvFormat): string {
  const { delimiter, quote } = format
  const needed = text.includes(delimiter) || text.includes(quote) || text.includes('\n') || text.includes('\r')
  return needed ? quote + text.replaceAll(quote, quote + quote) + quote : text
}

/** The header line of a part, newline included: the columns' outside names. Empty where the format has none. */
export function csvHeader(fields: readonly FieldDefinition[], format: CsvFormat): string {
  if (!format.header) return ''
  return fields.map((field) => quoteCell(field.column, format)).join(format.delimiter) + '\n'
}

/** Compiled once: a record as one CSV line in the dataset's own dialect, without the newline. */
export function csvLine(
  contract: ContractDefinition,
  fields: readonly FieldDefinition[],
  format: CsvFormat,
): (record: object) => string {
  if (format.delimiter === ',' && format.quote === '"') return contract.schema.compileCsv()
  return (record) => {
    const values = new Map<string, FieldValue>(Object.entries(record))
    return fields.map((field) => quoteCell(field.toText(values.get(field.name) ?? null), format)).join(format.delimiter)
  }
}
