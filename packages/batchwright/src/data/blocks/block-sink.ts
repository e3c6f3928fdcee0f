import path from 'node:path'
import type { BlockEntry, OpenPart, Part, SinkState } from '../../protocol/index.ts'
import type { OpenBlockSink, StagedSink, StagedSinkOptions } from '../contract.ts'
import { adoptSealed } from '../sinks/adopt.ts'
import { AppendFile } from '../sinks/append-file.ts'
import { makeFolder } from '../sinks/folders.ts'
import { packRecords, unpackable } from './codec.ts'

/** What all buckets together hold back in memory, packed; each bucket's share of it is the size of a block, within limits. */
const HELD_BYTES = 16 * 1024 * 1024
const SMALLEST_BLOCK = 16 * 1024
const LARGEST_BLOCK = 1024 * 1024

/** Each list of packed records inside a block is preceded by its length: four bytes, little end first. */
export const LENGTH_BYTES = 4

interface BucketOptions {
  readonly buckets: number
  readonly bucketOf: ((record: object) => number) | null
}

/**
 * Opens the sink of records between steps: one file an attempt, `<name>-00000.blocks`, with the records of each bucket in
 * blocks of their own. Errors when opened: OUTPUT_LOST, DISK_FULL, OUTPUT_UNWRITABLE; when written: OUTPUT_INVALID.
 *
 * A commit writes what the buckets hold back, so where blocks end depends on when commits happened, and the file's bytes
 * with it. Readers cannot tell: the order of the records in each bucket is the order in which they were written.
 */
export const openBlockSink: OpenBlockSink = async (options) => {
  const sealed = await adoptSealed(options.resume)
  await makeFolder(options.folder)
  const sink = new BlockSink(options, sealed)
  const open = options.resume?.open ?? null
  if (open !== null) await sink.continueFrom(open)
  return sink
}

/** Packed records of one bucket on their way to the file. */
interface Held {
  readonly bucket: number
  readonly lists: Uint8Array[]
  bytes: number
  records: number
}

class BlockSink implements StagedSink {
  readonly #options: StagedSinkOptions & BucketOptions
  readonly #sealed: readonly Part[]
  readonly #blockBytes: number
  readonly #held = new Map<number, Held>()
  #heldBytes = 0
  #file: AppendFile | null = null
  #entries: BlockEntry[] = []
  /** The last of the file's operations that has not ended; null when the file is free. Blocks and marks keep their order. */
  #turn: Promise<void> | null = null

  constructor(options: StagedSinkOptions & BucketOptions, sealed: readonly Part[]) {
    this.#options = options
    this.#sealed = sealed
    this.#blockBytes = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, Math.floor(HELD_BYTES / options.buckets)))
  }

  async continueFrom(open: OpenPart): Promise<void> {
    this.#file = await AppendFile.continueFrom(open, this.#path())
    this.#entries = [...(open.blocks ?? [])]
  }

  get bytesWritten(): number {
    const adopted = this.#sealed.reduce((sum, part) => sum + part.bytes, 0)
    return adopted + (this.#file?.bytes ?? 0) + this.#heldBytes
  }

  write(records: readonly object[]): void | Promise<void> {
    // Packed here and now: a caller may change its records afterwards, and a faulty one leaves nothing behind.
    const lists = this.#pack(records)
    let waiting: void | Promise<void> = undefined
    for (const list of lists) {
      const held = this.#hold(list)
      if (held.bytes < this.#blockBytes) continue
      this.#held.delete(list.bucket)
      waiting = this.#inTurn(() => this.#appendBlock(held))
    }
    return waiting
  }

  async commit(): Promise<SinkState> {
    // What is held now is written and marked in its turn; what a caller writes from here on comes after the mark.
    this.#releaseHeld()
    const marks: Promise<SinkState>[] = []
    await this.#inTurn(() => {
      marks.push(this.#mark())
    })
    const [state] = await Promise.all(marks)
    return state ?? { sealed: this.#sealed, open: null }
  }

  async finish(): Promise<readonly Part[]> {
    this.#releaseHeld()
    await this.#turn
    const file = this.#file
    if (file === null) return this.#sealed
    const { bytes, sha256, durable } = file.seal()
    await durable
    this.#file = null
    return [
      ...this.#sealed,
      {
        path: file.path,
        format: 'blocks',
        bytes,
        records: this.#entries.reduce((sum, entry) => sum + entry.records, 0),
        sha256,
        blocks: this.#entries,
        codeVersion: this.#options.codeVersion,
      },
    ]
  }

  async abort(): Promise<void> {
    this.#held.clear()
    await this.#file?.abort()
    this.#file = null
  }

  /** One packed list for each bucket that has records in this call. */
  #pack(records: readonly object[]): readonly PackedList[] {
    if (records.length === 0) return []
    try {
      const bucketOf = this.#options.bucketOf
      if (bucketOf === null) return [{ bucket: 0, packed: packRecords(records), records: records.length }]
      return groupByBucket(records, bucketOf).map(([bucket, list]) => ({
        bucket,
        packed: packRecords(list),
        records: list.length,
      }))
    } catch (thrown) {
      throw unpackable(records, thrown)
    }
  }

  #hold(list: PackedList): Held {
    let held = this.#held.get(list.bucket)
    if (held === undefined) {
      held = { bucket: list.bucket, lists: [], bytes: 0, records: 0 }
      this.#held.set(list.bucket, held)
    }
    const bytes = LENGTH_BYTES + list.packed.length
    held.lists.push(list.packed)
    held.bytes += bytes
    held.records += list.records
    this.#heldBytes += bytes
    return held
  }

  #releaseHeld(): void {
    const held = [...this.#held.values()]
    this.#held.clear()
    // The turns follow one another: whoever waits for the last one learns of a failure of any.
    for (const each of held) void this.#inTurn(() => this.#appendBlock(each))
  }

  #appendBlock(held: Held): void | Promise<void> {
    this.#file ??= AppendFile.create(this.#path())
    const file = this.#file
    this.#entries.push({ bucket: held.bucket, offset: file.bytes, bytes: held.bytes, records: held.records })
    this.#heldBytes -= held.bytes
    return file.append(blockBytes(held))
  }

  async #mark(): Promise<SinkState> {
    const file = this.#file
    if (file === null) return { sealed: this.#sealed, open: null }
    const blocks = [...this.#entries]
    const { bytes, sha256 } = await file.sync()
    const records = blocks.reduce((sum, entry) => sum + entry.records, 0)
    return { sealed: this.#sealed, open: { path: file.path, durableBytes: bytes, records, sha256, blocks } }
  }

  /** Runs at once where the file is free, else after everything before it. */
  #inTurn(operation: () => void | Promise<void>): void | Promise<void> {
    const result = this.#turn === null ? operation() : this.#turn.then(operation)
    if (result === undefined) return
    const turn = result.finally(() => {
      if (this.#turn === turn) this.#turn = null
    })
    this.#turn = turn
    return turn
  }

  #path(): string {
    const number = String(this.#sealed.length).padStart(5, '0')
    return path.join(this.#options.folder, `${this.#options.name}-${number}.blocks`)
  }
}

interface PackedList {
  readonly bucket: number
  readonly packed: Uint8Array
  readonly records: number
}

function groupByBucket(
  records: readonly object[],
  bucketOf: (record: object) => number,
): readonly (readonly [number, readonly object[]])[] {
  const groups = new Map<number, object[]>()
  for (const record of records) {
    const bucket = bucketOf(record)
    const group = groups.get(bucket)
    if (group === undefined) groups.set(bucket, [record])
    else group.push(record)
  }
  return [...groups]
}

function blockBytes(held: Held): Uint8Array {
  const block = Buffer.allocUnsafe(held.bytes)
  let offset = 0
  for (const list of held.lists) {
    block.writeUInt32LE(list.length, offset)
    block.set(list, offset + LENGTH_BYTES)
    offset += LENGTH_BYTES + list.length
  }
  return block
}
