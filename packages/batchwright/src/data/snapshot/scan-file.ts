import { createHash } from 'node:crypto'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { BatchwrightError } from '../../kernel/errors.ts'
import { headerColumns } from '../formats/csv-row.ts'
import type { LineFormat } from '../formats/line-format.ts'
import { BlockList } from './block-index.ts'
import { BlockScanner, type BlockLimits, type RecordSyntax, type ScannedContent } from './block-scanner.ts'
import { gzipContent, plainContent } from './content.ts'

/** What one pass over a file found. */
export interface ScannedFile extends ScannedContent {
  readonly compression: 'none' | 'gzip'
  /** Size on disk. */
  readonly diskBytes: number
  readonly modifiedMs: number
  /** SHA-256 of the bytes on disk, hex. */
  readonly sha256: string
  readonly blocks: BlockList
}

/** One pass over a file: digests of the whole and of each block, record counts and boundaries. */
export async function scanFile(
  path: string,
  format: LineFormat,
  limits: BlockLimits,
  chunkBytes?: number,
): Promise<ScannedFile> {
  const file = await open(path, 'r')
  try {
    const before = await file.stat({ bigint: true })
    const compression = await compressionOf(file, path, format.compression)
    const whole = createHash('sha256')
    const blocks = new BlockList()
    const scanner = new BlockScanner(recordSyntax(format), limits, (block) => {
      blocks.push(block)
    })
    if (compression === 'gzip') {
      const content = gzipContent(path, (piece) => whole.update(piece))
      for await (const chunk of wholeStart(content)) scanner.feed(chunk)
    } else {
      for await (const chunk of plainContent(file, chunkBytes)) {
        whole.update(chunk)
        scanner.feed(chunk)
      }
    }
    const content = scanner.end()
    const after = await stat(path, { bigint: true })
    const unchanged = before.ino === after.ino && before.size === after.size && before.mtimeNs === after.mtimeNs
    if (!unchanged) throw changedWhileRead(path)
    return {
      ...content,
      compression,
      diskBytes: Number(before.size),
      modifiedMs: Number(before.mtimeNs / 1_000_000n),
      sha256: whole.digest('hex'),
      blocks,
    }
  } finally {
    await file.close()
  }
}

/** The names in a CSV file's header; null where there is no such file, or no header in it. */
export async function readHeader(
  path: string,
  format: Extract<LineFormat, { format: 'csv' }>,
): Promise<readonly string[] | null> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  })
  if (file === null) return null
  try {
    const scanner = new BlockScanner(recordSyntax(format), { bytes: 1, everyRecords: null }, () => undefined)
    const gzip = (await compressionOf(file, path, format.compression)) === 'gzip'
    const content = gzip ? gzipContent(path, () => undefined) : plainContent(file)
    for await (const chunk of wholeStart(content)) {
      scanner.feed(chunk)
      if (scanner.header !== null) break
    }
    scanner.end()
    return scanner.header === null ? null : headerColumns(scanner.header, format.delimiter, format.quote)
  } finally {
    await file.close()
  }
}

export function recordSyntax(format: LineFormat): RecordSyntax {
  if (format.format === 'jsonl') return { quote: null, delimiter: null, header: false }
  return {
    quote: format.quote === '' ? null : format.quote.charCodeAt(0),
    delimiter: format.delimiter.charCodeAt(0),
    header: format.header,
  }
}

/** `auto` looks at the name first, then at the first two bytes. */
export async function compressionOf(
  file: FileHandle,
  path: string,
  declared: LineFormat['compression'],
): Promise<'none' | 'gzip'> {
  if (declared !== 'auto') return declared
  if (path.endsWith('.gz')) return 'gzip'
  const magic = Buffer.alloc(2)
  await file.read(magic, 0, 2, 0)
  return magic[0] === 0x1f && magic[1] === 0x8b ? 'gzip' : 'none'
}

/** Joins first chunks until the scanner can see a byte order mark. */
export async function* wholeStart(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let start: Buffer | null = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (start === null) {
      yield chunk
      continue
    }
    start = Buffer.concat([start, chunk])
    if (start.length < 3) continue
    yield start
    start = null
  }
  if (start !== null && start.length > 0) yield start
}

function changedWhileRead(path: string): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_CHANGED',
    message: `expected ${path} to stand still while it was planned; its size, time or identity changed under the reader`,
    hint: 'Let whoever writes it finish: best is to write under another name and rename.',
    details: { path },
    retryable: true,
  })
}
