import { isAscii, isUtf8 } from 'node:buffer'
import type { Fault } from '../../job/model.ts'
import { badJson, invalidUtf8, tooLarge } from './faults.ts'
import { CR, LF, type BlockBytes, type BlockParser, type ParsedBlock } from './parsed-block.ts'
import { TextWindow } from './text-window.ts'

/** Parses blocks of JSON Lines: one object on each line. */
export class JsonLinesParser implements BlockParser {
  readonly #read: (value: object) => object | Fault
  readonly #maxRecordBytes: number
  readonly #text = new TextWindow()

  // The block in hand: whether it is ASCII, and where not, whether each record's UTF-8 has to be looked at.
  #block: BlockBytes | null = null
  #ascii = false
  #checkUtf8 = false

  /** `read` reads an object through the contract. */
  constructor(read: (value: object) => object | Fault, maxRecordBytes: number) {
    this.#read = read
    this.#maxRecordBytes = maxRecordBytes
  }

  parse(block: BlockBytes, from: number, limit: number): ParsedBlock {
    const { bytes, length, total } = block
    if (block !== this.#block) this.#take(block)
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
          readJsonRecord(this.#ascii ? this.#text.slice(start, end) : bytes.toString('utf8', start, end), this.#read),
        )
    }
    return { records, starts, ends, next: at >= length ? total : at }
  }

  #take(block: BlockBytes): void {
    const content = block.bytes.subarray(0, block.length)
    this.#block = block
    this.#ascii = isAscii(content)
    this.#text.take(block.bytes, block.length)
    this.#checkUtf8 = !this.#ascii && !isUtf8(content)
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
