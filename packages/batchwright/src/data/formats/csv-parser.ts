import { isAscii, isUtf8 } from 'node:buffer'
import type { Fault } from '../../job/model.ts'
import type { RowLayout } from './columns.ts'
import { fieldCount, invalidUtf8, tooLarge, unterminatedQuote } from './faults.ts'
import { CR, LF, type BlockBytes, type BlockParser, type ParsedBlock } from './parsed-block.ts'
import { TextWindow } from './text-window.ts'

export interface CsvSyntax {
  readonly delimiter: string
  readonly quote: string
  readonly maxRecordBytes: number
}

/** No byte has this value: stands for "quotes mean nothing here". */
const NO_BYTE = -1
const HIGHEST_ASCII = 127

/**
 * Parses blocks of CSV. Bytes are decoded as Latin-1, so that an index into the text is an index into the bytes, and
 * cells are slices of it; only cells with bytes above 127 are decoded again, as UTF-8. The newline behind every block ends
 * its last record, so that no loop has to look for the block's end.
 */
export class CsvParser implements BlockParser {
  readonly #layout: RowLayout
  readonly #delimiter: number
  readonly #quote: number
  readonly #quoteText: string
  readonly #maxRecordBytes: number
  /** The wanted cells of the row in hand: the same array for every row. */
  readonly #cells: string[]

  // The block in hand.
  #block: BlockBytes | null = null
  #bytes: Buffer = Buffer.alloc(0)
  readonly #text = new TextWindow()
  #length = 0
  /** The quote where the block has any; NO_BYTE where it has none. */
  #quoteHere = NO_BYTE
  #notUtf8 = false

  // The row in hand: where reading stands in it, its bytes or-ed together, and whether a quote stayed open.
  #at = 0
  #rowBits = 0
  #unterminated = false
  #quotedCell = ''

  constructor(syntax: CsvSyntax, layout: RowLayout) {
    this.#layout = layout
    this.#delimiter = syntax.delimiter.charCodeAt(0)
    this.#quote = syntax.quote === '' ? NO_BYTE : syntax.quote.charCodeAt(0)
    this.#quoteText = syntax.quote
    this.#maxRecordBytes = syntax.maxRecordBytes
    this.#cells = new Array<string>(layout.wanted).fill('')
  }

  parse(block: BlockBytes, from: number, limit: number): ParsedBlock {
    const { bytes, length, total } = block
    if (block !== this.#block) this.#take(block)
    const records: (object | Fault)[] = []
    const starts = new Float64Array(limit)
    const ends = new Float64Array(limit)
    let count = 0
    let start = from
    for (; start < length; start = this.#at + 1) {
      this.#at = start
      const first = bytes[start]
      if (first === LF) continue
      if (first === CR && bytes[start + 1] === LF) {
        this.#at = start + 1
        continue
      }
      if (count === limit) break
      const width = this.#readCells()
      const end = this.#at >= length ? total : this.#at
      records.push(this.#readRecord(start, end, width))
      starts[count] = start
      ends[count] = end
      count += 1
    }
    return { records, starts, ends, next: start >= length ? total : start }
  }

  #take(block: BlockBytes): void {
    const { bytes, length } = block
    const content = bytes.subarray(0, length)
    this.#block = block
    this.#bytes = bytes
    this.#text.take(bytes, length)
    this.#length = length
    this.#quoteHere = this.#quote !== NO_BYTE && content.includes(this.#quote) ? this.#quote : NO_BYTE
    this.#notUtf8 = !isAscii(content) && !isUtf8(content)
  }

  #readRecord(start: number, end: number, width: number): object | Fault {
    if (end - start > this.#maxRecordBytes) return tooLarge(end - start, this.#maxRecordBytes)
    if (this.#notUtf8 && this.#rowBits > HIGHEST_ASCII && !isUtf8(this.#bytes.subarray(start, end)))
      return invalidUtf8()
    if (this.#unterminated) return unterminatedQuote()
    if (width !== this.#layout.width) return fieldCount(this.#layout.width, width)
    return this.#layout.read(this.#cells)
  }

  /** Reads the row that starts at `#at` into `#cells`, leaves `#at` on the newline that ends it, and returns its width. */
  #readCells(): number {
    const bytes = this.#bytes
    const text = this.#text
    const delimiter = this.#delimiter
    const quote = this.#quoteHere
    const cells = this.#cells
    const { slots, width } = this.#layout
    let at = this.#at
    let rowBits = 0
    this.#unterminated = false
    for (let column = 0; ; column += 1) {
      const start = at
      const slot = column < width ? (slots[column] ?? -1) : -1
      // Past the newline behind the block there is nothing, and that cannot be reached.
      let byte = bytes[at] ?? LF
      if (byte === quote) {
        rowBits |= this.#readQuoted(at)
        at = this.#at
        byte = bytes[at] ?? LF
        if (slot >= 0) cells[slot] = this.#quotedCell
      } else {
        let bits = 0
        while (byte !== delimiter && byte !== LF) {
          bits |= byte
          at += 1
          byte = bytes[at] ?? LF
        }
        rowBits |= bits
        if (slot >= 0) {
          const end = byte === LF && at > start && bytes[at - 1] === CR ? at - 1 : at
          cells[slot] = bits <= HIGHEST_ASCII ? text.slice(start, end) : bytes.toString('utf8', start, end)
        }
      }
      if (byte === LF) {
        this.#at = at
        this.#rowBits = rowBits
        return column + 1
      }
      at += 1
    }
  }

  /**
   * Reads the quoted cell that opens at `open` into `#quotedCell`, and leaves `#at` behind it; what follows its closing
   * quote, up to the delimiter, belongs to it. Returns its bytes or-ed together.
   */
  #readQuoted(open: number): number {
    const bytes = this.#bytes
    const quote = this.#quote
    const length = this.#length
    let bits = 0
    let doubled = false
    let at = open + 1
    for (; at < length; at += 1) {
      const byte = bytes[at] ?? 0
      if (byte === quote) {
        if (bytes[at + 1] !== quote) break
        doubled = true
        at += 1
      }
      bits |= byte
    }
    const close = Math.min(at, length)
    this.#unterminated = close === length
    const tail = this.#unterminated ? close : close + 1
    const tailBits = this.#skipCell(tail)
    const inner = bits <= HIGHEST_ASCII ? this.#text.slice(open + 1, close) : bytes.toString('utf8', open + 1, close)
    const value = doubled ? inner.replaceAll(this.#quoteText + this.#quoteText, this.#quoteText) : inner
    this.#quotedCell = this.#at === tail ? value : value + this.#tailText(tail)
    return bits | tailBits
  }

  /** Moves `#at` from `from` to the delimiter or newline that ends the cell. Returns the bytes passed, or-ed together. */
  #skipCell(from: number): number {
    let bits = 0
    let at = from
    for (let byte = this.#bytes[at]; byte !== this.#delimiter && byte !== LF; byte = this.#bytes[at]) {
      bits |= byte ?? 0
      at += 1
    }
    this.#at = at
    return bits
  }

  #tailText(tail: number): string {
    const end = this.#bytes[this.#at] === LF && this.#bytes[this.#at - 1] === CR ? this.#at - 1 : this.#at
    return this.#bytes.toString('utf8', tail, end)
  }
}
