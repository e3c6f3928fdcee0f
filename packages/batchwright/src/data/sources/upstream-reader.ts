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
import { cutUpstream } from './cut-upstream.ts'
import type { UpstreamPosition, UpstreamSlice } from './payload.ts'
import type { UpstreamTask } from './plan-upstream.ts'
import { keepShare } from './share.ts'

export interface UpstreamReaderOptions {
  readonly slice: UpstreamSlice
  readonly runFolder: string
  readonly key: ((record: object) => string) | null
  readonly position: UpstreamPosition | null
}

/** Opens records that a step of the same run left for its readers. */
export async function openUpstream(options: UpstreamReaderOptions): Promise<BatchReader> {
  const tasks = await readTaskList(options.slice, options.runFolder)
  const reading = { slice: options.slice }
  return new GeneratedReader(batches(tasks, options, reading), (request) => {
    const pieces = cutUpstream(reading.slice, tasks, request)
    if ('refused' in pieces) return pieces
    return {
      ...pieces,
      take: () => {
        reading.slice = pieces.slice
      },
    }
  })
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

/** `reading`: the slice as it is now; a cut ends it earlier. */
async function* batches(
  tasks: readonly UpstreamTask[],
  { slice, key, position }: UpstreamReaderOptions,
  reading: { readonly slice: UpstreamSlice },
): AsyncGenerator<Batch, void, undefined> {
  const from = position ?? slice.since
  for (const [place, task] of tasks.entries()) {
    if (from !== null && place < from.task) continue
    const taken = place === from?.task ? from.record : 0
    let before = 0
    for (const part of task.parts) {
      const after = before + part.records
      if (after > taken) {
        for await (const list of recordsFrom(part, Math.max(0, taken - before))) {
          const start = before + list.first
          const records = until(reading.slice, place, start, list.records)
          if (records.length === 0) return
          const kept = slice.share === null ? null : keepShare(records, start + 1, slice.share, key)
          if (kept?.length === 0) continue
          const bytesBefore = bytesFrom(part, list.first)
          const places = placesOf(records, { step: slice.step, place, task, start })
          yield new ObjectBatch(records, kept, { ...places, bytes: bytesBefore(records.length), bytesBefore })
        }
      }
      before = after
    }
  }
}

/** Those of some records of a task that lie before the slice's end. */
function until(slice: UpstreamSlice, place: number, start: number, records: readonly object[]): readonly object[] {
  const end = slice.until
  if (end === null || place < end.task) return records
  if (place > end.task) return []
  return start + records.length <= end.record ? records : records.slice(0, Math.max(0, end.record - start))
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

/** Bytes of a part's records from one of them on: the records' share of all, the same sum however they are cut. */
function bytesFrom(part: Part, first: number): (records: number) => number {
  const before = (record: number): number => Math.ceil((part.bytes * record) / part.records)
  return (records) => before(first + records) - before(first)
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
): Omit<ObjectPlaces, 'bytes'> {
  return {
    digest: task.digest,
    positionAfter: (row) => ({ task: place, record: start + row + 1 }),
    locate: (row) => ({ source: `${step}/${task.task}`, windowKey: null, record: start + row + 1, offset: null }),
    raw: (row) => exactJson(records[row] ?? {}).slice(0, RAW_LIMIT_BYTES),
  }
}
