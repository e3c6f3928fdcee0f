import type { DatasetDefinition, Fault } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { DeadLetter } from '../contract.ts'
import { layoutRows } from '../formats/columns.ts'
import { splitRow } from '../formats/csv-row.ts'
import { readExactJson } from '../formats/exact-json.ts'
import { badJson, fieldCount, invalidUtf8, unterminatedQuote } from '../formats/faults.ts'
import { readJsonRecord } from '../formats/json-parser.ts'
import { lineFormatOf } from '../formats/line-format.ts'
import { objectReader } from '../formats/upcast.ts'
import { readLetters } from './letters.ts'
import { readFileSlice, readParquetSlice, readUpstreamSlice, type FileSlice } from './payload.ts'

/** The mended letters of one source, in order of record. */
export interface MendedSource {
  /** Numbers of the records, ascending. */
  readonly records: readonly number[]
  readonly letters: ReadonlyMap<number, DeadLetter>
}

/** What stands in for records of a partition: mended text, and what reads it as the source's own text is read. */
export interface Mending {
  readonly sources: ReadonlyMap<string, MendedSource>
  read(letter: DeadLetter): object | Fault
}

/**
 * Reads those mended letters of a file that belong to a partition's sources.
 *
 * @throws DEAD_LETTERS_MISSING, DEAD_LETTER_INVALID.
 */
export async function readMending(
  file: string,
  payload: JsonValue,
  dataset: DatasetDefinition | null,
): Promise<Mending> {
  const bySource = new Map<string, Map<number, DeadLetter>>()
  const belongs = sourceOf(payload)
  for await (const letter of readLetters(file)) {
    const { source, record } = letter.position
    if (!belongs(source)) continue
    const letters = bySource.get(source)
    if (letters === undefined) bySource.set(source, new Map([[record, letter]]))
    else letters.set(record, letter)
  }
  const sources = new Map(
    [...bySource].map(([source, letters]) => {
      const records = [...letters.keys()].toSorted((a, b) => a - b)
      return [source, { records, letters }] as const
    }),
  )
  const read = letterReader(payload, dataset)
  return { sources, read: (letter) => stillUnreadable(letter) ?? read(letter.raw) }
}

/** A dead letter's text, read as a partition reads its source's own. */
export function readLetterText(
  letter: DeadLetter,
  payload: JsonValue,
  dataset: DatasetDefinition | null,
): object | Fault {
  return stillUnreadable(letter) ?? letterReader(payload, dataset)(letter.raw)
}

function sourceOf(payload: JsonValue): (source: string) => boolean {
  const file = readFileSlice(payload) ?? readParquetSlice(payload)
  if (file !== null) return (source) => source === file.path
  const upstream = readUpstreamSlice(payload)
  return (source) => upstream !== null && source.startsWith(`${upstream.step}/`)
}

function letterReader(payload: JsonValue, dataset: DatasetDefinition | null): (raw: string) => object | Fault {
  if (dataset === null) return readStepRecord
  const slice = readFileSlice(payload)
  if (slice === null) return (raw) => readJsonRecord(raw, (value) => dataset.contract.schema.readObject(value))
  const format = lineFormatOf(slice.format, dataset.format)
  if (format.format === 'csv') return rowReader(slice, dataset, format)
  const read = objectReader(dataset.contract, slice.contractVersion)
  return (raw) => readJsonRecord(raw, read)
}

/** By the columns of the file that the letters came from. */
function rowReader(
  slice: FileSlice,
  { contract }: DatasetDefinition,
  { delimiter, quote }: { readonly delimiter: string; readonly quote: string },
): (raw: string) => object | Fault {
  const layout = layoutRows(slice.columns ?? [], contract, slice.contractVersion)
  return (raw) => {
    const { cells, unterminated } = splitRow(raw, delimiter, quote)
    if (unterminated) return unterminatedQuote()
    if (cells.length !== layout.width) return fieldCount(layout.width, cells.length)
    const wanted = new Array<string>(layout.wanted).fill('')
    for (const [column, slot] of layout.slots.entries()) if (slot >= 0) wanted[slot] = cells[column] ?? ''
    return layout.read(wanted)
  }
}

/** Text that could not be kept whole cannot be read again unless somebody mended all of it. */
function stillUnreadable(letter: DeadLetter): Fault | null {
  return letter.reason === 'invalid_utf8' && letter.raw.includes('\uFFFD') ? invalidUtf8() : null
}

function readStepRecord(raw: string): object | Fault {
  try {
    const value = readExactJson(raw)
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : badJson(typeof value)
  } catch (error) {
    return badJson(String(error))
  }
}
