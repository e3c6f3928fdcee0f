import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { BlockEntry, Part } from '../../protocol/index.ts'
import type { ReadBlocks } from '../contract.ts'
import { finishedPartLost, stepThatWrote, systemCode } from '../sinks/storage-errors.ts'
import { LENGTH_BYTES } from './block-sink.ts'
import { unpackRecords } from './codec.ts'

const READ_BYTES = 1024 * 1024
/** Files that this thread has verified, by path: a reduce step reads each file once for every bucket. */
const VERIFIED_LIMIT = 4096
const verified = new Map<string, string>()

/**
 * The records of chosen blocks, in the order of the file. The whole part is verified against its SHA-256 before its first
 * record is handed out (once in a thread, while the file stays the same). Errors: OUTPUT_LOST where the file is not there,
 * CHECKSUM_MISMATCH where it is not what was written.
 */
export const readBlocks: ReadBlocks = async function* (part, choose) {
  const chosen = (part.blocks ?? []).filter(choose)
  if (chosen.length === 0) return
  const file = await openPart(part)
  try {
    await verify(file, part)
    const buffer = Buffer.allocUnsafe(Math.max(...chosen.map((block) => block.bytes)))
    for (const block of chosen) yield* recordsOf(await readBlock(file, part, block, buffer))
  } finally {
    await file.close()
  }
}

function* recordsOf(block: Buffer): Generator<readonly object[]> {
  let offset = 0
  while (offset < block.length) {
    const start = offset + LENGTH_BYTES
    offset = start + block.readUInt32LE(offset)
    yield unpackRecords(block.subarray(start, offset))
  }
}

async function readBlock(file: FileHandle, part: Part, block: BlockEntry, buffer: Buffer): Promise<Buffer> {
  let filled = 0
  while (filled < block.bytes) {
    const { bytesRead } = await file.read(buffer, filled, block.bytes - filled, block.offset + filled)
    if (bytesRead === 0)
      throw finishedPartLost(part.path, `${part.bytes} bytes`, `an end at byte ${block.offset + filled}`)
    filled += bytesRead
  }
  return buffer.subarray(0, block.bytes)
}

async function openPart(part: Part): Promise<FileHandle> {
  try {
    return await open(part.path, 'r')
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') throw finishedPartLost(part.path, `${part.bytes} bytes`, 'no such file')
    throw thrown
  }
}

async function verify(file: FileHandle, part: Part): Promise<void> {
  const { size, mtimeMs, ino } = await file.stat()
  const seen = `${part.sha256} ${size} ${mtimeMs} ${ino}`
  if (verified.get(part.path) === seen) return
  const found = await digest(file)
  if (found !== part.sha256) {
    throw new BatchwrightError({
      code: 'CHECKSUM_MISMATCH',
      message: `${part.path}: expected SHA-256 ${part.sha256}, found ${found}`,
      hint: `The file was changed after it was written. Make it anew: \`batchwright retry RUN --from ${stepThatWrote(part.path)}\`.`,
      details: { path: part.path, expected: part.sha256, found },
    })
  }
  if (verified.size >= VERIFIED_LIMIT) verified.clear()
  verified.set(part.path, seen)
}

async function digest(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  for (let position = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
}
