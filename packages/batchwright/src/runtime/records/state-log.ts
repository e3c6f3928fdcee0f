import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder, syncFolder } from '../../data/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { OpenPart, SinkState } from '../../protocol/index.ts'

interface LogFile {
  readonly path: string
  readonly handle: FileHandle
}

const FIRST_BYTES = 64 * 1024
const COPY_BYTES = 1024 * 1024

/**
 * A step's state as an append-only file of the attempt's own: made durable with each commit and named in its checkpoint by
 * path, durable length and digest. A later attempt copies the durable prefix into a file of its own, checking it, so that
 * a zombie can only write to files nobody refers to.
 */
export class StateLog {
  readonly #folder: string
  readonly #name: string
  #generation = 0
  #file: Promise<LogFile> | null = null
  #hash = createHash('sha256')
  #bytes = 0
  #entries = 0
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #buffered = 0
  #last: OpenPart | null = null
  readonly #old: Promise<LogFile>[] = []

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
  }

  /** Bytes held back in memory until the next commit or flush. */
  get heldBack(): number {
    return this.#buffered
  }

  get entries(): number {
    return this.#entries
  }

  /** Takes over an earlier attempt's log, handing its bytes on in order. Throws STATE_LOST, STATE_DAMAGED. */
  async resume(state: SinkState, visit: (bytes: Buffer) => void): Promise<void> {
    const from = state.open
    if (from === null) return
    const source = await openExisting(from.path)
    try {
      const bytes = Buffer.allocUnsafe(Math.min(COPY_BYTES, Math.max(1, from.durableBytes)))
      for (let at = 0; at < from.durableBytes;) {
        const read = await readFully(source, bytes.subarray(0, Math.min(bytes.length, from.durableBytes - at)), at)
        if (read.length === 0) throw damaged(from, `it ends after ${at} of ${from.durableBytes} bytes`)
        this.append(read, 0)
        await this.flush()
        visit(read)
        at += read.length
      }
    } finally {
      await source.close()
    }
    this.#entries = from.records
    const found = this.#hash.copy().digest('hex')
    if (found !== from.sha256) throw damaged(from, `its durable part has SHA-256 ${found}, expected ${from.sha256}`)
  }

  append(bytes: Uint8Array, entries = 1): void {
    const needed = this.#buffered + bytes.length
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, this.#buffered)
      this.#buffer = larger
    }
    this.#buffer.set(bytes, this.#buffered)
    this.#buffered = needed
    this.#entries += entries
  }

  /** Begins anew with an empty file: what was there stays on disk for the checkpoint that names it. */
  restart(): void {
    if (this.#file !== null) this.#old.push(this.#file)
    this.#file = null
    this.#hash = createHash('sha256')
    this.#bytes = 0
    this.#entries = 0
    this.#buffered = 0
    this.#last = null
  }

  /** Writes what is held back, without making it durable. Not while a commit is under way. */
  async flush(): Promise<void> {
    if (this.#buffered === 0) return
    const pending = this.#take()
    const end = this.#bytes
    const { handle } = await this.#opened()
    await writeAll(handle, pending, end - pending.length)
  }

  /** Everything appended before the call is on disk when this resolves; what is appended meanwhile belongs to the next. */
  async commit(): Promise<SinkState> {
    if (this.#buffered === 0 && this.#last !== null && this.#last.durableBytes === this.#bytes)
      return stateOf(this.#last)
    if (this.#buffered === 0 && this.#file === null) return { sealed: [], open: null }
    const pending = this.#take()
    const durableBytes = this.#bytes
    const records = this.#entries
    const sha256 = this.#hash.copy().digest('hex')
    const opened = this.#opened()
    const file = await opened
    await writeAll(file.handle, pending, durableBytes - pending.length)
    await file.handle.datasync()
    const part = { path: file.path, durableBytes, records, sha256 }
    if (this.#file === opened) this.#last = part
    return stateOf(part)
  }

  async close(): Promise<void> {
    const files = this.#file === null ? this.#old : [...this.#old, this.#file]
    this.#file = null
    for (const file of files) await (await file).handle.close()
    this.#old.length = 0
  }

  #take(): Buffer {
    const pending = Buffer.from(this.#buffer.subarray(0, this.#buffered))
    this.#buffered = 0
    this.#hash.update(pending)
    this.#bytes += pending.length
    return pending
  }

  #opened(): Promise<LogFile> {
    this.#file ??= this.#create()
    return this.#file
  }

  async #create(): Promise<LogFile> {
    const file = path.join(this.#folder, `${this.#name}-${String(this.#generation).padStart(5, '0')}.log`)
    this.#generation += 1
    await makeFolder(this.#folder)
    const handle = await open(file, 'wx')
    // Its name must be on the disk before a checkpoint names it.
    await syncFolder(this.#folder)
    return { path: file, handle }
  }
}

/** Reads until the buffer is full or the file ends. */
async function readFully(source: FileHandle, buffer: Buffer, at: number): Promise<Buffer> {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await source.read(buffer, filled, buffer.length - filled, at + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

function stateOf(part: OpenPart): SinkState {
  return { sealed: [], open: part }
}

async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await handle.write(bytes, written, bytes.length - written, at + written)).bytesWritten
  }
}

async function openExisting(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r')
  } catch (cause) {
    throw new BatchwrightError({
      code: 'STATE_LOST',
      message: `expected the state file of the last checkpoint at ${file}, and could not open it`,
      hint: 'Run the partition from its start: `batchwright retry RUN --step STEP --partition PARTITION`.',
      details: { path: file },
      cause,
    })
  }
}

function damaged(part: OpenPart, what: string): BatchwrightError {
  return new BatchwrightError({
    code: 'STATE_DAMAGED',
    message: `the state file of the last checkpoint, ${part.path}, is damaged: ${what}`,
    hint: 'Run the partition from its start: `batchwright retry RUN --step STEP --partition PARTITION`.',
    details: { path: part.path },
  })
}
