import { Fault, type PartitionPolicy } from '../../job/model.ts'
import { hashKey } from '../../kernel/digest.ts'

/** The share of a partition by key: it keeps the records whose key falls to `share` of `of`. */
export interface Share {
  readonly share: number
  readonly of: number
}

/**
 * Which records fall to a share, by the hash of their key; faults, which have no key, by their number. The shares of all
 * partitions together hold each record once.
 */
export function keepShare(
  records: readonly (object | Fault)[],
  firstRecord: number,
  share: Share,
  key: ((record: object) => string) | null,
): readonly number[] {
  const kept: number[] = []
  for (const [index, record] of records.entries()) {
    const number = record instanceof Fault || key === null ? firstRecord + index : hashKey(key(record))
    if (number % share.of === share.share) kept.push(index)
  }
  return kept
}

/** The shares of a policy: one that keeps everything (null), unless it cuts by key. */
export function sharesOf(policy: PartitionPolicy): readonly (Share | null)[] {
  if (policy.by !== 'keyHash') return [null]
  const of = policy.count ?? 1
  return Array.from({ length: of }, (_, share) => ({ share, of }))
}
