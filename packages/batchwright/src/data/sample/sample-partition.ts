import type { Fault } from '../../job/model.ts'
import type { PartitionPlan } from '../../protocol/index.ts'
import type { OpenPartition, PartitionPiece } from '../contract.ts'

/** Places of a partition that are looked at. */
const PLACES = 8

/**
 * Some records of a partition: from its beginning, and, where its source can be cut, from places all over it. Reads one batch
 * at each place.
 */
export async function samplePartition(
  open: OpenPartition,
  partition: PartitionPlan,
): Promise<readonly (object | Fault)[]> {
  const records: (object | Fault)[] = []
  for (const piece of await spread(open, partition, records)) {
    const reader = await open({ ...piece, index: partition.index }, null)
    try {
      records.push(...((await reader.read())?.records ?? []))
    } finally {
      await reader.close()
    }
  }
  return records
}

/** Reads the first batch into `records`; answers with pieces of what comes after it. */
async function spread(
  open: OpenPartition,
  partition: PartitionPlan,
  records: (object | Fault)[],
): Promise<readonly PartitionPiece[]> {
  const reader = await open(partition, null)
  try {
    const batch = await reader.read()
    if (batch === null || batch.records.length === 0) return []
    records.push(...batch.records)
    const cut = await reader.cut?.({ batch, taken: batch.records.length, pieces: PLACES })
    return cut === undefined || 'refused' in cut ? [] : cut.rest
  } finally {
    await reader.close()
  }
}
