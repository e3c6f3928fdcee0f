import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Fault } from '../../job/model.ts'
import type { OpenPart, Part, PartFormat, SinkState } from '../../protocol/index.ts'
import type { StagedSink, StagedSinkOptions } from '../contract.ts'
import { adoptSealed } from './adopt.ts'
import { AppendFile } from './append-file.ts'
import { makeFolder } from './folders.ts'
import { LineBuffer } from './line-buffer.ts'
import { outputInvalid } from './output-invalid.ts'

/** How records become lines of a part. */
export interface RowLayout {
  readonly format: PartFormat
  /** `jsonl`, `csv`, `rows.jsonl`. */
  readonly extension: string
  /** First line of every part, newline included; empty for none. */
  readonly header: string
  /** A record as one line, without the newline. */
  readonly line: (record: object) => string
  /** Looked at before anything of a call is written; null where the writer's own code made the record. */
  readonly check: ((record: object) => Fault | null) | null
  /** Turns a sealed file of lines into the part that readers get; null where it is that already. */
  readonly convert: ((rows: Part) => Promise<Part>) | null
}

/** Some of a call's lines: those that one part gets. */
interface Piece {
  /** Bytes of the line buffer. */
  readonly from: number
  readonly to: number
  readonly records: number
}

/** Opens a sink of lines, at its beginning or where an earlier attempt got to. Errors: OUTPUT_LOST, DISK_FULL, OUTPUT_UNWRITABLE. */
export async function openRowSink(
  layout: RowLayout,
  options: StagedSinkOptions & { readonly recordsPerPart: number },
): Promise<StagedSink> {
  const sealed = await adoptSealed(options.resume)
  await makeFolder(options.folder)
  const sink = new RowSink(layout, options, sealed)
  const open = options.resume?.open ?? null
  if (open !== null) await sink.continueFrom(open)
  return sink
}

/**
 * Parts of lines, cut by record count alone, so that their bytes do not depend on when commits happened or where an attempt
 * died. One file is open at a time.
 */
class RowSink implements StagedSink {
  readonly #layout: RowLayout
  readonly #folder: string
  readonly #name: string
  readonly #codeVersion: string
  readonly #recordsPerPart: number
  readonly #parts: Part[]
  #sealedBytes = 0
  readonly #lines = new LineBuffer()
  #file: AppendFile | null = null
  #records = 0
  /** Sealed files on their way to the disk: a commit waits for them. */
  #settling: Promise<void>[] = []
  /** Rows that a converted part has replaced: since the last commit, and between the two before. */
  #replaced: string[] = []
  #removable: string[] = []

  constructor(
    layout: RowLayout,
    options: StagedSinkOptions & { readonly recordsPerPart: number },
    sealed: readonly Part[],
  ) {
    this.#layout = layout
    this.#folder = options.folder
    this.#name = options.name
    this.#codeVersion = options.codeVersion
    this.#recordsPerPart = options.recordsPerPart
    this.#parts = [...sealed]
    for (const part of sealed) this.#sealedBytes += part.bytes
  }

  async continueFrom(open: OpenPart): Promise<void> {
    this.#file = await AppendFile.continueFrom(open, this.#nextPath())
    this.#records = open.records
  }

  get bytesWritten(): number {
    return this.#sealedBytes + (this.#file?.bytes ?? 0)
  }

  write(records: readonly object[]): void | Promise<void> {
    this.#lines.clear()
    if (this.#records + records.length < this.#recordsPerPart) {
      return this.#append(this.#makeLines(records, 0, records.length))
    }
    return this.#appendAcrossParts(this.#linesByPart(records))
  }

  refuse(records: readonly object[]): ReadonlyMap<number, unknown> {
    const { check } = this.#layout
    const refused = new Map<number, unknown>()
    for (const [index, record] of records.entries()) {
      const fault = check === null ? null : check(record)
      if (fault !== null) refused.set(index, outputInvalid(fault, index))
    }
    return refused
  }

  async commit(): Promise<SinkState> {
    // Everything is captured before the first wait: records written from here on belong to the next commit.
    const sealed = [...this.#parts]
    const file = this.#file
    const records = this.#records
    const settling = this.#settling
    this.#settling = []
    const mark = file?.sync()
    // The checkpoint before this one is stored by now, and names the part: no checkpoint needs these rows any more.
    const removable = this.#removable
    this.#removable = this.#replaced
    this.#replaced = []
    await Promise.all([mark, ...settling, ...removable.map((rows) => rm(rows, { force: true }))])
    if (file === null || mark === undefined) return { sealed, open: null }
    const { bytes, sha256 } = await mark
    return { sealed, open: { path: file.path, durableBytes: bytes, records, sha256 } }
  }

  async finish(): Promise<readonly Part[]> {
    if (this.#file !== null) await this.#cut()
    await Promise.all(this.#settling)
    this.#settling = []
    return [...this.#parts]
  }

  async abort(): Promise<void> {
    const settling = this.#settling
    this.#settling = []
    await this.#file?.abort()
    this.#file = null
    await Promise.allSettled(settling)
  }

  /** Throws on the first faulty record; nothing of the call has been appended then. */
  #makeLines(records: readonly object[], from: number, to: number): Piece {
    const { check, line } = this.#layout
    const start = this.#lines.length
    for (let index = from; index < to; index += 1) {
      const record = records[index] ?? {}
      const fault = check === null ? null : check(record)
      if (fault !== null) throw outputInvalid(fault, index)
      this.#lines.add(line(record))
    }
    return { from: start, to: this.#lines.length, records: to - from }
  }

  /** Lines are made for the whole call before the first is appended: one that cannot be made leaves nothing behind. */
  #linesByPart(records: readonly object[]): readonly Piece[] {
    const pieces: Piece[] = []
    let from = 0
    let room = this.#recordsPerPart - this.#records
    while (from < records.length) {
      const to = Math.min(records.length, from + room)
      pieces.push(this.#makeLines(records, from, to))
      from = to
      room = this.#recordsPerPart
    }
    return pieces
  }

  async #appendAcrossParts(pieces: readonly Piece[]): Promise<void> {
    for (const piece of pieces) {
      await this.#append(piece)
      if (this.#records === this.#recordsPerPart) await this.#cut()
    }
  }

  #append({ from, to, records }: Piece): void | Promise<void> {
    if (records === 0) return
    this.#records += records
    const bytes = this.#lines.slice(from, to)
    if (this.#file !== null) return this.#file.append(bytes)
    this.#file = AppendFile.create(this.#nextPath())
    const { header } = this.#layout
    return this.#file.append(header === '' ? bytes : Buffer.concat([Buffer.from(header, 'utf8'), bytes]))
  }

  async #cut(): Promise<void> {
    const file = this.#file
    if (file === null) return
    const { bytes, sha256, durable } = file.seal()
    const rows: Part = {
      path: file.path,
      format: this.#layout.format,
      bytes,
      records: this.#records,
      sha256,
      codeVersion: this.#codeVersion,
    }
    const part = this.#layout.convert === null ? rows : await durable.then(() => this.#layout.convert?.(rows) ?? rows)
    if (part !== rows) this.#replaced.push(rows.path)
    this.#file = null
    this.#records = 0
    this.#parts.push(part)
    this.#sealedBytes += part.bytes
    // Thrown by the commit or finish that waits for it; marked as seen here, since that may come much later.
    durable.catch(() => undefined)
    this.#settling.push(durable)
  }

  #nextPath(): string {
    return path.join(
      this.#folder,
      `${this.#name}-${String(this.#parts.length).padStart(5, '0')}.${this.#layout.extension}`,
    )
  }
}
