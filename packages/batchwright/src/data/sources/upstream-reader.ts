import { open } from 'node:fs/promises'
import path from 'node:path'
import type { Part } from '../../protocol/index.ts'
import { readBlocks } from '../blocks/read-blocks.ts'
import type { Batch, BatchReader } from '../contract.ts'
import { exactJson } from '../formats/exact-json.ts'
import { planFileDamaged } from '../snapshot/block-index.ts'
import { readFully } from '../snapshot/content.ts'
import { RAW_LIMIT_BYTES } from './block-batch.ts'
import { GeneratedReader } from './generated-reader.ts'
import { ObjectBatch, type ObjectPlaces } from './object-batch.ts'
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
  return new GeneratedReader(batches(tasks, options))
}

/** The tasks that a partition was planned on. Throws PLAN_DAMAGED. */
export async function readTaskList(slice: UpstreamSlice, runFolder: string): Promise<readonly UpstreamTask[]> {
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
          yield new ObjectBatch(records, kept, placesOf(records, { step: slice.step, place, task, start }, bytes))
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

/** `start`: records of the task before the list; `place`: of the task in the partition's list. */
function placesOf(
  records: readonly object[],
  {
    step,
    place,
    task,
    start,
  }: { readonly step: string; readonly place: number; readonly task: UpstreamTask; readonly start: number },
  bytes: number,
): ObjectPlaces {
  return {
    digest: task.digest,
    bytes,
    positionAfter: (row) => ({ task: place, record: start + row + 1 }),
    locate: (row) => ({ source: `${step}/${task.task}`, windowKey: null, record: start + row + 1, offset: null }),
    raw: (row) => exactJson(records[row] ?? {}).slice(0, RAW_LIMIT_BYTES),
  }
}
