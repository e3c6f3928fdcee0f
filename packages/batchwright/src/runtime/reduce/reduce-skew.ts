import { readBlocks } from '../../data/index.ts'
import type { ReduceStep } from '../../job/index.ts'
import type { BlockEntry, Folders, Part, PartitionPlan } from '../../protocol/index.ts'
import { HOT, hottestKey, percent } from '../skew.ts'
import { readBucket } from './plan-reduce.ts'

/** Parts of a bucket that are looked into, one block of each. */
const PARTS = 4
/** Fewer records are folded before anybody looks. */
const LEAST_RECORDS = 1_000

/**
 * A sentence about the bucket that has far more records than an even share, with the key that makes it so: how many records
 * each bucket has is known exactly, the keys are those of a few blocks. Empty where buckets are even.
 */
export async function reduceSkew(
  step: ReduceStep,
  partitions: readonly PartitionPlan[],
  folders: Folders,
): Promise<readonly string[]> {
  const total = partitions.reduce((sum, { records }) => sum + (records ?? 0), 0)
  const largest = partitions.toSorted((left, right) => (right.records ?? 0) - (left.records ?? 0))[0]
  const most = largest?.records ?? 0
  if (largest === undefined || step.buckets < 2 || total < LEAST_RECORDS || most < (HOT * total) / step.buckets)
    return []
  const times = ((most / total) * step.buckets).toFixed(1)
  const keys = (await someRecords(await readBucket(largest.payload, folders))).map(step.key)
  const hot = hottestKey(keys)
  const cause = hot === null ? '' : `; key ${hot.key} has about ${percent(hot.times, keys.length)} of them`
  return [
    `hot ${largest.label}: ${percent(most, total)} of the records, ${times} times an even share${cause}: ` +
      'fold in two steps, first .by() the key and a part of the record (its day, a hash of its id), then by the key alone',
  ]
}

async function someRecords(parts: readonly Part[]): Promise<readonly object[]> {
  const every = Math.max(1, Math.floor(parts.length / PARTS))
  const records: object[] = []
  for (const part of parts.filter((_, index) => index % every === 0).slice(0, PARTS)) {
    const block = middleOf(part.blocks ?? [])
    for await (const list of readBlocks(part, (each) => each === block)) {
      records.push(...list)
      break
    }
  }
  return records
}

function middleOf(blocks: readonly BlockEntry[]): BlockEntry | undefined {
  return blocks[Math.floor(blocks.length / 2)]
}
