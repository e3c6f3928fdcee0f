import { openBlockSink, readBlocks } from '../../data/index.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { Part } from '../../protocol/index.ts'

/** A record on its way through a sort. */
export interface Entry {
  readonly key: string
  readonly record: object
}

const ENTRIES_AT_ONCE = 1000
/** More runs than this are merged into fewer first: each open run holds a block in memory. */
const MOST_RUNS = 32

/** Writes sorted runs: blocks of entries, in files of the attempt's own. */
export class RunWriter {
  readonly #folder: string
  readonly #codeVersion: string
  #runs: Part[] = []
  #files = 0

  constructor(folder: string, codeVersion: string) {
    this.#folder = folder
    this.#codeVersion = codeVersion
  }

  /** Writes entries as one run, sorted by key; entries of one key stay in their order. */
  async write(entries: Entry[]): Promise<void> {
    entries.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    this.#runs.push(...(await this.#run(slices(entries))))
    failPoint('reduce.spilled')
  }

  /** The runs, in order, few enough to be merged at once. */
  async finish(): Promise<readonly Part[]> {
    while (this.#runs.length > MOST_RUNS) {
      const fewer: Part[] = []
      for (let from = 0; from < this.#runs.length; from += MOST_RUNS) {
        fewer.push(...(await this.#run(mergeRuns(this.#runs.slice(from, from + MOST_RUNS)))))
      }
      this.#runs = fewer
    }
    return this.#runs
  }

  async #run(batches: Iterable<readonly Entry[]> | AsyncIterable<readonly Entry[]>): Promise<readonly Part[]> {
    const sink = await openBlockSink({
      folder: this.#folder,
      name: `run-${this.#files}`,
      codeVersion: this.#codeVersion,
      resume: null,
      buckets: 1,
      bucketOf: null,
    })
    this.#files += 1
    try {
      for await (const batch of batches) await sink.write(batch)
      return await sink.finish()
    } catch (thrown) {
      await sink.abort()
      throw thrown
    }
  }
}

function* slices(entries: readonly Entry[]): Generator<readonly Entry[], void, undefined> {
  for (let from = 0; from < entries.length; from += ENTRIES_AT_ONCE) yield entries.slice(from, from + ENTRIES_AT_ONCE)
}

/** All entries of sorted runs in order of key; of one key, those of an earlier run first. */
export async function* mergeRuns(runs: readonly Part[]): AsyncGenerator<readonly Entry[], void, undefined> {
  const cursors: Cursor[] = []
  for (const run of runs) {
    const cursor = new Cursor(run)
    if (await cursor.fill()) cursors.push(cursor)
  }
  let merged: Entry[] = []
  while (cursors.length > 0) {
    const place = smallest(cursors)
    const cursor = cursors[place]
    if (cursor === undefined) break
    const ended = cursor.takeRun(merged)
    if (ended && !(await cursor.fill())) cursors.splice(place, 1)
    if (merged.length >= ENTRIES_AT_ONCE) {
      yield merged
      merged = []
    }
  }
  if (merged.length > 0) yield merged
}

function smallest(cursors: readonly Cursor[]): number {
  let place = 0
  let key = cursors[0]?.key ?? ''
  for (let index = 1; index < cursors.length; index += 1) {
    const other = cursors[index]?.key ?? ''
    if (other < key) {
      place = index
      key = other
    }
  }
  return place
}

class Cursor {
  readonly #blocks: AsyncIterator<readonly object[]>
  #entries: readonly Entry[] = []
  #at = 0

  constructor(run: Part) {
    this.#blocks = readBlocks(run, () => true)[Symbol.asyncIterator]()
  }

  get key(): string {
    return this.#entries[this.#at]?.key ?? ''
  }

  /** Takes all entries of the current key that are in memory. True where there are no more in memory. */
  takeRun(into: Entry[]): boolean {
    const key = this.key
    for (let entry = this.#entries[this.#at]; entry?.key === key; entry = this.#entries[this.#at]) {
      into.push(entry)
      this.#at += 1
    }
    return this.#at >= this.#entries.length
  }

  /** Reads on. False at the end of the run. */
  async fill(): Promise<boolean> {
    const next = await this.#blocks.next()
    if (next.done === true) return false
    // RunWriter wrote nothing but entries.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    this.#entries = next.value as readonly Entry[]
    this.#at = 0
    return this.#entries.length > 0 || this.fill()
  }
}
