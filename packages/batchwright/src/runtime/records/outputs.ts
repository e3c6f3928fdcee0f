import { hashKey } from '../../kernel/digest.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { StagedSink } from '../../data/index.ts'
import type { Part, SinkState } from '../../protocol/index.ts'
import type { ShuffleDefinition } from '../../job/index.ts'
import type { Chunk, Stream } from './chunk.ts'

export interface Output {
  /** As the keys of `TaskOutput.outputs`. */
  readonly name: string
  readonly sink: StagedSink
}

/**
 * A record that a later output refused after an earlier one had taken it: no output can take it back, so the attempt returns
 * to its last checkpoint, with these records known to be unwritable.
 */
export class Rewind extends Error {
  /** By index in the chunk's batch. */
  readonly unwritable: ReadonlyMap<number, unknown>

  constructor(output: string, unwritable: ReadonlyMap<number, unknown>) {
    super(`output ${output} refused records that others had taken`)
    this.unwritable = unwritable
  }
}

/** Makes one write, and tries it again where its failure may pass. */
export type Patiently = (write: () => void | Promise<void>) => Promise<void>

/** All outputs of a step, written in lockstep: after each chunk every one of them holds the same records. */
export class OutputSet {
  readonly #outputs: readonly Output[]

  constructor(outputs: readonly Output[]) {
    this.#outputs = outputs
  }

  /**
   * Writes the chunk's output records. A record that the first output refuses is found by halving, and set aside in the
   * chunk. Throws Rewind where a later output refuses a record, and errors that are not about records as they are.
   */
  async write(chunk: Chunk, patiently: Patiently): Promise<void> {
    for (const [place, output] of this.#outputs.entries()) {
      const refused = await writeWhole(output, chunk, patiently)
      if (refused.size === 0) continue
      if (place > 0) throw new Rewind(output.name, refused)
      chunk.failWritten(refused)
    }
  }

  /** The records that the first output would refuse, by index, with what it would throw. Writes nothing. */
  refused(records: readonly object[]): ReadonlyMap<number, unknown> {
    return this.#outputs[0]?.sink.refuse?.(records) ?? NONE
  }

  /** Writes records whose input records are written elsewhere already: throws Rewind where any output refuses one. */
  async writeTaken(stream: Stream, patiently: Patiently): Promise<void> {
    for (const output of this.#outputs) {
      const refused = await writeWhole(output, stream, patiently)
      if (refused.size > 0) throw new Rewind(output.name, refused)
    }
  }

  /** Writes records none of which can be set aside. `failing.at` says which one an output refused. */
  async writeAll(records: readonly object[], failing: { at: number }): Promise<void> {
    if (records.length === 0) return
    for (const { sink } of this.#outputs) {
      try {
        await sink.write(records)
      } catch (thrown) {
        failing.at = refusedAt(thrown)
        throw thrown
      }
    }
  }

  async commit(): Promise<Readonly<Record<string, SinkState>>> {
    return named(await Promise.all(this.#outputs.map(({ sink }) => sink.commit())), this.#outputs)
  }

  async finish(): Promise<Readonly<Record<string, readonly Part[]>>> {
    return named(await Promise.all(this.#outputs.map(({ sink }) => sink.finish())), this.#outputs)
  }

  async abort(): Promise<void> {
    await Promise.all(this.#outputs.map(({ sink }) => sink.abort()))
  }
}

function named<Value>(values: readonly Value[], outputs: readonly Output[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(values.map((value, place) => [outputs[place]?.name ?? '', value]))
}

/** Returns the records that the output refused, by index in the batch; every other record of the chunk has been written. */
async function writeWhole(output: Output, stream: Stream, patiently: Patiently): Promise<ReadonlyMap<number, unknown>> {
  if (stream.outputs.length === 0) return NONE
  try {
    await patiently(() => output.sink.write(stream.outputs))
    return NONE
  } catch (thrown) {
    if (!isAboutRecords(thrown)) throw thrown
    const refused = new Map<number, unknown>()
    const groups = groupsOf(stream)
    await writeHalves(output.sink, groups, refused, thrown)
    return refused
  }
}

const NONE: ReadonlyMap<number, unknown> = new Map()

/** The outputs of one input record: written together, or not at all. */
interface Group {
  readonly index: number
  readonly outputs: readonly object[]
}

function groupsOf(stream: Stream): readonly Group[] {
  const groups: { readonly index: number; readonly outputs: object[] }[] = []
  for (const [place, output] of stream.outputs.entries()) {
    const index = stream.origins[place] ?? -1
    const last = groups.at(-1)
    if (last?.index === index) last.outputs.push(output)
    else groups.push({ index, outputs: [output] })
  }
  return groups
}

/** `groups` could not be written as a whole: writes its halves, and so on, down to the records that cannot be. */
async function writeHalves(
  sink: StagedSink,
  groups: readonly Group[],
  refused: Map<number, unknown>,
  thrown: unknown,
): Promise<void> {
  const [first] = groups
  if (first === undefined) return
  if (groups.length === 1) {
    refused.set(first.index, thrown)
    return
  }
  const middle = groups.length >>> 1
  for (const half of [groups.slice(0, middle), groups.slice(middle)]) {
    try {
      await sink.write(half.flatMap((group) => group.outputs))
    } catch (again) {
      if (!isAboutRecords(again)) throw again
      await writeHalves(sink, half, refused, again)
    }
  }
}

/**
 * Whether a failed write may be the fault of a record. The operating system's errors and our own about storage are not;
 * ours about a record say OUTPUT_INVALID or TABLE_ROW_REFUSED; a foreign sink's error may be.
 */
function isAboutRecords(thrown: unknown): boolean {
  if (thrown instanceof BatchwrightError) return thrown.code === 'OUTPUT_INVALID' || thrown.code === 'TABLE_ROW_REFUSED'
  return !(thrown instanceof Error && 'syscall' in thrown)
}

/** Which record of a call our sinks refused; -1 where the error does not say. */
function refusedAt(thrown: unknown): number {
  const index = thrown instanceof BatchwrightError ? thrown.details['index'] : undefined
  return typeof index === 'number' ? index : -1
}

/**
 * The buckets of a shuffle. Keys are worked out before anything is written, so that a key function that throws is the
 * failure of its record; the sink then asks in the same order and is answered from memory.
 */
export class Buckets {
  readonly #shuffle: ShuffleDefinition
  #records: readonly object[] = []
  #buckets: number[] = []
  #next = 0

  constructor(shuffle: ShuffleDefinition) {
    this.#shuffle = shuffle
  }

  /** Works out the buckets of a chunk's outputs. Throws what the key function throws, with `failing.at` set. */
  prepare(records: readonly object[], failing: { at: number }): void {
    this.#records = records
    this.#next = 0
    this.#buckets = []
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index]
      if (record === undefined) continue
      failing.at = index
      this.#buckets.push(this.#work(record))
    }
  }

  readonly bucketOf = (record: object): number => {
    if (this.#records[this.#next] !== record) return this.#work(record)
    const bucket = this.#buckets[this.#next] ?? 0
    this.#next += 1
    return bucket
  }

  #work(record: object): number {
    return bucketOfKey(this.#shuffle.key(record), this.#shuffle)
  }
}

function bucketOfKey(key: unknown, { to, buckets }: ShuffleDefinition): number {
  if (typeof key === 'string') return hashKey(key) % buckets
  throw new BatchwrightError({
    code: 'KEY_INVALID',
    message: `reduce ${to}: expected its key to be text, found ${key === null ? 'null' : typeof key}`,
    hint: 'Return a string from by(...).',
    details: { step: to },
  })
}
