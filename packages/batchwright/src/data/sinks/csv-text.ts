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

/** The cells of one row, which may hold newlines inside quotes. */
export function cellsOf(row: string, { delimiter, quote }: CsvFormat): readonly string[] {
  if (!row.includes(quote)) return row.split(delimiter)
  const cells: string[] = []
  let at = 0
  for (;;) {
    let end: number
    if (row[at] === quote) {
      end = at + 1
      while (row[end] !== quote || row[end + 1] === quote) end += row[end] === quote ? 2 : 1
      cells.push(row.slice(at + 1, end).replaceAll(quote + quote, quote))
      end += 1
    } else {
      end = row.indexOf(delimiter, at)
      if (end === -1) end = row.length
      cells.push(row.slice(at, end))
    }
    if (end >= row.length) return cells
    at = end + 1
  }
}
