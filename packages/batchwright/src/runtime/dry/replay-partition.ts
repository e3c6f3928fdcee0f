import { partitionOpener, readBlocks, type Batch } from '../../data/index.ts'
import type { RecordsStep, ReduceStep } from '../../job/index.ts'
import type { Folders, PartitionPlan } from '../../protocol/index.ts'
import type { ContextBase } from '../context.ts'
import { readBucket } from '../reduce/plan-reduce.ts'
import { DryRecords, type DryRecord } from './dry-records.ts'
import { DryReduce } from './dry-reduce.ts'

/** Records that are worked on together: a concurrent `process` is concurrent here, too. */
const CHUNK = 500

interface ReplayBase {
  readonly context: Omit<ContextBase, 'state'>
  readonly folders: Folders
  readonly partition: PartitionPlan
}

export interface RecordsReplay extends ReplayBase {
  readonly step: RecordsStep
  /** A folder that is the caller's to remove. */
  readonly scratch: string
  /** Absolute path of mended dead letters that stand in for the source's text; null for none. */
  readonly mended: string | null
  /** Where the only record that is wanted stands; null for all. */
  readonly only: RecordPlace | null
  /** Called just before the record that is wanted goes through the step's functions; without one, before the first. */
  readonly before?: () => void
}

/** A record by its number in its source, or by the byte that it starts at. Without a source: in the first that has it. */
export type RecordPlace = { readonly source?: string } & ({ readonly record: number } | { readonly offset: number })

/** Where a replay stands at its end. */
export interface Replayed {
  readonly counters: DryRecords['counters']
  readonly controls: DryRecords['controls']
  /** Places seen, from the first record to the last: what a partition holds. */
  readonly first: DryRecord['position'] | null
  readonly last: DryRecord['position'] | null
}

/**
 * Works through a planned partition of a records step with its sinks off, and gives its records with their fates. Of `only`
 * one record, those before it are worked through as well where the step remembers them; they are not given. Errors of the
 * source as the step would have them: INPUT_CHANGED, INPUT_MISSING, OUTPUT_LOST, PLAN_DAMAGED.
 */
export async function* replayRecords(replay: RecordsReplay): AsyncGenerator<readonly DryRecord[], Replayed, undefined> {
  const { step, context, folders, partition, scratch, mended, only } = replay
  const open = partitionOpener({
    dataset: step.input.from === 'dataset' ? step.input.dataset : null,
    policy: step.partition,
    folders,
    mended,
  })
  const remembers = DryRecords.remembers(step)
  const dry = await DryRecords.open({ step, context, scratch })
  let [first, last]: [Replayed['first'], Replayed['last']] = [null, null]
  let announced = false
  const announce = (): void => {
    if (!announced) replay.before?.()
    announced = true
  }
  try {
    const reader = await open(partition, null)
    try {
      for (let batch = await reader.read(); batch !== null; batch = await reader.read()) {
        context.signal.throwIfAborted()
        const size = batch.records.length
        if (size === 0) continue
        first ??= batch.locate(0)
        last = batch.locate(size - 1)
        const wanted = only === null ? -1 : find(batch, only)
        for (let from = 0; from < size; from += CHUNK) {
          const to = Math.min(from + CHUNK, size)
          if (only === null) {
            announce()
            yield await dry.run(batch, from, to)
          } else if (remembers && wanted === -1) await dry.run(batch, from, to)
        }
        if (wanted === -1) continue
        if (remembers && wanted > 0) await dry.run(batch, 0, wanted)
        announce()
        yield await dry.run(batch, wanted, wanted + 1)
        break
      }
    } finally {
      await reader.close()
    }
    return { counters: dry.counters, controls: dry.controls, first, last }
  } finally {
    await dry.close()
  }
}

/** The row of a record in a batch; -1 where it is not there. */
function find(batch: Batch, place: RecordPlace): number {
  for (let row = 0; row < batch.records.length; row += 1) {
    const { source, record, offset } = batch.locate(row)
    if (place.source !== undefined && place.source !== source) continue
    if ('record' in place ? record === place.record : offset === place.offset) return row
  }
  return -1
}

export interface ReduceReplay extends ReplayBase {
  readonly step: ReduceStep
}

/** Folds a bucket of a reduce step with its sinks off: all its records are in the answer, no key is finished yet. */
export async function replayReduce({ step, context, folders, partition }: ReduceReplay): Promise<DryReduce> {
  const dry = new DryReduce({ step, context })
  for (const part of await readBucket(partition.payload, folders)) {
    for await (const records of readBlocks(part, () => true)) {
      context.signal.throwIfAborted()
      dry.add(records)
    }
  }
  return dry
}
