import { checkFileName, FileSink, type FileContent, type IndexedFile } from '../../data/index.ts'
import { filesKey, type FileOutputDefinition, type FileWriter } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Part, SinkState } from '../../protocol/index.ts'
import type { AttemptFolders } from '../folders.ts'

/** The file outputs of one sitting of an attempt, open. */
export class FileOutputs {
  readonly #sinks: ReadonlyMap<string, FileSink>

  private constructor(sinks: ReadonlyMap<string, FileSink>) {
    this.#sinks = sinks
  }

  /** Opens them at a checkpoint's states. Errors: OUTPUT_LOST. */
  static async open(
    outputs: ReadonlyMap<string, FileOutputDefinition>,
    options: {
      readonly folders: AttemptFolders
      readonly codeVersion: string
      readonly states: Readonly<Record<string, SinkState>>
    },
  ): Promise<FileOutputs> {
    const sinks = new Map<string, FileSink>()
    try {
      for (const [name, { dataset }] of outputs) {
        const sink = await FileSink.open({
          folder: options.folders.staging(dataset),
          name: `files-${name}`,
          codeVersion: options.codeVersion,
          resume: options.states[filesKey(name)] ?? null,
        })
        sinks.set(name, sink)
      }
    } catch (thrown) {
      await new FileOutputs(sinks).abort()
      throw thrown
    }
    return new FileOutputs(sinks)
  }

  get names(): Iterable<string> {
    return this.#sinks.keys()
  }

  get none(): boolean {
    return this.#sinks.size === 0
  }

  /** Of all files that are part of the outputs. */
  get bytes(): number {
    return [...this.#sinks.values()].reduce((sum, sink) => sum + sink.bytes, 0)
  }

  /** One call of user code that may write files. */
  call(): FileCall {
    return new FileCall(this.#sinks)
  }

  /** Makes the files that calls have written part of the outputs, in this order. Gives their number by output. */
  async add(calls: readonly FileCall[]): Promise<ReadonlyMap<string, number>> {
    const written = new Map<string, IndexedFile[]>()
    for (const { files } of calls) {
      for (const { output, file } of files) {
        const list = written.get(output)
        if (list === undefined) written.set(output, [file])
        else list.push(file)
      }
    }
    for (const [output, files] of written) await this.#sinks.get(output)?.add(files)
    return new Map([...written].map(([output, files]) => [output, files.length]))
  }

  async commit(): Promise<Readonly<Record<string, SinkState>>> {
    return Object.fromEntries(await this.#each(async (name, sink) => [filesKey(name), await sink.commit()] as const))
  }

  async finish(): Promise<Readonly<Record<string, readonly Part[]>>> {
    return Object.fromEntries(await this.#each(async (name, sink) => [filesKey(name), await sink.finish()] as const))
  }

  async abort(): Promise<void> {
    await this.#each((_, sink) => sink.abort())
  }

  #each<Value>(act: (name: string, sink: FileSink) => Promise<Value>): Promise<readonly Value[]> {
    return Promise.all([...this.#sinks].map(([name, sink]) => act(name, sink)))
  }
}

interface WrittenFile {
  readonly output: string
  readonly file: IndexedFile
}

/**
 * What one call of user code writes. Files stand in the order in which they were asked for, not in which they were ready;
 * those of a call that fails are nobody's.
 */
export class FileCall {
  /** By output, for user code: `files.thumbs.write(name, content)`. */
  readonly writers: Readonly<Record<string, FileWriter>>
  readonly #places: (WrittenFile | null)[] = []
  readonly #names = new Set<string>()
  readonly #writing: Promise<unknown>[] = []
  #open = true

  constructor(sinks: ReadonlyMap<string, FileSink>) {
    this.writers = Object.fromEntries(
      [...sinks].map(([output, sink]) => [
        output,
        { write: (name: string, content: FileContent) => this.#write(output, sink, name, content) },
      ]),
    )
  }

  /** Those that are whole on disk. */
  get files(): readonly WrittenFile[] {
    return this.#places.filter((each) => each !== null)
  }

  /** Whether something was asked for that nobody has waited for here. */
  get writing(): boolean {
    return this.#writing.length > 0
  }

  /** Resolves when everything asked for is on disk. Throws the first failure, once nothing is being written any more. */
  async written(): Promise<void> {
    const ended = await Promise.allSettled(this.#writing.splice(0))
    for (const each of ended) if (each.status === 'rejected') throw each.reason
  }

  /** Nothing may be written any more. */
  close(): void {
    this.#open = false
  }

  #write(output: string, sink: FileSink, name: string, content: FileContent): ReturnType<FileWriter['write']> {
    const place = this.#places.push(null) - 1
    const writing = this.#stage(place, output, sink, name, content)
    // A caller that does not wait for it finds its failure in `written`.
    writing.catch(() => undefined)
    this.#writing.push(writing)
    return writing
  }

  async #stage(
    place: number,
    output: string,
    sink: FileSink,
    given: string,
    content: FileContent,
  ): ReturnType<FileWriter['write']> {
    if (!this.#open) throw tooLate(output, given)
    const name = checkFileName(given)
    if (this.#names.has(`${output}/${name}`)) throw twice(output, name)
    this.#names.add(`${output}/${name}`)
    const { path, bytes, sha256 } = await sink.stage(content)
    this.#places[place] = { output, file: { name, path, bytes, sha256 } }
    return { name, bytes, sha256 }
  }
}

function tooLate(output: string, name: string): BatchwrightError {
  return new BatchwrightError({
    code: 'FILE_TOO_LATE',
    message: `files.${output}.write(${JSON.stringify(name)}): expected to be called while its record is worked on, was called after that`,
    hint: 'Await all that writes files before `process` returns.',
    details: { output, name },
  })
}

function twice(output: string, name: string): BatchwrightError {
  return new BatchwrightError({
    code: 'FILE_NAME_TWICE',
    message: `files.${output}.write(${JSON.stringify(name)}): the same call has written a file of this name already`,
    hint: 'Give each file a name of its own.',
    details: { output, name },
  })
}
