import type { ProcessContext, FileWriter } from '../../job/index.ts'
import { isThenable, type Operation } from '../records/operations.ts'
import { RecordContext } from '../context.ts'
import type { Chunk } from '../records/chunk.ts'
import type { FileCall, FileOutputs } from './file-outputs.ts'

/**
 * Files that the records of a chunk write. They wait until the chunk is written: those of a record that is set aside or
 * dropped, and of a call that failed and was tried again, never become part of an output.
 */
export class RecordFiles {
  readonly #outputs: FileOutputs
  /** The call that is under way, by the record's index in its batch. */
  readonly #current = new Map<number, FileCall>()
  /** Calls that have ended well, by the record's index. */
  #done = new Map<number, FileCall[]>()

  constructor(outputs: FileOutputs) {
    this.#outputs = outputs
  }

  /** For the context of a record: what it writes belongs to the call that is under way. */
  writersOf(index: number): Readonly<Record<string, FileWriter>> {
    return this.#current.get(index)?.writers ?? {}
  }

  /** The operation, each of whose calls may write files. */
  around(operation: Operation): Operation {
    return {
      concurrency: operation.concurrency,
      apply: (value, source, context) => this.#call(indexOf(context), () => operation.apply(value, source, context)),
    }
  }

  /** Makes the files of the chunk's accepted records part of the outputs, in the order of the records. */
  async accept(chunk: Chunk): Promise<ReadonlyMap<string, number>> {
    const done = this.#done
    this.#done = new Map()
    if (done.size === 0) return new Map()
    const accepted = new Set(chunk.origins)
    for (const { origins } of chunk.named?.values() ?? []) for (const origin of origins) accepted.add(origin)
    const calls = [...done].filter(([index]) => accepted.has(index)).sort(([a], [b]) => a - b)
    return this.#outputs.add(calls.flatMap(([, ofRecord]) => ofRecord))
  }

  #call(index: number, act: () => unknown): unknown {
    const call = this.#outputs.call()
    this.#current.set(index, call)
    let result: unknown
    try {
      result = act()
    } catch (thrown) {
      this.#end(index, call, false)
      throw thrown
    }
    if (!isThenable(result) && !call.writing) {
      this.#end(index, call, true)
      return result
    }
    return this.#settled(index, call, result)
  }

  async #settled(index: number, call: FileCall, result: unknown): Promise<unknown> {
    try {
      const value = await result
      await call.written()
      this.#end(index, call, true)
      return value
    } catch (thrown) {
      this.#end(index, call, false)
      throw thrown
    }
  }

  #end(index: number, call: FileCall, well: boolean): void {
    call.close()
    this.#current.delete(index)
    if (!well || call.files.length === 0) return
    const list = this.#done.get(index)
    if (list === undefined) this.#done.set(index, [call])
    else list.push(call)
  }
}

function indexOf(context: ProcessContext): number {
  return context instanceof RecordContext ? context.index : 0
}
