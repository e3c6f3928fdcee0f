import { isAscii, isUtf8 } from 'node:buffer'
import type { Fault } from '../../job/model.ts'
import type { RowLayout } from './columns.ts'
import { fieldCount, invalidUtf8, tooLarge, unterminatedQuote } from './faults.ts'
import { CR, LF, type BlockBytes, type BlockParser, type ParsedBlock } from './parsed-block.ts'

export interface CsvSyntax {
  readonly delimiter: string
  readonly quote: string
  readonly maxRecordBytes: number
}

/** No byte has this value: stands for "quotes mean nothing". */
const NO_BYTE = -1

/**
 * Parses blocks of CSV. The block is decoded once as Latin-1, so that an index into the text is an index into the bytes, and
 * cells are slices of it; only cells with bytes above 127 are decoded again, as UTF-8.
 */
export class CsvParser implements BlockParser {
  readonly #layout: RowLayout
  readonly #delimiter: number
  readonly #quote: number
  readonly #quoteText: string
  readonly #maxRecordBytes: number
  readonly #cells: string[]

  // A quoted cell, as the last call of #readQuoted found it.
  #cellEnd = 0
  #cellText = ''
  #high = 0
  #unterminated = false

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
    const text = bytes.toString('latin1', 0, length)
    const content = bytes.subarray(0, length)
    const quote = this.#quote !== NO_BYTE && content.includes(this.#quote, from) ? this.#quote : NO_BYTE
    const checkUtf8 = !isAscii(content) && !isUtf8(content)
    const { width, slots, read } = this.#layout
    const cells = this.#cells
    const delimiter = this.#delimiter
    const maxRecordBytes = this.#maxRecordBytes
    const records = new Array<object | Fault>(limit)
    const starts = new Float64Array(limit)
    const ends = new Float64Array(limit)
    let count = 0
    let at = from
    while (at < length) {
      let byte = bytes[at]
      if (byte === LF) {
        at += 1
        continue
      }
      if (byte === CR && bytes[at + 1] === LF) {
        at += 2
        continue
      }
      const start = at
      let column = 0
      let rowHigh = 0
      this.#unterminated = false
      for (;;) {
        const cellStart = at
        if (byte === quote) {
          this.#readQuoted(bytes, text, length, at)
          at = this.#cellEnd
          rowHigh |= this.#high
          if (column < width) {
            const slot = slots[column] ?? -1
            if (slot >= 0) cells[slot] = this.#cellText
          }
          byte = bytes[at]
        } else {
          let high = 0
          while (byte !== delimiter && byte !== LF) {
            // `undefined` would end neither loop: the newline behind the block does.
            high |= byte ?? 0
            at += 1
            byte = bytes[at]
          }
          rowHigh |= high
          if (column < width) {
            const slot = slots[column] ?? -1
            if (slot >= 0) {
              const end = byte === LF && at > cellStart && bytes[at - 1] === CR ? at - 1 : at
              cells[slot] = high < 128 ? text.slice(cellStart, end) : bytes.toString('utf8', cellStart, end)
            }
          }
        }
        column += 1
        if (byte === LF) break
        at += 1
        byte = bytes[at]
      }
      const cut = at >= length && length < total
      const end = cut ? total : at
      let record: object | Fault
      if (cut || end - start > maxRecordBytes) record = tooLarge(end - start, maxRecordBytes)
      else if (checkUtf8 && rowHigh > 127 && !isUtf8(bytes.subarray(start, end))) record = invalidUtf8()
      else if (this.#unterminated) record = unterminatedQuote()
      else if (column !== width) record = fieldCount(width, column)
      else record = read(cells)
      records[count] = record
      starts[count] = start
      ends[count] = end
      count += 1
      at += 1
    }
    records.length = count
    return { records, starts, ends }
  }

  /** Reads the quoted cell that opens at `open`; what follows its closing quote, up to the delimiter, belongs to it. */
  #readQuoted(bytes: Buffer, text: string, length: number, open: number): void {
    const quote = this.#quote
    let high = 0
    let doubled = false
    let at = open + 1
    for (;;) {
      const byte = bytes[at] ?? LF
      if (at >= length) {
        this.#unterminated = true
        break
      }
      high |= byte
      if (byte === quote) {
        if (bytes[at + 1] !== quote) break
        doubled = true
        at += 1
      }
      at += 1
    }
    const close = at
    if (!this.#unterminated) at += 1
    const tail = at
    for (let byte = bytes[at]; byte !== this.#delimiter && byte !== LF; byte = bytes[at]) {
      high |= byte ?? 0
      at += 1
    }
    this.#cellEnd = at
    this.#high = high
    const tailEnd = at > tail && bytes[at] === LF && bytes[at - 1] === CR ? at - 1 : at
    const inner = high < 128 ? text.slice(open + 1, close) : bytes.toString('utf8', open + 1, close)
    const value = doubled ? inner.replaceAll(this.#quoteText + this.#quoteText, this.#quoteText) : inner
    this.#cellText = tailEnd > tail ? value + bytes.toString('utf8', tail, tailEnd) : value
  }
}
