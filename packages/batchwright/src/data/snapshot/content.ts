import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { BatchwrightError } from '../../kernel/errors.ts'

const READ_BYTES = 1024 * 1024

/** The bytes of an open file in chunks of a megabyte; the next chunk is being read while one is looked at. */
export async function* plainContent(
  file: FileHandle,
  chunkBytes = READ_BYTES,
): AsyncGenerator<Buffer, void, undefined> {
  let here = Buffer.allocUnsafeSlow(chunkBytes)
  let ahead = Buffer.allocUnsafeSlow(chunkBytes)
  let pending = readFully(file, here, 0)
  for (let offset = 0; ; offset += chunkBytes) {
    const length = await pending
    if (length === 0) return
    if (length < chunkBytes) {
      yield here.subarray(0, length)
      return
    }
    pending = readFully(file, ahead, offset + chunkBytes)
    pending.catch(() => undefined) // awaited above in the next turn; the consumer may leave before it
    yield here
    ;[here, ahead] = [ahead, here]
  }
}

/** Fills `target` from `offset` on; fewer bytes only at the end of the file. */
export async function readFully(
  file: FileHandle,
  target: Buffer,
  offset: number,
  length = target.length,
): Promise<number> {
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(target, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/**
 * The decompressed content of a gzip file, all members, in chunks of up to a quarter of a megabyte.
 *
 * @param onRaw called with each piece of the compressed bytes on the way: for the digest of what is on disk.
 * @throws GZIP_DAMAGED naming the file when it is cut short or corrupt.
 */
export async function* gzipContent(
  path: string,
  onRaw: (piece: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const source = createReadStream(path, { highWaterMark: 256 * 1024 })
  const gunzip = createGunzip({ chunkSize: 256 * 1024 })
  source.on('data', (piece) => {
    if (typeof piece !== 'string') onRaw(piece)
  })
  source.on('error', (error) => gunzip.destroy(error))
  source.pipe(gunzip)
  try {
    for await (const chunk of gunzip) yield asBuffer(chunk)
  } catch (cause) {
    throw cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && cause.code.startsWith('Z_')
      ? gzipDamaged(path, cause)
      : cause
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}

function asBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk
  throw new TypeError('expected a stream of buffers')
}

function gzipDamaged(path: string, cause: Error): BatchwrightError {
  return new BatchwrightError({
    code: 'GZIP_DAMAGED',
    message: `expected a whole gzip file at ${path}, found one that is cut short or corrupt: ${cause.message}`,
    hint: `Look at it with \`gzip -t ${path}\`, and deliver the file again.`,
    details: { path },
    cause,
  })
}
