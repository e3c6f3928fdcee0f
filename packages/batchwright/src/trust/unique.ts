import { createReadStream } from 'node:fs'
import { appendFile, mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { hashKey } from '../kernel/digest.ts'
import type { JsonValue } from '../kernel/errors.ts'
import { asText, isMissing } from './column-checks.ts'
import { SAMPLES } from './finding.ts'

/** Keys that are compared in memory at once: some tens of megabytes. */
const KEYS_AT_ONCE = 250_000
/** Text held back for each file of spilled keys, in characters. */
const HELD = 64 * 1024

/** Keys that occur more than once: how many records are too many, and examples. */
export interface Repeats {
  readonly records: number
  readonly samples: readonly JsonValue[]
}

/**
 * Counts records whose key was there before. With few records the keys stay in memory; with many they go to files by the
 * key's hash first, so that equal keys meet in the same file and each file fits. Records with a null in the key are not
 * compared: `notNull` is for them.
 */
export class UniqueKeys {
  readonly #columns: readonly string[]
  readonly #folder: string
  readonly #files: number
  readonly #held: string[]
  readonly #seen = new Set<string>()
  #repeats = 0
  readonly #samples: JsonValue[] = []

  /** `records`: how many will come. `folder`: for the files, where they are needed; removed by `finish`. */
  constructor(columns: readonly string[], records: number, folder: string, keysAtOnce = KEYS_AT_ONCE) {
    this.#columns = columns
    this.#folder = folder
    this.#files = Math.ceil(records / keysAtOnce)
    this.#held = new Array<string>(this.#files).fill('')
  }

  /** Takes a record; the promise, where there is one, is a write that has to be waited for. */
  add(record: Readonly<Record<string, unknown>>): void | Promise<void> {
    const values = this.#columns.map((column) => record[column])
    if (values.some(isMissing)) return
    const key = JSON.stringify(values.map(asText))
    if (this.#files <= 1) {
      this.#compare(key)
      return
    }
    const file = hashKey(key) % this.#files
    const held = `${this.#held[file] ?? ''}${key}\n`
    this.#held[file] = held
    if (held.length >= HELD) return this.#spill(file)
  }

  async finish(): Promise<Repeats> {
    try {
      for (let file = 0; this.#files > 1 && file < this.#files; file += 1) {
        await this.#spill(file)
        this.#seen.clear()
        for await (const key of createInterface({ input: createReadStream(this.#path(file)) })) this.#compare(key)
      }
      return { records: this.#repeats, samples: this.#samples }
    } finally {
      this.#seen.clear()
      if (this.#files > 1) await rm(this.#folder, { recursive: true, force: true })
    }
  }

  #compare(key: string): void {
    if (!this.#seen.has(key)) {
      this.#seen.add(key)
      return
    }
    this.#repeats += 1
    if (this.#samples.length < SAMPLES) this.#samples.push(this.#sample(key))
  }

  #sample(key: string): JsonValue {
    const values: unknown = JSON.parse(key)
    const texts = Array.isArray(values) ? values.map(String) : []
    return Object.fromEntries(this.#columns.map((column, index) => [column, texts[index] ?? '']))
  }

  async #spill(file: number): Promise<void> {
    const text = this.#held[file] ?? ''
    this.#held[file] = ''
    await mkdir(this.#folder, { recursive: true })
    await appendFile(this.#path(file), text)
  }

  #path(file: number): string {
    return path.join(this.#folder, `keys-${file}.jsonl`)
  }
}
