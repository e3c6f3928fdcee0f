import { createHash, type Hash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { OpenPart } from '../../protocol/index.ts'
import { syncFolder } from './folders.ts'
import { outputLost, storageError, systemCode } from './storage-errors.ts'

/** One write to the file system. Two of them bound what a file holds back: one filling up, one being written. */
const BUFFER_BYTES = 512 * 1024
const BUFFERS = 2

/** How far a file is safe: bytes on disk from its start, and their digest. */
export interface DurableMark {
  readonly bytes: number
  readonly sha256: string
}

/**
 * A file that only grows, with a running SHA-256. Bytes are buffered and written at explicit offsets by a queue of its own;
 * `append` gives back a promise only when both buffers are full, which is the backpressure. `sync` captures by value: what
 * is appended after the call belongs to the next mark.
 */
export class AppendFile {
  readonly path: string
  readonly #hash: Hash
  #queue: Promise<void> = Promise.resolve()
  #syncing: Promise<unknown> = Promise.resolve()
  #failure: { readonly thrown: unknown } | null = null
  #handle: FileHandle | null = null
  #active: Buffer | null = null
  #used = 0
  readonly #spare: Buffer[] = []
  #allocated = 0
  /** Bytes given to the queue, and how many of them have been made durable. */
  #handedOver: number
  #durable = 0
  #folderSynced = false

  private constructor(filePath: string, hash: Hash, bytes: number) {
    this.path = filePath
    this.#hash = hash
    this.#handedOver = bytes
  }

  /** A new file, made when its first bytes are written. Its folder must be there; a file of this name must not. */
  static create(filePath: string): AppendFile {
    return new AppendFile(filePath, createHash('sha256'), 0)
  }

  /**
   * A new file that begins with the durable prefix of another attempt's. That file is only read: its owner may be a zombie
   * that still writes to it. Errors: OUTPUT_LOST where the prefix is not there or not as the checkpoint says.
   */
  static async continueFrom(prefix: OpenPart, filePath: string): Promise<AppendFile> {
    const hash = createHash('sha256')
    const file = new AppendFile(filePath, hash, prefix.durableBytes)
    const source = await openForReading(prefix.path)
    try {
      file.#handle = await openExclusively(filePath)
      await copyPrefix(source, file.#handle, prefix, hash, filePath)
      return file
    } catch (thrown) {
      await file.#handle?.close()
      throw thrown
    } finally {
      await source.close()
    }
  }

  /** All bytes appended so far. */
  get bytes(): number {
    return this.#handedOver + this.#used
  }

  /** Appends bytes; they are copied. Wait for the promise, where there is one, before the next call. */
  append(bytes: Uint8Array): void | Promise<void> {
    this.#throwFailure()
    if (bytes.length <= this.#room() && this.#active !== null) {
      this.#active.set(bytes, this.#used)
      this.#used += bytes.length
      return
    }
    return this.#appendInPieces(bytes)
  }

  /** Everything appended before this call is on disk when the promise resolves. */
  sync(): Promise<DurableMark> {
    this.#handOver()
    const mark = { bytes: this.#handedOver, sha256: this.#hash.copy().digest('hex') }
    const written = this.#queue
    const durable = this.#guard(async () => {
      await written
      this.#throwFailure()
      await this.#flushToDisk(mark.bytes)
    })
    // Later writes need not wait for the disk; only closing has to.
    this.#syncing = Promise.allSettled([this.#syncing, durable])
    return durable.then(() => mark)
  }

  /** Ends the file: its size and digest are known at once, and on disk when `durable` resolves. Nothing may follow. */
  seal(): DurableMark & { readonly durable: Promise<void> } {
    this.#handOver()
    const bytes = this.#handedOver
    const durable = this.#enqueue(() => this.#flushToDisk(bytes)).finally(() => this.#close())
    return { bytes, sha256: this.#hash.digest('hex'), durable }
  }

  /** Closes the file as it is. Safe after a failure, and twice. */
  async abort(): Promise<void> {
    this.#active = null
    this.#used = 0
    await this.#queue
    await this.#close()
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.thrown
  }

  /** Bytes that fit into the active buffer, after taking one where one is to be had at once. */
  #room(): number {
    this.#active ??= this.#takeBuffer()
    return this.#active === null ? 0 : this.#active.length - this.#used
  }

  #takeBuffer(): Buffer | null {
    const spare = this.#spare.pop()
    if (spare !== undefined) return spare
    if (this.#allocated === BUFFERS) return null
    this.#allocated += 1
    return Buffer.allocUnsafe(BUFFER_BYTES)
  }

  async #appendInPieces(bytes: Uint8Array): Promise<void> {
    let offset = 0
    while (offset < bytes.length) {
      const room = this.#room()
      if (this.#active === null) {
        await this.#queue
        this.#throwFailure()
        continue
      }
      const piece = bytes.subarray(offset, offset + room)
      this.#active.set(piece, this.#used)
      this.#used += piece.length
      offset += piece.length
      if (piece.length === room) this.#handOver()
    }
  }

  /** Gives the active buffer to the queue; it comes back as a spare one. */
  #handOver(): void {
    const buffer = this.#active
    if (buffer === null || this.#used === 0) return
    const filled = buffer.subarray(0, this.#used)
    const at = this.#handedOver
    this.#hash.update(filled)
    this.#handedOver += filled.length
    this.#active = null
    this.#used = 0
    void this.#enqueue(async () => {
      this.#handle ??= await openExclusively(this.path)
      await writeWhole(this.#handle, filled, at)
      this.#spare.push(buffer)
    })
  }

  async #flushToDisk(bytes: number): Promise<void> {
    if (this.#handle === null || bytes === this.#durable) return
    await this.#handle.datasync()
    if (!this.#folderSynced) await syncFolder(path.dirname(this.path))
    this.#folderSynced = true
    this.#durable = bytes
  }

  async #close(): Promise<void> {
    await this.#syncing
    const handle = this.#handle
    this.#handle = null
    await handle?.close()
  }

  /** Operations run one after the other; after the first failure none runs, and the next call of the owner throws it. */
  #enqueue(operation: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(() => {
      this.#throwFailure()
      return this.#guard(operation)
    })
    // The failure is kept by the guard; the queue itself goes on so that the file can still be closed.
    this.#queue = done.catch(() => undefined)
    return done
  }

  async #guard(operation: () => Promise<void>): Promise<void> {
    try {
      await operation()
    } catch (thrown) {
      this.#failure ??= { thrown: storageError(thrown, this.path) }
      throw this.#failure.thrown
    }
  }
}

async function openExclusively(filePath: string): Promise<FileHandle> {
  try {
    return await open(filePath, 'wx')
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw storageError(thrown, filePath)
    throw new BatchwrightError({
      code: 'OUTPUT_EXISTS',
      message: `expected to make ${filePath} new, found a file of that name`,
      hint: 'an attempt writes only to a folder of its own, named by its fence: two attempts were given the same one',
      details: { path: filePath },
      cause: thrown,
    })
  }
}

async function openForReading(filePath: string): Promise<FileHandle> {
  try {
    return await open(filePath, 'r')
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') throw outputLost(filePath, 'a part of an earlier attempt', 'no such file')
    throw thrown
  }
}

async function copyPrefix(
  source: FileHandle,
  target: FileHandle,
  prefix: OpenPart,
  hash: Hash,
  targetPath: string,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  let copied = 0
  while (copied < prefix.durableBytes) {
    const wanted = Math.min(buffer.length, prefix.durableBytes - copied)
    const { bytesRead } = await source.read(buffer, 0, wanted, copied)
    if (bytesRead === 0) throw outputLost(prefix.path, `${prefix.durableBytes} durable bytes`, `${copied} bytes`)
    const piece = buffer.subarray(0, bytesRead)
    hash.update(piece)
    try {
      await writeWhole(target, piece, copied)
    } catch (thrown) {
      throw storageError(thrown, targetPath)
    }
    copied += bytesRead
  }
  const found = hash.copy().digest('hex')
  if (found !== prefix.sha256) {
    throw outputLost(
      prefix.path,
      `SHA-256 ${prefix.sha256} over its first ${prefix.durableBytes} bytes`,
      `SHA-256 ${found}`,
    )
  }
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const result = await handle.write(bytes, written, bytes.length - written, position + written)
    written += result.bytesWritten
  }
}
