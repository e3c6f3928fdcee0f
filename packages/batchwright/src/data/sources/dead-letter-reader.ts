import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { DatasetDefinition, Fault } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { Batch, BatchReader, DeadLetter } from '../contract.ts'
import { layoutRows, type RowLayout } from '../formats/columns.ts'
import { splitRow } from '../formats/csv-row.ts'
import { readExactJson } from '../formats/exact-json.ts'
import { badJson, fieldCount, invalidUtf8, tooLarge, unterminatedQuote } from '../formats/faults.ts'
import { readJsonRecord } from '../formats/json-parser.ts'
import { verifyPublished } from '../publication/verify-file.ts'
import { planFileDamaged } from '../snapshot/block-index.ts'
import { RAW_LIMIT_BYTES } from './block-batch.ts'
import { GeneratedReader } from './generated-reader.ts'
import { ObjectBatch } from './object-batch.ts'
import { isObject, number, type DeadLettersSlice } from './payload.ts'
import { readLetters, type LetterSource, type LetterSources } from './plan-dead-letters.ts'

/** Letters in one batch, at most. */
const BATCH_LETTERS = 1000

export interface DeadLetterReaderOptions {
  readonly slice: DeadLettersSlice
  readonly dataset: DatasetDefinition | null
  readonly runFolder: string
  /** Letters taken before: `{ letter }`; null for none. */
  readonly position: JsonValue
}

/** Opens dead letters for a replay: each one's text is parsed again as its source was; its place is the one it had. */
export async function openDeadLetters(options: DeadLetterReaderOptions): Promise<BatchReader> {
  await verifyPublished(options.slice.file, options.slice)
  const target = path.join(options.runFolder, options.slice.sources)
  const sources = await readFile(target, 'utf8').catch((cause: unknown) => {
    throw planFileDamaged(target, 'it cannot be read', cause)
  })
  // Written by planDeadLetters under a name that is its digest: the border of the plan file stands here.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return new GeneratedReader(batches(options, JSON.parse(sources) as LetterSources))
}

async function* batches(
  options: DeadLetterReaderOptions,
  sources: LetterSources,
): AsyncGenerator<Batch, void, undefined> {
  const { slice, dataset, position } = options
  const parse = letterParser(dataset, sources)
  const taken = isObject(position) ? number(position['letter']) : 0
  let passed = 0
  let held: DeadLetter[] = []
  const release = (): Batch => {
    const letters = held
    held = []
    return letterBatch(letters, letters.map(parse), passed - letters.length, sources, slice)
  }
  for await (const letter of readLetters(slice.file)) {
    if (passed < taken) {
      passed += 1
      continue
    }
    // A batch is of one source.
    const full = held.length === BATCH_LETTERS || held[0]?.position.source !== letter.position.source
    if (held.length > 0 && full) yield release()
    held.push(letter)
    passed += 1
  }
  if (held.length > 0) yield release()
}

function letterBatch(
  letters: readonly DeadLetter[],
  records: readonly (object | Fault)[],
  before: number,
  sources: LetterSources,
  slice: DeadLettersSlice,
): Batch {
  const at = (row: number): DeadLetter => {
    const letter = letters[row]
    if (letter === undefined) throw new RangeError(`letter ${row} of ${letters.length}`)
    return letter
  }
  return new ObjectBatch(records, null, {
    digest: sources[at(0).position.source]?.digest ?? slice.sha256,
    bytes: letters.reduce((sum, letter) => sum + letter.raw.length, 0),
    positionAfter: (row) => ({ letter: before + row + 1 }),
    locate: (row) => at(row).position,
    raw: (row) => at(row).raw,
  })
}

function letterParser(
  dataset: DatasetDefinition | null,
  sources: LetterSources,
): (letter: DeadLetter) => object | Fault {
  const layouts = new Map<LetterSource, RowLayout>()
  return (letter) => {
    const unreadable = stillUnreadable(letter)
    if (unreadable !== null) return unreadable
    if (dataset === null) return readStepRecord(letter.raw)
    const source = sources[letter.position.source]
    const columns = source?.columns ?? null
    if (source === undefined || columns === null || dataset.format.format !== 'csv') {
      return readJsonRecord(letter.raw, (value) => dataset.contract.schema.readObject(value))
    }
    let layout = layouts.get(source)
    if (layout === undefined) {
      layout = layoutRows(columns, dataset.contract)
      layouts.set(source, layout)
    }
    return readRow(letter.raw, dataset.format, layout)
  }
}

/** Text that could not be kept whole cannot be read again unless somebody mended it. */
function stillUnreadable(letter: DeadLetter): Fault | null {
  if (letter.reason === 'invalid_utf8' && letter.raw.includes('\uFFFD')) return invalidUtf8()
  const bytes = Buffer.byteLength(letter.raw)
  return letter.reason === 'too_large' && bytes >= RAW_LIMIT_BYTES - 3 ? tooLarge(bytes, RAW_LIMIT_BYTES) : null
}

function readStepRecord(raw: string): object | Fault {
  try {
    const value = readExactJson(raw)
    return value !== null && typeof value === 'object' ? value : badJson(typeof value)
  } catch (error) {
    return badJson(String(error))
  }
}

function readRow(
  raw: string,
  format: { readonly delimiter: string; readonly quote: string },
  layout: RowLayout,
): object | Fault {
  const { cells, unterminated } = splitRow(raw, format.delimiter, format.quote)
  if (unterminated) return unterminatedQuote()
  if (cells.length !== layout.width) return fieldCount(layout.width, cells.length)
  const wanted = new Array<string>(layout.wanted).fill('')
  for (const [column, slot] of layout.slots.entries()) if (slot >= 0) wanted[slot] = cells[column] ?? ''
  return layout.read(wanted)
}
