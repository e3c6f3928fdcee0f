import { readBlocks } from '../../data/index.ts'
import type { ReduceStep } from '../../job/index.ts'
import { BatchwrightError, reportError } from '../../kernel/errors.ts'
import type { Part } from '../../protocol/index.ts'
import { callable } from '../user-function.ts'
import { mergeRuns, RunWriter, type Entry } from './runs.ts'
import { SizeEstimate } from './size.ts'

/** A key with its folded state. */
export interface Folded {
  readonly key: string
  readonly state: unknown
}

export interface FoldRequest {
  readonly step: ReduceStep
  /** In upstream order, each with the blocks of this bucket. */
  readonly parts: readonly Part[]
  /** Keys up to this one have been emitted before: they are not folded again; null for none. */
  readonly after: string | null
  /** For spilled runs. */
  readonly folder: string
  readonly codeVersion: string
  /** Called between blocks: throws where the attempt must stop. */
  readonly pulse: () => void
}

const LOOK_EVERY = 512
const KEYS_AT_ONCE = 1000
/** Heap bytes for one byte of packed record, about. */
const UNPACKED = 4

/**
 * Folds a bucket and gives its keys in code-unit order. In memory while the states fit into the step's memoryBytes; where they
 * do not, from the start again by way of runs on disk, sorted by key and merged: then the state of one key is in memory at a
 * time. In both ways the records of a key are added in upstream order.
 */
export async function* foldBucket(request: FoldRequest): AsyncGenerator<readonly Folded[], void, undefined> {
  const states = await foldInMemory(request)
  if (states === null) {
    yield* foldSorted(request)
    return
  }
  const keys = [...states.keys()].sort(byCodeUnits)
  for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
    yield keys.slice(from, from + KEYS_AT_ONCE).map((key) => ({ key, state: states.get(key) }))
  }
}

/** The states of all keys; null where they take more memory than they may. */
async function foldInMemory({ step, parts, after, pulse }: FoldRequest): Promise<ReadonlyMap<string, unknown> | null> {
  const states = new Map<string, unknown>()
  const estimate = new SizeEstimate()
  const folder = new Folder(step)
  let added = 0
  for (const part of parts) {
    for await (const records of readBlocks(part, every)) {
      pulse()
      for (const record of records) {
        const key = step.key(record)
        if (after !== null && key <= after) continue
        const known = states.get(key)
        const before = known === undefined && !states.has(key) ? folder.initial(key) : known
        const state = folder.add(before, record, key)
        if (state !== known || known === undefined) states.set(key, state)
        added += 1
        if (added % LOOK_EVERY === 0) {
          estimate.look(key, state)
          if (estimate.of(states.size) > step.memoryBytes) return null
        }
      }
    }
  }
  return states
}

async function* foldSorted(request: FoldRequest): AsyncGenerator<readonly Folded[], void, undefined> {
  const runs = await sortIntoRuns(request)
  const folder = new Folder(request.step)
  let done: Folded[] = []
  let key: string | null = null
  let state: unknown = undefined
  for await (const entries of mergeRuns(runs)) {
    request.pulse()
    for (const entry of entries) {
      if (entry.key !== key) {
        if (key !== null) done.push({ key, state })
        key = entry.key
        state = folder.initial(key)
      }
      state = folder.add(state, entry.record, key)
    }
    if (done.length >= KEYS_AT_ONCE) {
      yield done
      done = []
    }
  }
  if (key !== null) done.push({ key, state })
  if (done.length > 0) yield done
}

/** All records of the bucket in runs on disk, each sorted by key, records of one key in upstream order. */
async function sortIntoRuns({ step, parts, after, folder, codeVersion, pulse }: FoldRequest): Promise<readonly Part[]> {
  const writer = new RunWriter(folder, codeVersion)
  const most = Math.max(1000, Math.floor(step.memoryBytes / 2 / bytesOfRecord(parts)))
  let entries: Entry[] = []
  for (const part of parts) {
    for await (const records of readBlocks(part, every)) {
      pulse()
      for (const record of records) {
        const key = step.key(record)
        if (after === null || key > after) entries.push({ key, record })
      }
      if (entries.length < most) continue
      await writer.write(entries)
      entries = []
    }
  }
  if (entries.length > 0) await writer.write(entries)
  return writer.finish()
}

function bytesOfRecord(parts: readonly Part[]): number {
  const blocks = parts.flatMap((part) => part.blocks ?? [])
  const bytes = blocks.reduce((sum, block) => sum + block.bytes, 0)
  const records = blocks.reduce((sum, block) => sum + block.records, 0)
  return Math.max(32, (UNPACKED * bytes) / Math.max(1, records))
}

function every(): boolean {
  return true
}

export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The step's fold, with errors that name the key. */
export class Folder {
  readonly #step: string
  readonly #initial: (key: string) => unknown
  readonly #add: (state: unknown, record: object) => unknown

  constructor({ name, fold }: ReduceStep) {
    this.#step = name
    this.#initial = fold.initial
    this.#add = callable<[unknown, object]>(fold.add)
  }

  initial(key: string): unknown {
    try {
      const initial = this.#initial
      return initial(key)
    } catch (thrown) {
      throw foldFailed(this.#step, 'initial', key, thrown)
    }
  }

  /** The new state: what `add` returned, or the state itself where it returned nothing. */
  add(state: unknown, record: object, key: string): unknown {
    try {
      // Called as the function that it is: a stack would name this class otherwise.
      const add = this.#add
      const next = add(state, record)
      return next === undefined ? state : next
    } catch (thrown) {
      throw foldFailed(this.#step, 'add', key, thrown, record)
    }
  }
}

/** FOLD_FAILED: a reduce step sets no records aside, so its attempt fails with the key that it failed at. */
export function foldFailed(
  step: string,
  part: 'initial' | 'add' | 'finish',
  key: string,
  cause: unknown,
  record: object | null = null,
): BatchwrightError {
  const { message, retryable } = reportError(cause)
  return new BatchwrightError({
    code: 'FOLD_FAILED',
    message: `reduce ${step}: ${part} failed for key ${JSON.stringify(key)}: ${message}`,
    hint: 'Mend the fold in the job file, then `batchwright retry RUN` goes on; or reject such records in the step before it, then `batchwright rerun JOB --window WINDOW`.',
    details: { step, key, part, ...(record === null ? {} : { raw: cutJson(record) }) },
    cause,
    retryable,
  })
}

/** Characters of a record that an error shows. */
const RECORD_SHOWN = 400

function cutJson(record: object): string {
  const text = JSON.stringify(record, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return text.length <= RECORD_SHOWN ? text : `${text.slice(0, RECORD_SHOWN)}…`
}
