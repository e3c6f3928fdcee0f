import { createHash, type Hash } from 'node:crypto'
import { countLines } from './count-lines.ts'

/** Where records end in a format, as bytes. `quote` and `delimiter` are null for lines that end at every newline. */
export interface RecordSyntax {
  readonly quote: number | null
  readonly delimiter: number | null
  /** The first record names the columns and is none of the data. */
  readonly header: boolean
}

/** A run of whole records. Together the blocks of a file cover every byte of its (decompressed) content. */
export interface Block {
  /** Byte where it starts: of the decompressed content for gzip. */
  readonly offset: number
  readonly bytes: number
  /** Data records that start before it in the file. */
  readonly recordsBefore: number
  readonly records: number
  /** SHA-256, 32 bytes. */
  readonly digest: Buffer
}

export interface BlockLimits {
  /** A block ends with the first record that ends at or beyond this many bytes. */
  readonly bytes: number
  /** A block also ends where the number of records in the file so far is a multiple of this; null for no such rule. */
  readonly everyRecords: number | null
}

export interface ScannedContent {
  readonly bytes: number
  readonly records: number
  /** Byte where data starts: after a byte order mark and the header. */
  readonly dataOffset: number
  /** The header record's bytes without its newline; null where there is none. */
  readonly header: Buffer | null
}

const LF = 10
const CR = 13
/** A header is a line of names: anything longer is a file of another kind. */
const LONGEST_HEADER_BYTES = 1024 * 1024

/**
 * Finds record boundaries in content that comes in chunks, in constant memory, and cuts it into digested blocks.
 *
 * A quote opens a quoted field only where a field starts; inside one, two quotes stand for one and newlines belong to the
 * field. Anywhere else a quote is a character like any other. Empty lines are no records.
 */
export class BlockScanner {
  readonly #syntax: RecordSyntax
  readonly #limits: BlockLimits
  readonly #onBlock: (block: Block) => void

  #base = 0
  #quoted = false
  /** The last chunk ended with a quote inside a quoted field: the next byte says whether it closed the field. */
  #quotePending = false
  #lastByte = -1
  #recordStart = 0
  #blockStart = 0
  #hash: Hash = createHash('sha256')
  #records = 0
  #recordsBefore = 0
  #dataOffset = 0
  #headerDue: boolean
  #header: Buffer | null = null
  #head: Buffer[] = []

  constructor(syntax: RecordSyntax, limits: BlockLimits, onBlock: (block: Block) => void) {
    this.#syntax = syntax
    this.#limits = limits
    this.#onBlock = onBlock
    this.#headerDue = syntax.header
  }

  /** The header's bytes, once it has been passed. */
  get header(): Buffer | null {
    return this.#header
  }

  /** The next bytes of the content. The first chunk must hold at least three bytes, unless the content is shorter. */
  feed(chunk: Buffer): void {
    if (this.#base === 0) this.#dropByteOrderMark(chunk)
    if (this.#headerDue) this.#keepHead(chunk)
    const { quote } = this.#syntax
    const lines = quote === null || (!this.#quoted && !chunk.includes(quote))
    const hashed = lines ? this.#scanLines(chunk) : this.#scanQuoted(chunk, quote)
    if (hashed < chunk.length) this.#hash.update(hashed === 0 ? chunk : chunk.subarray(hashed))
    if (chunk.length > 0) this.#lastByte = chunk[chunk.length - 1] ?? -1
    this.#base += chunk.length
  }

  /** No more bytes: a last record without a newline ends here. */
  end(): ScannedContent {
    const rest = this.#base - this.#recordStart
    if (rest > 1 || (rest === 1 && this.#lastByte !== CR)) this.#endRecord(this.#base)
    if (this.#base > this.#blockStart) this.#endBlock(this.#base)
    return { bytes: this.#base, records: this.#records, dataOffset: this.#dataOffset, header: this.#header }
  }

  #dropByteOrderMark(chunk: Buffer): void {
    if (chunk[0] !== 0xef || chunk[1] !== 0xbb || chunk[2] !== 0xbf) return
    this.#recordStart = 3
    this.#dataOffset = 3
  }

  #keepHead(chunk: Buffer): void {
    if (this.#base < LONGEST_HEADER_BYTES)
      this.#head.push(Buffer.from(chunk.subarray(0, LONGEST_HEADER_BYTES - this.#base)))
  }

  /** Scans a chunk in which every newline ends a line. Returns how much of it went into the digests of closed blocks. */
  #scanLines(chunk: Buffer): number {
    let hashed = 0
    let at = 0
    while (at < chunk.length) {
      // As far as the block goes, or the chunk's whole lines do.
      const due = Math.max(at, this.#blockStart + this.#limits.bytes - this.#base - 1)
      const closing = due < chunk.length ? chunk.indexOf(LF, due) : -1
      const end = (closing === -1 ? chunk.lastIndexOf(LF) : closing) + 1
      if (end <= at) break
      if (this.#countLines(chunk, at, end)) {
        if (closing !== -1) hashed = this.#closeBlock(chunk, hashed, end)
      } else {
        hashed = this.#scanLineByLine(chunk, at, end, hashed)
      }
      at = end
    }
    return hashed
  }

  /** Takes all lines of a section at once. False where they have to be looked at one by one. */
  #countLines(chunk: Buffer, from: number, to: number): boolean {
    if (this.#headerDue || this.#limits.everyRecords !== null) return false
    const lines = countLines(chunk, from, to)
    if (lines === -1) return false
    this.#records += lines
    this.#recordStart = this.#base + to
    return true
  }

  #scanLineByLine(chunk: Buffer, from: number, to: number, before: number): number {
    let hashed = before
    for (let at = chunk.indexOf(LF, from); at !== -1 && at < to; at = chunk.indexOf(LF, at + 1)) {
      if (this.#endLine(chunk, at)) hashed = this.#closeBlock(chunk, hashed, at + 1)
    }
    return hashed
  }

  #scanQuoted(chunk: Buffer, quote: number): number {
    let hashed = 0
    let at = this.#quoted ? this.#skipQuoted(chunk, quote, 0) : 0
    if (at === -1) return hashed
    let nextQuote = chunk.indexOf(quote, at)
    let newline = chunk.indexOf(LF, at)
    for (;;) {
      if (nextQuote !== -1 && (newline === -1 || nextQuote < newline)) {
        at = nextQuote + 1
        if (this.#startsField(chunk, nextQuote)) {
          at = this.#skipQuoted(chunk, quote, at)
          if (at === -1) return hashed
          if (newline !== -1 && newline < at) newline = chunk.indexOf(LF, at)
        }
        nextQuote = chunk.indexOf(quote, at)
      } else if (newline === -1) {
        return hashed
      } else {
        if (this.#endLine(chunk, newline)) hashed = this.#closeBlock(chunk, hashed, newline + 1)
        newline = chunk.indexOf(LF, newline + 1)
      }
    }
  }

  /** From inside a quoted field to just after it; -1 where the chunk ends first. */
  #skipQuoted(chunk: Buffer, quote: number, from: number): number {
    let at = from
    this.#quoted = true
    if (this.#quotePending) {
      if (chunk.length === 0) return -1
      this.#quotePending = false
      if (chunk[at] !== quote) {
        this.#quoted = false
        return at
      }
      at += 1
    }
    for (;;) {
      const found = chunk.indexOf(quote, at)
      this.#quotePending = found === chunk.length - 1 && found !== -1
      if (found === -1 || this.#quotePending) return -1
      if (chunk[found + 1] !== quote) {
        this.#quoted = false
        return found + 1
      }
      at = found + 2
    }
  }

  #startsField(chunk: Buffer, at: number): boolean {
    if (this.#base + at === this.#recordStart) return true
    const before = at === 0 ? this.#lastByte : chunk[at - 1]
    return before === this.#syntax.delimiter
  }

  /** Ends the line whose newline is at `newline`. True where the block ends with it. */
  #endLine(chunk: Buffer, newline: number): boolean {
    const end = this.#base + newline + 1
    const length = end - this.#recordStart
    if (length === 1) this.#recordStart = end
    else if (length === 2 && (newline === 0 ? this.#lastByte : chunk[newline - 1]) === CR) this.#recordStart = end
    else this.#endRecord(end)
    const { bytes, everyRecords } = this.#limits
    if (end - this.#blockStart >= bytes) return true
    return everyRecords !== null && this.#records > this.#recordsBefore && this.#records % everyRecords === 0
  }

  #endRecord(end: number): void {
    if (this.#headerDue) {
      this.#headerDue = false
      this.#header = Buffer.concat(this.#head).subarray(this.#recordStart, end)
      this.#head = []
      this.#dataOffset = end
    } else {
      this.#records += 1
    }
    this.#recordStart = end
  }

  /** Closes the block at `end` of this chunk, of which `hashed` bytes belong to blocks before. Returns `end`. */
  #closeBlock(chunk: Buffer, hashed: number, end: number): number {
    this.#hash.update(chunk.subarray(hashed, end))
    this.#endBlock(this.#base + end)
    return end
  }

  #endBlock(end: number): void {
    this.#onBlock({
      offset: this.#blockStart,
      bytes: end - this.#blockStart,
      recordsBefore: this.#recordsBefore,
      records: this.#records - this.#recordsBefore,
      digest: this.#hash.digest(),
    })
    this.#hash = createHash('sha256')
    this.#blockStart = end
    this.#recordsBefore = this.#records
  }
}
