import { isAscii, isUtf8 } from 'node:buffer'
import type { Fault } from '../../job/model.ts'
import { badJson, invalidUtf8, tooLarge } from './faults.ts'
import { CR, LF, type BlockBytes, type BlockParser, type ParsedBlock } from './parsed-block.ts'

/** Parses blocks of JSON Lines: one object on each line. */
export class JsonLinesParser implements BlockParser {
  readonly #read: (value: object) => object | Fault
  readonly #maxRecordBytes: number

  // The block in hand: its text where it is ASCII, and whether each record's UTF-8 has to be looked at.
  #block: BlockBytes | null = null
  #text: string | null = null
  #checkUtf8 = false

  /** `read` reads an object through the contract. */
  constructor(read: (value: object) => object | Fault, maxRecordBytes: number) {
    this.#read = read
    this.#maxRecordBytes = maxRecordBytes
  }

  parse(block: BlockBytes, from: number, limit: number): ParsedBlock {
    const { bytes, length, total } = block
    if (block !== this.#block) this.#take(block)
    const text = this.#text
    const records: (object | Fault)[] = []
    const starts = new Float64Array(limit)
    const ends = new Float64Array(limit)
    let at = from
    while (at < length) {
      const newline = bytes.indexOf(LF, at)
      const start = at
      const cut = newline >= length && length < total
      const end = cut ? total : newline
      const blank = end === start || (end === start + 1 && bytes[start] === CR)
      if (!blank && records.length === limit) break
      at = newline + 1
      if (blank) continue
      starts[records.length] = start
      ends[records.length] = end
      if (end - start > this.#maxRecordBytes) records.push(tooLarge(end - start, this.#maxRecordBytes))
      else if (this.#checkUtf8 && !isUtf8(bytes.subarray(start, end))) records.push(invalidUtf8())
      else
        records.push(
          readJsonRecord(text === null ? bytes.toString('utf8', start, end) : text.slice(start, end), this.#read),
        )
    }
    return { records, starts, ends, next: at >= length ? total : at }
  }

  #take(block: BlockBytes): void {
    const content = block.bytes.subarray(0, block.length)
    const ascii = isAscii(content)
    this.#block = block
    this.#text = ascii ? block.bytes.toString('latin1', 0, block.length) : null
    this.#checkUtf8 = !ascii && !isUtf8(content)
  }
}

/** Reads one line of JSON through a contract. */
export function readJsonRecord(line: string, read: (value: object) => object | Fault): object | Fault {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return badJson(error instanceof Error ? error.message : String(error))
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return badJson(kindOf(value))
  return read(value)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}
