import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Batch, BatchReader, CutRefused, CutRequest, PartitionCut } from '../contract.ts'
import type { BlockBytes, BlockParser } from '../formats/parsed-block.ts'
import { readBlockRange } from '../snapshot/block-index.ts'
import type { Block } from '../snapshot/block-scanner.ts'
import { gzipContent, readFully } from '../snapshot/content.ts'
import { BlockBatch } from './block-batch.ts'
import { cutSlice } from './cut-slice.ts'
import type { FileSlice, LinePosition } from './payload.ts'
import { keepShare } from './share.ts'
import { inputUnreadable } from './unreadable.ts'

const LF = 10
/** Pieces in which a block too large to be kept is digested. */
const PIECE_BYTES = 1024 * 1024

export interface SliceReaderOptions {
  readonly slice: FileSlice
  readonly project: string
  readonly runFolder: string
  readonly parser: BlockParser
  readonly maxRecordBytes: number
  readonly blockBytes: number
  /** Reads the key of a record, for a slice that keeps a share of them. */
  readonly key: ((record: object) => string) | null
  readonly position: LinePosition | null
}

/**
 * Records of one batch at most. A block holds several thousand small ones; handed out all at once, and again one block
 * ahead, they would outlive the young generation's sweeps and cost more than their parsing.
 */
const BATCH_RECORDS = 1000

/** A block, read and verified. */
interface ReadBlock {
  readonly block: Block
  readonly content: BlockBytes
}

/** A block in hand, and how far it has been parsed. */
interface OpenBlock extends ReadBlock {
  /** From the block's start. */
  at: number
  recordsBefore: number
}

/** Where the bytes of blocks come from: asked for them in order. */
interface BlockSource {
  /** The block's first bytes, up to `keep`, and its SHA-256. */
  read(block: Block, keep: number): Promise<{ readonly content: BlockBytes; readonly digest: Buffer }>
  close(): Promise<void>
}

/**
 * Reads a slice of a file, in verified blocks, each in one batch or several; the next block is being read while this one is worked on.
 * A record too large is never held whole.
 */
export class SliceReader implements BatchReader {
  readonly #options: SliceReaderOptions
  readonly #source: BlockSource
  readonly #blocks: AsyncIterator<Block>
  #ahead: Promise<ReadBlock | null>
  #open: OpenBlock | null = null
  readonly #position: LinePosition | null
  /** The slice, as far as it is this reader's: a cut makes it shorter. */
  #slice: FileSlice

  private constructor(options: SliceReaderOptions, source: BlockSource) {
    this.#options = options
    this.#source = source
    this.#position = options.position ?? options.slice.since
    this.#slice = options.slice
    this.#blocks = readBlockRange(options.runFolder, options.slice.blocks)
    this.#ahead = this.#readAhead()
  }

  static async open(options: SliceReaderOptions): Promise<SliceReader> {
    const file = path.resolve(options.project, options.slice.path)
    const handle = await openInput(file)
    try {
      await expectPlannedSize(options.slice, handle)
    } catch (thrown) {
      await handle.close()
      throw thrown
    }
    if (options.slice.compression === 'none') return new SliceReader(options, new PlainBlocks(handle, file))
    await handle.close() // was opened to see that it is there
    return new SliceReader(options, new GzipBlocks(file))
  }

  async read(): Promise<Batch | null> {
    for (;;) {
      if (this.#open === null) {
        const next = await this.#ahead
        if (next === null || this.#isOver(next.block.recordsBefore)) return null
        this.#ahead = this.#readAhead()
        this.#open = this.#enter(next)
      }
      const batch = this.#parse(this.#open)
      if (batch !== null) return batch
    }
  }

  async cut(request: CutRequest): Promise<PartitionCut | CutRefused> {
    const { runFolder, parser, blockBytes, maxRecordBytes } = this.#options
    if (this.#slice.compression === 'gzip') return { refused: 'a compressed file can only be read from its beginning' }
    const pieces = await cutSlice(this.#slice, request, runFolder, async (block, at, records) => {
      const { content, digest } = await this.#source.read(block, blockBytes + maxRecordBytes)
      if (!digest.equals(block.digest)) throw inputChanged(this.#slice, block, digest)
      return parser.parse(content, at, records).next
    })
    if ('refused' in pieces) return pieces
    return {
      ...pieces,
      take: () => {
        this.#slice = pieces.slice
      },
    }
  }

  async close(): Promise<void> {
    await this.#ahead.catch(() => null) // its failure is of no interest to one who leaves
    await this.#blocks.return?.()
    await this.#source.close()
  }

  /** Whether nothing that comes after this many records of the file is this reader's. */
  #isOver(recordsBefore: number): boolean {
    const { until } = this.#slice
    return until !== null && recordsBefore >= until.record
  }

  #readAhead(): Promise<ReadBlock | null> {
    const reading = this.#readBlock()
    reading.catch(() => undefined) // seen by the read() that awaits it
    return reading
  }

  async #readBlock(): Promise<ReadBlock | null> {
    const { slice, blockBytes, maxRecordBytes } = this.#options
    for (;;) {
      const next = await this.#blocks.next()
      if (next.done === true) return null
      const block = next.value
      if (this.#isOver(block.recordsBefore)) return null
      if (this.#position !== null && block.offset + block.bytes <= this.#position.offset) continue
      const { content, digest } = await this.#source.read(block, blockBytes + maxRecordBytes)
      if (!digest.equals(block.digest)) throw inputChanged(slice, block, digest)
      return { block, content }
    }
  }

  /** Where reading starts in a block: behind the header, or at the position that was asked for. */
  #enter({ block, content }: ReadBlock): OpenBlock {
    const resumed = this.#position !== null && this.#position.offset > block.offset ? this.#position : null
    const at = Math.max(resumed?.offset ?? block.offset, this.#options.slice.dataOffset) - block.offset
    return { block, content, at, recordsBefore: resumed?.record ?? block.recordsBefore }
  }

  /** The next batch of the block in hand; null where none of its records is wanted. Lets go of the block at its end. */
  #parse(open: OpenBlock): Batch | null {
    const { parser, key } = this.#options
    const slice = this.#slice
    const { block, content, at, recordsBefore } = open
    const blockEnd = block.recordsBefore + block.records
    const end = Math.min(blockEnd, slice.until?.record ?? blockEnd)
    const expected = Math.max(0, end - recordsBefore)
    const parsed = parser.parse(content, at, Math.min(expected, BATCH_RECORDS))
    const found = parsed.records.length
    const whole = found === expected
    const last = whole && end === blockEnd
    const surplus = last && parsed.next < content.total ? parser.parse(content, parsed.next, 1).records.length : 0
    if (surplus > 0 || (!whole && found < BATCH_RECORDS))
      throw countDiffers(slice, block, recordsBefore + found + surplus)
    if (whole) this.#open = null
    open.at = last ? block.bytes : parsed.next
    open.recordsBefore += found
    const kept = slice.share === null ? null : keepShare(parsed.records, recordsBefore + 1, slice.share, key)
    if (found === 0 || kept?.length === 0) return null
    const place = {
      source: slice.path,
      windowKey: slice.windowKey,
      digest: slice.sha256,
      offset: block.offset,
      end: block.offset + open.at,
      compressed: slice.compression === 'gzip',
      firstRecord: recordsBefore + 1,
    }
    return new BlockBatch(parsed, content.bytes, place, open.at - at, kept)
  }
}

class PlainBlocks implements BlockSource {
  readonly #file: FileHandle
  readonly #path: string

  constructor(file: FileHandle, path: string) {
    this.#file = file
    this.#path = path
  }

  async read(block: Block, keep: number): Promise<{ readonly content: BlockBytes; readonly digest: Buffer }> {
    const length = Math.min(block.bytes, keep)
    const bytes = Buffer.allocUnsafeSlow(length + 1)
    bytes[length] = LF
    await this.#fill(bytes, block.offset, length)
    const hash = createHash('sha256').update(bytes.subarray(0, length))
    if (length < block.bytes) {
      const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
      for (let at = length; at < block.bytes; at += PIECE_BYTES) {
        const size = Math.min(PIECE_BYTES, block.bytes - at)
        await this.#fill(piece, block.offset + at, size)
        hash.update(piece.subarray(0, size))
      }
    }
    return { content: { bytes, length, total: block.bytes }, digest: hash.digest() }
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #fill(target: Buffer, offset: number, length: number): Promise<void> {
    const filled = await readFully(this.#file, target, offset, length)
    if (filled < length) throw endsEarly(this.#path, offset + filled, offset + length)
  }
}

/** Blocks of decompressed content: blocks before the wanted one are decompressed and let go. */
class GzipBlocks implements BlockSource {
  readonly #path: string
  readonly #chunks: AsyncIterator<Buffer>
  #chunk: Buffer = Buffer.alloc(0)
  #offset = 0

  constructor(path: string) {
    this.#path = path
    this.#chunks = gzipContent(path, () => undefined)
  }

  async read(block: Block, keep: number): Promise<{ readonly content: BlockBytes; readonly digest: Buffer }> {
    while (this.#offset < block.offset) await this.#take(block.offset - this.#offset)
    const length = Math.min(block.bytes, keep)
    const bytes = Buffer.allocUnsafeSlow(length + 1)
    bytes[length] = LF
    const hash = createHash('sha256')
    for (let at = 0; at < block.bytes;) {
      const piece = await this.#take(block.bytes - at)
      hash.update(piece)
      if (at < length) piece.copy(bytes, at, 0, Math.min(piece.length, length - at))
      at += piece.length
    }
    return { content: { bytes, length, total: block.bytes }, digest: hash.digest() }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #take(most: number): Promise<Buffer> {
    if (this.#chunk.length === 0) {
      const next = await this.#chunks.next().catch((cause: unknown) => {
        throw noLongerWhole(this.#path, this.#offset, cause)
      })
      if (next.done === true) throw endsEarly(this.#path, this.#offset, this.#offset + most)
      this.#chunk = next.value
    }
    const taken = this.#chunk.subarray(0, most)
    this.#chunk = this.#chunk.subarray(taken.length)
    this.#offset += taken.length
    return taken
  }
}

async function openInput(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r')
  } catch (cause) {
    const unreadable = inputUnreadable(cause, file)
    if (unreadable !== null) throw unreadable
    throw new BatchwrightError({
      code: 'INPUT_MISSING',
      message: `expected ${file}, which was there when the step was planned; it cannot be opened`,
      hint: 'Bring the same file back, then `batchwright retry RUN` goes on; or take what is there now: `batchwright rerun JOB --window WINDOW` makes a new revision.',
      details: { path: file },
      cause,
    })
  }
}

/** What was added behind the planned blocks is in none of them: only the size tells. */
async function expectPlannedSize({ path, sha256, fileBytes }: FileSlice, handle: FileHandle): Promise<void> {
  const { size } = await handle.stat()
  if (size === fileBytes) return
  throw new BatchwrightError({
    code: 'INPUT_CHANGED',
    message: `expected ${path} as it was planned, with ${fileBytes} bytes (SHA-256 ${sha256}); it has ${size} bytes`,
    hint: CHANGED_HINT,
    details: { path, expectedBytes: fileBytes, foundBytes: size },
  })
}

const CHANGED_HINT =
  'Put the planned content back, then `batchwright retry RUN` goes on; or take what is there now: `batchwright rerun JOB --window WINDOW` makes a new revision.'

function inputChanged(slice: FileSlice, block: Block, found: Buffer): BatchwrightError {
  const end = block.offset + block.bytes
  return new BatchwrightError({
    code: 'INPUT_CHANGED',
    message:
      `expected ${slice.path} as it was planned (SHA-256 ${slice.sha256}); bytes ${block.offset} to ${end} differ: ` +
      `planned ${block.digest.toString('hex')}, found ${found.toString('hex')}`,
    hint: CHANGED_HINT,
    details: { path: slice.path, sha256: slice.sha256, blockOffset: block.offset, blockBytes: block.bytes },
  })
}

function endsEarly(file: string, found: number, expected: number): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_CHANGED',
    message: `expected ${file} as it was planned, with at least ${expected} bytes of content; it ends at byte ${found}`,
    hint: CHANGED_HINT,
    details: { path: file, expectedBytes: expected, foundBytes: found },
  })
}

/** It was whole when it was planned: what is damaged now has changed. */
function noLongerWhole(file: string, offset: number, cause: unknown): unknown {
  if (!(cause instanceof BatchwrightError) || cause.code !== 'GZIP_DAMAGED') return cause
  return new BatchwrightError({
    code: 'INPUT_CHANGED',
    message: `expected ${file} as it was planned; its compressed data is damaged after ${offset} bytes of content`,
    hint: CHANGED_HINT,
    details: { path: file, contentOffset: offset },
    cause,
  })
}

function countDiffers(slice: FileSlice, block: Block, recordsBefore: number): BatchwrightError {
  const expected = block.records
  const found = recordsBefore - block.recordsBefore
  return new BatchwrightError({
    code: 'INPUT_INDEX_MISMATCH',
    message:
      `expected ${expected} records in block ${block.offset} of ${slice.path}, as planned; found ${found}. ` +
      'The format of the dataset is not the one it was planned with',
    hint: 'Plan the step again: `batchwright retry RUN --from STEP`.',
    details: { path: slice.path, blockOffset: block.offset, expected, found },
  })
}
