import { createHash } from 'node:crypto'
import { open, rm, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { Part, SinkState } from '../../protocol/index.ts'
import type { StagedSink, StagedSinkOptions } from '../contract.ts'
import { makeFolder, syncFolder } from '../sinks/folders.ts'
import { openRowSink } from '../sinks/row-sink.ts'
import { outputLost, storageError, systemCode } from '../sinks/storage-errors.ts'
import { readFileIndex, type IndexedFile } from './file-index.ts'

/** What can be written to a file: bytes, text (UTF-8), or pieces of either as they come. */
export type FileContent = Uint8Array | string | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

/** A file that is on disk, not yet part of the output. */
export type StagedFile = Omit<IndexedFile, 'name'>

/**
 * The staged files of one attempt for a dataset of files. Each is written under a name of our own in the attempt's folder;
 * what it is to be called stands in an index, which grows like a part of rows and is resumed at a byte: a checkpoint says how
 * far it reaches, and what lies beyond that is nobody's.
 */
export class FileSink {
  readonly #folder: string
  readonly #index: StagedSink
  #next = 0
  /** Whether files were made since their folder was last made durable. */
  #fresh = false

  /** Of the files that are part of the output, in all attempts. */
  #bytes: number

  private constructor(folder: string, index: StagedSink, bytes: number) {
    this.#folder = folder
    this.#index = index
    this.#bytes = bytes
  }

  /** Errors: OUTPUT_LOST where the index of an earlier attempt, or a file that it names, is gone. */
  static async open(options: StagedSinkOptions): Promise<FileSink> {
    const folder = path.join(options.folder, options.name)
    const index = await openRowSink(
      {
        format: 'files',
        extension: 'files',
        header: '',
        line: (file) => JSON.stringify(file),
        check: null,
        convert: null,
      },
      { ...options, recordsPerPart: Number.MAX_SAFE_INTEGER },
    )
    try {
      const bytes = await expectFiles(options.resume)
      await makeFolder(folder)
      return new FileSink(folder, index, bytes)
    } catch (thrown) {
      await index.abort()
      throw thrown
    }
  }

  /** Writes a whole file to disk. Errors: DISK_FULL, OUTPUT_UNWRITABLE, and what the content throws. */
  async stage(content: FileContent): Promise<StagedFile> {
    const file = path.join(this.#folder, String(this.#next).padStart(8, '0'))
    this.#next += 1
    this.#fresh = true
    const handle = await opened(file)
    try {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const piece of piecesOf(content)) {
        hash.update(piece)
        await writeAt(handle, piece, bytes, file)
        bytes += piece.length
      }
      await synced(handle, file)
      return { path: file, bytes, sha256: hash.digest('hex') }
    } catch (thrown) {
      // Nobody will ask for it, and a call that is tried again may fail with a large one each time.
      await rm(file, { force: true })
      throw thrown
    } finally {
      await handle.close()
    }
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Makes staged files part of the output, in this order. */
  add(files: readonly IndexedFile[]): void | Promise<void> {
    for (const file of files) this.#bytes += file.bytes
    return this.#index.write(files)
  }

  async commit(): Promise<SinkState> {
    await this.#syncFolder()
    return this.#index.commit()
  }

  /** The index, sealed: none where no file was added. */
  async finish(): Promise<readonly Part[]> {
    await this.#syncFolder()
    return this.#index.finish()
  }

  abort(): Promise<void> {
    return this.#index.abort()
  }

  async #syncFolder(): Promise<void> {
    if (!this.#fresh) return
    this.#fresh = false
    await syncFolder(this.#folder)
  }
}

/** Their bytes in all. */
async function expectFiles(resume: SinkState | null): Promise<number> {
  if (resume === null) return 0
  let bytes = 0
  const { sealed, open: unfinished } = resume
  const indexes = [...sealed, ...(unfinished === null ? [] : [{ ...unfinished, bytes: unfinished.durableBytes }])]
  for (const index of indexes) {
    for await (const file of readFileIndex(index)) {
      bytes += file.bytes
      const found = await sizeOf(file.path)
      if (found !== file.bytes)
        throw outputLost(file.path, `${file.bytes} bytes`, found === null ? 'no such file' : `${found} bytes`)
    }
  }
  return bytes
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null
    throw thrown
  }
}

async function* piecesOf(content: FileContent): AsyncGenerator<Uint8Array> {
  if (typeof content === 'string' || content instanceof Uint8Array) {
    yield bytesOf(content)
    return
  }
  for await (const piece of content) yield bytesOf(piece)
}

function bytesOf(piece: Uint8Array | string): Uint8Array {
  return typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece
}

async function opened(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx')
  } catch (thrown) {
    throw storageError(thrown, file)
  }
}

async function synced(handle: FileHandle, file: string): Promise<void> {
  try {
    await handle.datasync()
  } catch (thrown) {
    throw storageError(thrown, file)
  }
}

async function writeAt(handle: FileHandle, piece: Uint8Array, position: number, file: string): Promise<void> {
  try {
    for (let written = 0; written < piece.length;) {
      written += (await handle.write(piece, written, piece.length - written, position + written)).bytesWritten
    }
  } catch (thrown) {
    throw storageError(thrown, file)
  }
}
