import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { LineFormat } from '../formats/line-format.ts'
import { BlockScanner } from '../snapshot/block-scanner.ts'
import { gzipContent, plainContent } from '../snapshot/content.ts'
import { compressionOf, recordSyntax, wholeStart } from '../snapshot/scan-file.ts'

/** What was copied of a file. */
export interface CopiedRecords {
  readonly records: number
  /** Of the copy, which is never compressed. */
  readonly bytes: number
  /** There is nothing after them in the file. */
  readonly whole: boolean
}

/**
 * Copies the first records of a CSV or JSON Lines file, with what stands before them (byte order mark, header), byte by byte
 * and decompressed. Records are cut where the readers cut them: a record keeps its number, and its offset where the file is
 * not compressed. Reads no further than it must. Errors: GZIP_DAMAGED, those of the file system.
 */
export async function copyFirstRecords(
  from: string,
  to: string,
  format: LineFormat,
  limit: number,
): Promise<CopiedRecords> {
  const file = await open(from, 'r')
  try {
    let end = -1
    let counted = 0
    const scanner = new BlockScanner(
      recordSyntax(format),
      { bytes: Number.MAX_SAFE_INTEGER, everyRecords: limit },
      (block) => {
        counted += block.records
        if (end === -1 && counted >= limit) end = block.offset + block.bytes
      },
    )
    const gzip = (await compressionOf(file, from, format.compression)) === 'gzip'
    const content = wholeStart(gzip ? gzipContent(from, () => undefined) : plainContent(file, FIRST_READ))
    const target = createWriteStream(to)
    const closed = finished(target)
    let bytes = 0
    let whole = true
    for await (const chunk of content) {
      if (end === -1) scanner.feed(chunk)
      const wanted = end === -1 ? chunk : chunk.subarray(0, Math.max(0, end - bytes))
      // The chunk's memory is used again for the next.
      if (wanted.length > 0 && !target.write(Buffer.from(wanted))) await once(target, 'drain')
      bytes += wanted.length
      if (wanted.length === chunk.length) continue
      whole = false
      break
    }
    target.end()
    await closed
    const records = end === -1 ? scanner.end().records : limit
    return { records, bytes, whole }
  } finally {
    await file.close()
  }
}

/** A few hundred records are seldom more. */
const FIRST_READ = 128 * 1024
