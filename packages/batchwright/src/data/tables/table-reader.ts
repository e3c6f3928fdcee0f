import type { DatasetDefinition, Fault } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { sha256 } from '../../kernel/digest.ts'
import type { Batch, BatchReader, CutRefused, CutRequest, PartitionCut, PartitionPiece } from '../contract.ts'
import { exactJson } from '../formats/exact-json.ts'
import { RAW_LIMIT_BYTES } from '../sources/block-batch.ts'
import { ObjectBatch } from '../sources/object-batch.ts'
import { keepShare } from '../sources/share.ts'
import type { TableConnection } from './connection.ts'
import { fitTable } from './fit.ts'
import { openTable, type TableAccess } from './open.ts'
import { Pages, type Page } from './pages.ts'
import type { SqlKey } from './range.ts'
import { readTablePosition, tablePayload, type TableSlice } from './slice.ts'

/** Rows of a batch: some quarter of a megabyte. */
const PAGE = 2_000
/** Bytes that a row counts as: nobody says how long it is. */
const ROW_BYTES = 100

export interface TableReaderOptions {
  readonly slice: TableSlice
  readonly dataset: DatasetDefinition
  readonly access: TableAccess
  readonly key: ((record: object) => string) | null
  readonly position: JsonValue
}

/** Opens a range of keys of a live table, at its beginning or behind the key where an earlier reader stopped. */
export async function openTableReader(options: TableReaderOptions): Promise<BatchReader> {
  const { dataset, access, slice } = options
  const connection = await openTable(dataset, access, `read/${slice.source}`)
  try {
    const pages = new Pages(connection, dataset, await fitTable(connection, dataset, 'read'))
    return new TableReader(connection, pages, options)
  } catch (thrown) {
    await connection.close()
    throw thrown
  }
}

class TableReader implements BatchReader {
  readonly #connection: TableConnection
  readonly #pages: Pages
  readonly #options: TableReaderOptions
  readonly #digest: string
  #slice: TableSlice
  /** Where the page under way begins. */
  #after: readonly SqlKey[] | null
  #record: number
  #ended = false
  /** The next page, asked for while the last one is worked on; null where none is under way. */
  #ahead: Promise<Page> | null = null

  constructor(connection: TableConnection, pages: Pages, options: TableReaderOptions) {
    const { slice, position } = options
    const { after, record } = readTablePosition(position, slice)
    this.#connection = connection
    this.#pages = pages
    this.#options = options
    this.#slice = slice
    this.#after = after
    this.#record = record
    this.#digest = sha256(`${slice.digest} ${slice.source}`)
  }

  async read(): Promise<Batch | null> {
    while (!this.#ended) {
      const page = await (this.#ahead ?? this.#fetch())
      this.#ahead = null
      const first = this.#record
      this.#record += page.keys.length
      this.#after = page.keys.at(-1) ?? this.#after
      if (page.keys.length < PAGE) this.#ended = true
      else this.#ahead = seen(this.#fetch())
      const batch = this.#batch(page, first)
      if (batch !== null) return batch
    }
    return null
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#ahead])
    await this.#connection.close()
  }

  /**
   * Cuts what lies behind the records taken into pieces of about equal size. Inside the batch a cut falls on a key that was
   * read; behind it the database is asked: rows that came since the batch was read are then on one side of a cut or the other.
   */
  async cut({ batch, taken, pieces }: CutRequest): Promise<PartitionCut | CutRefused> {
    if (this.#options.slice.share !== null) return { refused: 'a partition by the hash of a key reads the whole table' }
    // One statement at a time goes over a connection.
    await Promise.allSettled([this.#ahead])
    const { range, until } = this.#slice
    const size = batch.records.length
    const end = readTablePosition(batch.positionAfter(size - 1), this.#slice)
    const left = size - taken + (await this.#pages.count(range, end.after, until))
    const each = Math.ceil(left / pieces)
    const keep = Math.min(size, taken + each)
    const beyond = each - (size - taken)
    const first =
      beyond <= 0
        ? readTablePosition(batch.positionAfter(keep - 1), this.#slice).after
        : ((await this.#pages.everyNth(range, beyond, end.after, until)).at(0) ?? null)
    if (first === null || left <= each) return { refused: 'too few rows are left' }
    const further = await this.#pages.everyNth(range, each, first, until)
    const cuts = [first, ...further.filter((key) => !same(key, until)).slice(0, pieces - 2)]
    const at = readTablePosition(batch.positionAfter(taken - 1), this.#slice).record
    const rest = cuts.map((key, place): PartitionPiece => {
      const before = each * (place + 1)
      const slice = { ...this.#slice, after: key, until: cuts[place + 1] ?? until, first: at + before }
      return this.#piece(slice, place < cuts.length - 1 ? each : left - before)
    })
    const own = { ...this.#slice, until: first }
    return {
      own: this.#piece(own, at - this.#slice.first + each),
      rest,
      keep,
      take: () => {
        this.#slice = own
        // What was read ahead may lie behind the cut: it is read again, up to it.
        this.#ahead = null
        this.#after = end.after
        this.#record = end.record
        this.#ended = beyond <= 0
      },
    }
  }

  #piece(slice: TableSlice, records: number): PartitionPiece {
    const shown = (key: readonly SqlKey[] | null): string => (key ?? []).join(', ').slice(0, 60)
    const label = `${slice.source}${slice.after === null ? '' : ` ${shown(slice.after)}`} to ${shown(slice.until)}`
    return { payload: tablePayload(slice), label, records: Math.max(0, records), bytes: null }
  }

  #fetch(): Promise<Page> {
    const { range, until } = this.#slice
    return this.#pages.read(range, this.#after, until, PAGE)
  }

  #batch({ objects, keys }: Page, first: number): Batch | null {
    const { dataset, key } = this.#options
    const { share, source, windowKey } = this.#slice
    const { schema } = dataset.contract
    const records = objects.map((object): object | Fault => schema.readObject(object))
    const kept = share === null ? null : keepShare(records, first + 1, share, key)
    if (records.length === 0 || kept?.length === 0) return null
    return new ObjectBatch(records, kept, {
      digest: this.#digest,
      bytes: records.length * ROW_BYTES,
      positionAfter: (row) => ({ after: [...(keys[row] ?? [])], record: first + row + 1 }),
      locate: (row) => ({ source, windowKey, record: first + row + 1, offset: null }),
      raw: (row) => exactJson(objects[row] ?? {}).slice(0, RAW_LIMIT_BYTES),
    })
  }
}

function same(key: readonly SqlKey[], other: readonly SqlKey[] | null): boolean {
  return JSON.stringify(key) === JSON.stringify(other)
}

/** A promise that is awaited later, or not at all: no unhandled rejection until then. */
function seen<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined)
  return promise
}
