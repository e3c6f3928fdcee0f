import type { Fault, RecordPosition } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { Batch } from '../contract.ts'
import type { ParsedBlock } from '../formats/parsed-block.ts'

/** Bytes of a record that a dead letter keeps. */
export const RAW_LIMIT_BYTES = 64 * 1024

const LF = 10
const CR = 13

/** What all records of a batch share. */
export interface BlockPlace {
  /** As people know it: the path of the file. */
  readonly source: string
  readonly windowKey: string | null
  /** SHA-256 of the file, hex. */
  readonly digest: string
  /** Byte of the block in its file; of the decompressed content for gzip. */
  readonly offset: number
  /** Byte after the batch: where its last record's successor is looked for. */
  readonly end: number
  readonly compressed: boolean
  /** Number of the batch's first record, from 1. */
  readonly firstRecord: number
}

/** Records of one block. Positions and raw text are worked out only when somebody asks. */
export class BlockBatch implements Batch {
  readonly digest: string
  readonly records: readonly (object | Fault)[]
  readonly bytes: number
  readonly #parsed: ParsedBlock
  readonly #content: Buffer
  readonly #place: BlockPlace
  /** For each record its place among the parsed ones; null where the batch has all of them. */
  readonly #kept: readonly number[] | null

  constructor(parsed: ParsedBlock, content: Buffer, place: BlockPlace, bytes: number, kept: readonly number[] | null) {
    this.records = kept === null ? parsed.records : kept.map((index) => recordAt(parsed, index))
    this.digest = place.digest
    this.bytes = bytes
    this.#parsed = parsed
    this.#content = content
    this.#place = place
    this.#kept = kept
  }

  positionAfter(index: number): JsonValue {
    const row = this.#row(index)
    const next = row + 1 < this.#parsed.records.length ? this.#start(row + 1) : this.#place.end - this.#place.offset
    return { offset: this.#place.offset + next, record: this.#place.firstRecord + row }
  }

  locate(index: number): RecordPosition {
    const row = this.#row(index)
    return {
      source: this.#place.source,
      windowKey: this.#place.windowKey,
      record: this.#place.firstRecord + row,
      offset: this.#place.compressed ? null : this.#place.offset + this.#start(row),
    }
  }

  bytesBefore(index: number): number {
    // The batch begins this far in its block, before the blank lines that its first record may have before it.
    const begin = this.#place.end - this.#place.offset - this.bytes
    return index === 0 ? 0 : this.#start(this.#row(index)) - begin
  }

  raw(index: number): string {
    const row = this.#row(index)
    const start = this.#start(row)
    let end = Math.min(this.#parsed.ends[row] ?? start, start + RAW_LIMIT_BYTES)
    if (this.#content[end] === LF && end > start && this.#content[end - 1] === CR) end -= 1
    return this.#content.toString('utf8', start, end)
  }

  #row(index: number): number {
    const row = this.#kept === null ? index : this.#kept[index]
    if (row === undefined || row < 0 || row >= this.#parsed.records.length) {
      throw new RangeError(`record ${index} of a batch of ${this.records.length}`)
    }
    return row
  }

  #start(row: number): number {
    return this.#parsed.starts[row] ?? 0
  }
}

function recordAt(parsed: ParsedBlock, index: number): object | Fault {
  const record = parsed.records[index]
  if (record === undefined) throw new RangeError(`record ${index} of ${parsed.records.length}`)
  return record
}
