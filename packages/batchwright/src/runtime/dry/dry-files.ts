import { createHash } from 'node:crypto'
import { checkFileName } from '../../data/index.ts'
import type { FileOutputDefinition, FileWriter, ProcessContext } from '../../job/index.ts'
import { RecordContext, type ContextBase } from '../context.ts'
import { isThenable, type Operation } from '../records/operations.ts'

/** A file that a record would write. */
export interface DryFile {
  /** The file output of the step. */
  readonly output: string
  readonly name: string
  readonly content: Buffer
  readonly sha256: string
}

/**
 * File outputs with their sinks off: what a record writes is kept in memory until its fate is known. Files of a call that
 * failed are nobody's. Throws FILE_NAME_INVALID as the real ones do.
 */
export class DryFiles implements NonNullable<ContextBase['files']> {
  readonly #outputs: readonly string[]
  /** Of calls under way, by the record's index. */
  readonly #current = new Map<number, DryCall>()
  readonly #done = new Map<number, DryFile[]>()

  constructor(outputs: ReadonlyMap<string, FileOutputDefinition>) {
    this.#outputs = [...outputs.keys()]
  }

  writersOf(index: number): Readonly<Record<string, FileWriter>> {
    const call = this.#current.get(index)
    if (call === undefined) return {}
    return Object.fromEntries(
      this.#outputs.map((output) => [output, { write: (name, content) => call.write(output, name, content) }]),
    )
  }

  /** The operation, each of whose calls may write files. */
  around(operation: Operation): Operation {
    return {
      concurrency: operation.concurrency,
      apply: (value, source, context) => this.#call(indexOf(context), () => operation.apply(value, source, context)),
    }
  }

  /** The files of a record, once. */
  take(index: number): readonly DryFile[] {
    const files = this.#done.get(index) ?? []
    this.#done.delete(index)
    return files
  }

  #call(index: number, act: () => unknown): unknown {
    const call = new DryCall()
    this.#current.set(index, call)
    const result = act()
    if (!isThenable(result) && !call.writing) return result
    return this.#settled(index, call, result)
  }

  async #settled(index: number, call: DryCall, result: unknown): Promise<unknown> {
    const value = await result
    const files = await call.written()
    const before = this.#done.get(index)
    if (before === undefined) this.#done.set(index, [...files])
    else before.push(...files)
    return value
  }
}

/** What one call of user code writes. */
class DryCall {
  readonly #writing: Promise<DryFile>[] = []

  get writing(): boolean {
    return this.#writing.length > 0
  }

  /** Everything asked for, in that order. Throws the first failure. */
  written(): Promise<readonly DryFile[]> {
    return Promise.all(this.#writing)
  }

  async write(output: string, name: string, content: Content): ReturnType<FileWriter['write']> {
    const file = collect(output, name, content)
    this.#writing.push(file)
    const { content: bytes, sha256, name: checked } = await file
    return { name: checked, bytes: bytes.length, sha256 }
  }
}

type Content = Parameters<FileWriter['write']>[1]

async function collect(output: string, given: string, content: Content): Promise<DryFile> {
  const name = checkFileName(given)
  const pieces: Buffer[] = []
  if (typeof content === 'string' || content instanceof Uint8Array) pieces.push(Buffer.from(content))
  else for await (const piece of content) pieces.push(Buffer.from(piece))
  const bytes = Buffer.concat(pieces)
  return { output, name, content: bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function indexOf(context: ProcessContext): number {
  return context instanceof RecordContext ? context.index : 0
}
