/** A single CSV record, away from the hot path: headers, and records that come as text. */
export interface SplitRow {
  readonly cells: readonly string[]
  /** A quoted field was still open at the end. */
  readonly unterminated: boolean
}

/** Cuts one record, without its newline, into cells. The same rules as CsvParser: a quote counts only where a field starts. */
export function splitRow(record: string, delimiter: string, quote: string): SplitRow {
  const cells: string[] = []
  let at = 0
  for (;;) {
    let cell = ''
    if (quote !== '' && record.startsWith(quote, at)) {
      const close = closingQuote(record, quote, at + 1)
      if (close === -1) {
        cells.push(record.slice(at + 1).replaceAll(quote + quote, quote))
        return { cells, unterminated: true }
      }
      cell = record.slice(at + 1, close).replaceAll(quote + quote, quote)
      at = close + 1
    }
    const end = record.indexOf(delimiter, at)
    cells.push(cell + record.slice(at, end === -1 ? record.length : end))
    if (end === -1) return { cells, unterminated: false }
    at = end + 1
  }
}

function closingQuote(record: string, quote: string, from: number): number {
  let at = record.indexOf(quote, from)
  while (at !== -1 && record.startsWith(quote, at + 1)) at = record.indexOf(quote, at + 2)
  return at
}

/** The names in a header record's bytes. */
export function headerColumns(header: Buffer, delimiter: string, quote: string): readonly string[] {
  return splitRow(header.toString('utf8').replace(/\r?\n?$/, ''), delimiter, quote).cells
}
