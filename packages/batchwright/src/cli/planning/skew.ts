/** How evenly the work of a step is cut. */
import type { PartitionPlan } from '../../protocol/index.ts'

export interface Skew {
  /** What is compared: records where they are known of all partitions, else bytes. */
  readonly by: 'records' | 'bytes'
  readonly largest: number
  readonly median: number
  /** Largest over median; infinite where half of the partitions are empty. */
  readonly ratio: number
  /** Those of at least twice the median, the largest first. */
  readonly large: readonly { readonly index: number; readonly label: string; readonly amount: number }[]
}

/** A partition is large from this many times the median on. */
const LARGE = 2

/** Null for less than two partitions, and where neither records nor bytes are known. */
export function skewOf(partitions: readonly PartitionPlan[]): Skew | null {
  if (partitions.length < 2) return null
  const by = partitions.every(({ records }) => records !== null)
    ? 'records'
    : partitions.every(({ bytes }) => bytes !== null)
      ? 'bytes'
      : null
  if (by === null) return null
  const sized = partitions.map(({ index, label, [by]: amount }) => ({ index, label, amount: amount ?? 0 }))
  const sorted = sized.toSorted((left, right) => right.amount - left.amount)
  const largest = sorted[0]?.amount ?? 0
  const median = medianOf(sorted.map(({ amount }) => amount))
  if (largest === 0) return null
  return {
    by,
    largest,
    median,
    ratio: median === 0 ? Infinity : largest / median,
    large: sorted.filter(({ amount }) => amount >= LARGE * median && amount > median),
  }
}

/** Of numbers in order. */
function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

/** Labels of partitions that are one compressed file each: they cannot be cut however large they are. */
export function isCompressed(label: string): boolean {
  return /\.gz$/i.test(label)
}
