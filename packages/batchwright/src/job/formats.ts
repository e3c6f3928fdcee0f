import { parseSize, type Size } from '../kernel/units.ts'
import type { FormatDefinition } from './model.ts'
import { checkOptions, definitionError, show } from './names.ts'

type Compression = 'none' | 'gzip' | 'auto'

/** What text formats have in common: compression, and the longest record. */
export interface TextFormatOptions {
  /** `auto` (default): by the file's name and first bytes when reading, none when writing. */
  readonly compression?: Compression
  /** A longer record is a dead letter (`too_large`); default 16MiB. */
  readonly maxRecord?: Size
}

/** How a CSV file is written down. By default as RFC 4180 has it: commas, double quotes, a header. */
export interface CsvOptions extends TextFormatOptions {
  /** One character; default a comma. */
  readonly delimiter?: string
  /** One character; default a double quote. */
  readonly quote?: string
  /** Whether the first line names the columns; default true. */
  readonly header?: boolean
}

const LARGEST_RECORD: Size = '16MiB'

/** RFC 4180, with LF or CRLF, a BOM or none, and newlines inside quotes. */
export function csv(options: CsvOptions = {}): FormatDefinition {
  return separated('csv()', options, ',', ['delimiter', 'quote', 'header', 'compression', 'maxRecord'])
}

/** As csv, separated by tabs. */
export function tsv(options: Omit<CsvOptions, 'delimiter'> = {}): FormatDefinition {
  return separated('tsv()', options, '\t', ['quote', 'header', 'compression', 'maxRecord'])
}

function separated(
  place: string,
  options: CsvOptions,
  ownDelimiter: string,
  known: readonly string[],
): FormatDefinition {
  checkOptions(place, options, known)
  const delimiter = oneCharacter(`${place} delimiter`, options.delimiter ?? ownDelimiter)
  const quote = oneCharacter(`${place} quote`, options.quote ?? '"')
  if (delimiter === quote) {
    throw definitionError(
      'FORMAT_INVALID',
      place,
      `delimiter and quote are both ${show(quote)}`,
      'Choose two different characters.',
    )
  }
  return { format: 'csv', delimiter, quote, header: options.header ?? true, ...textOptions(place, options) }
}

/** JSON Lines: one JSON object a line, UTF-8. */
export function jsonl(options: TextFormatOptions = {}): FormatDefinition {
  checkOptions('jsonl()', options, ['compression', 'maxRecord'])
  return { format: 'jsonl', ...textOptions('jsonl()', options) }
}

/** Apache Parquet: typed columns, decimals exact. Needs the peer dependency `@duckdb/node-api`. */
export function parquet(): FormatDefinition {
  return { format: 'parquet' }
}

/** Whole files under names of their own: images, models, archives. Steps write them with `files.<output>.write(name, content)`. */
export function files(): { readonly format: 'files' } {
  return { format: 'files' }
}

function textOptions(place: string, options: TextFormatOptions): { compression: Compression; maxRecordBytes: number } {
  const compression = options.compression ?? 'auto'
  if (!['none', 'gzip', 'auto'].includes(compression)) {
    throw definitionError(
      'FORMAT_INVALID',
      `${place} compression`,
      `expected none, gzip or auto, found ${show(compression)}`,
      'Leave it out to go by the file name.',
    )
  }
  return { compression, maxRecordBytes: parseSize(options.maxRecord ?? LARGEST_RECORD, `${place} maxRecord`) }
}

/** One byte in UTF-8, and none that ends a line: files are cut at bytes. */
function oneCharacter(place: string, text: string): string {
  if (typeof text === 'string' && text.length === 1 && text.charCodeAt(0) < 128 && !/[\r\n\0]/.test(text)) return text
  throw definitionError(
    'FORMAT_INVALID',
    place,
    `expected one ASCII character, found ${show(text)}`,
    "For example ';'.",
  )
}
