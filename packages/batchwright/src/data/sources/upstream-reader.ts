import { open } from 'node:fs/promises'
import path from 'node:path'
import type { RecordPosition } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { Part } from '../../protocol/index.ts'
import { readBlocks } from '../blocks/read-blocks.ts'
import type { Batch, BatchReader } from '../contract.ts'
import { exactJson } from '../formats/exact-json.ts'
import { planFileDamaged } from '../snapshot/block-index.ts'
import { readFully } from '../snapshot/content.ts'
import { RAW_LIMIT_BYTES } from './block-batch.ts'
import type { UpstreamSlice } from './payload.ts'
import type { UpstreamTask } from './plan-upstream.ts'
import { keepShare } from './share.ts'

/** Where a reader of an upstream step stands: records taken of the task at place `task` in the partition's list. */
export interface UpstreamPosition {
  readonly task: number
  readonly record: number
}

export interface UpstreamReaderOptions {
  readonly slice: UpstreamSlice
  readonly runFolder: string
  readonly key: ((record: object) => string) | null
  readonly position: UpstreamPosition | null
}

/** Opens records that a step of the same run left for its readers. */
export async function openUpstream(options: UpstreamReaderOptions): Promise<BatchReader> {
  const tasks = await readTaskList(options.slice, options.runFolder)
  return new UpstreamReader(batches(tasks, options))
}

class UpstreamReader implements BatchReader {
  readonly #batches: AsyncGenerator<Batch, void, undefined>

  constructor(source: AsyncGenerator<Batch, void, undefined>) {
    this.#batches = source
  }

  async read(): Promise<Batch | null> {
    const next = await this.#batches.next()
    return next.done === true ? null : next.value
  }

  async close(): Promise<void> {
    await this.#batches.return()
  }
}

async function readTaskList(slice: UpstreamSlice, runFolder: string): Promise<readonly UpstreamTask[]> {
  const target = path.join(runFolder, slice.list.path)
  const file = await open(target, 'r').catch((cause: unknown) => {
    throw planFileDamaged(target, 'it cannot be opened', cause)
  })
  try {
    const bytes = Buffer.alloc(slice.list.bytes)
    const filled = await readFully(file, bytes, slice.list.offset)
    if (filled < bytes.length) throw planFileDamaged(target, `it ends at byte ${slice.list.offset + filled}`)
    // Written by planUpstream under a name that is its digest: the border of the plan file stands here.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    return JSON.parse(bytes.toString('utf8')) as readonly UpstreamTask[]
  } finally {
    await file.close()
  }
}

async function* batches(
  tasks: readonly UpstreamTask[],
  { slice, key, position }: UpstreamReaderOptions,
): AsyncGenerator<Batch, void, undefined> {
  for (const [place, task] of tasks.entries()) {
    if (position !== null && place < position.task) continue
    const taken = place === position?.task ? position.record : 0
    let before = 0
    for (const part of task.parts) {
      const after = before + part.records
      if (after > taken) {
        for await (const { records, first } of recordsFrom(part, Math.max(0, taken - before))) {
          const start = before + first
          const kept = slice.share === null ? null : keepShare(records, start + 1, slice.share, key)
          if (kept?.length === 0) continue
          const bytes = Math.ceil((part.bytes * records.length) / part.records)
          yield new UpstreamBatch(records, kept, { step: slice.step, place, task, start }, bytes)
        }
      }
      before = after
    }
  }
}

/** Lists of records of a part after its first `skip`; whole blocks before them are not read. */
async function* recordsFrom(
  part: Part,
  skip: number,
): AsyncGenerator<{ readonly records: readonly object[]; readonly first: number }, void, undefined> {
  let passed = 0
  let at = 0
  const lists = readBlocks(part, (block) => {
    // Asked once for each block, in their order.
    passed += block.records
    if (passed > skip) return true
    at = passed
    return false
  })
  for await (const list of lists) {
    const unwanted = Math.min(list.length, Math.max(0, skip - at))
    if (unwanted < list.length) yield { records: unwanted === 0 ? list : list.slice(unwanted), first: at + unwanted }
    at += list.length
  }
}

function pick(records: readonly object[], places: readonly number[]): readonly object[] {
  const wanted = new Set(places)
  return records.filter((_, index) => wanted.has(index))
}

interface UpstreamPlace {
  readonly step: string
  /** Place of the task in the partition's list. */
  readonly place: number
  readonly task: UpstreamTask
  /** Records of the task before the list. */
  readonly start: number
}

class UpstreamBatch implements Batch {
  readonly digest: string
  readonly records: readonly object[]
  readonly bytes: number
  readonly #all: readonly object[]
  readonly #kept: readonly number[] | null
  readonly #place: UpstreamPlace

  constructor(all: readonly object[], kept: readonly number[] | null, place: UpstreamPlace, bytes: number) {
    this.digest = place.task.digest
    this.records = kept === null ? all : pick(all, kept)
    this.bytes = bytes
    this.#all = all
    this.#kept = kept
    this.#place = place
  }

  positionAfter(index: number): JsonValue {
    return { task: this.#place.place, record: this.#place.start + this.#row(index) + 1 }
  }

  locate(index: number): RecordPosition {
    const { step, task, start } = this.#place
    return { source: `${step}/${task.task}`, windowKey: null, record: start + this.#row(index) + 1, offset: null }
  }

  raw(index: number): string {
    const text = exactJson(this.#all[this.#row(index)])
    return text.length <= RAW_LIMIT_BYTES ? text : text.slice(0, RAW_LIMIT_BYTES)
  }

  #row(index: number): number {
    const row = this.#kept === null ? index : this.#kept[index]
    if (row === undefined || row < 0 || row >= this.#all.length) {
      throw new RangeError(`record ${index} of a batch of ${this.records.length}`)
    }
    return row
  }
}
