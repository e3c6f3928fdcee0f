import { open, rename } from 'node:fs/promises'
import path from 'node:path'
import { createHash } from 'node:crypto'
import { BatchwrightError } from '../../kernel/errors.ts'
import { systemRandom } from '../../kernel/random.ts'
import { makeFolder, syncFolder } from '../sinks/folders.ts'
import type { Block } from './block-scanner.ts'

/**
 * The sidecar file of a plan: every block of every planned file, 64 bytes each, so that a partition reads just its own.
 * Little endian: offset, bytes, records before, records (float64 each), SHA-256 (32 bytes).
 */
const ENTRY_BYTES = 64
const ENTRIES_PER_READ = 1024

/** Where the blocks of one partition stand: entries [from, to) of an index file, its path relative to the run's folder. */
export interface BlockRange {
  readonly path: string
  readonly from: number
  readonly to: number
}

/** Blocks of one file, packed as the index keeps them: 64 bytes for about a quarter of a megabyte of input. */
export class BlockList {
  #bytes = Buffer.alloc(ENTRY_BYTES * 16)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(block: Block): void {
    const at = this.#length * ENTRY_BYTES
    if (at === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2)
    writeEntry(this.#bytes, at, block)
    this.#length += 1
  }

  at(index: number): Block {
    if (index < 0 || index >= this.#length) throw new RangeError(`block ${index} of ${this.#length}`)
    return readEntry(this.#bytes, index * ENTRY_BYTES)
  }

  /** The packed entries. */
  packed(): Buffer {
    return this.#bytes.subarray(0, this.#length * ENTRY_BYTES)
  }
}

function writeEntry(bytes: Buffer, at: number, block: Block): void {
  bytes.writeDoubleLE(block.offset, at)
  bytes.writeDoubleLE(block.bytes, at + 8)
  bytes.writeDoubleLE(block.recordsBefore, at + 16)
  bytes.writeDoubleLE(block.records, at + 24)
  block.digest.copy(bytes, at + 32)
}

function readEntry(bytes: Buffer, at: number): Block {
  return {
    offset: bytes.readDoubleLE(at),
    bytes: bytes.readDoubleLE(at + 8),
    recordsBefore: bytes.readDoubleLE(at + 16),
    records: bytes.readDoubleLE(at + 24),
    digest: Buffer.from(bytes.subarray(at + 32, at + ENTRY_BYTES)),
  }
}

/**
 * Writes a plan file, named by its content, so that planning again gives the same file. On disk (fsync) when it resolves.
 * Returns its path relative to `runFolder`.
 */
export async function writePlanFile(
  runFolder: string,
  step: string,
  kind: string,
  pieces: readonly Uint8Array[],
): Promise<string> {
  const digest = createHash('sha256')
  for (const piece of pieces) digest.update(piece)
  const relative = path.posix.join(step, 'plan', `${kind}-${digest.digest('hex').slice(0, 16)}`)
  const target = path.join(runFolder, relative)
  const folder = path.dirname(target)
  await makeFolder(folder)
  // Threads of one process may plan the same step at once: a zombie, and the attempt after it.
  const temporary = `${target}.${process.pid}-${systemRandom.integer(2 ** 32).toString(36)}.part`
  const file = await open(temporary, 'wx')
  try {
    for (const piece of pieces) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, target)
  await syncFolder(folder)
  return relative
}

/** Reads the blocks of a range, in order, a thousand at a time. */
export async function* readBlockRange(runFolder: string, range: BlockRange): AsyncGenerator<Block, void, undefined> {
  if (range.from === range.to) return
  const target = path.join(runFolder, range.path)
  const file = await openPlanFile(target)
  try {
    for (let from = range.from; from < range.to; from += ENTRIES_PER_READ) {
      const count = Math.min(ENTRIES_PER_READ, range.to - from)
      const bytes = Buffer.alloc(count * ENTRY_BYTES)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from * ENTRY_BYTES)
      if (bytesRead < bytes.length) throw planFileDamaged(target, `it ends before entry ${from + count}`)
      for (let entry = 0; entry < count; entry += 1) yield readEntry(bytes, entry * ENTRY_BYTES)
    }
  } finally {
    await file.close()
  }
}

async function openPlanFile(target: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    return await open(target, 'r')
  } catch (cause) {
    throw planFileDamaged(target, 'it cannot be opened', cause)
  }
}

export function planFileDamaged(target: string, found: string, cause?: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'PLAN_FILE_DAMAGED',
    message: `expected the plan file ${target} as planning wrote it; ${found}`,
    hint: 'Start the step again from its planning: `batchwright retry RUN --from STEP`.',
    details: { path: target },
    ...(cause === undefined ? {} : { cause }),
  })
}
