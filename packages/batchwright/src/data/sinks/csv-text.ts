import type { FieldDefinition, FormatDefinition } from '../../job/model.ts'

type CsvFormat = Extract<FormatDefinition, { format: 'csv' }>

/** The header line of a part, newline included: the columns' outside names. Empty where the format has none. */
export function csvHeader(fields: readonly FieldDefinition[], format: CsvFormat): string {
  if (!format.header) return ''
  return fields.map((field) => quoteCell(field.column, format)).join(format.delimiter) + '\n'
}

/** Text as a cell: quoted only where it must be, quotes inside doubled. */
export function quoteCell(text: string, { delimiter, quote }: Pick<CsvFormat, 'delimiter' | 'quote'>): string {
  const needed = [delimiter, quote, '\n', '\r'].some((special) => text.includes(special))
  return needed ? quote + text.replaceAll(quote, quote + quote) + quote : text
}
