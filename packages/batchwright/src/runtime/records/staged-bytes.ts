import { isDatasetKey } from '../../job/index.ts'
import type { Part, SinkState } from '../../protocol/index.ts'

/** Bytes of a commit's outputs, as the counters say them. */
export function stagedBytes(outputs: Readonly<Record<string, SinkState>>): number {
  return countedBytes(outputs, ({ sealed, open }) => partBytes(sealed) + (open?.durableBytes ?? 0))
}

/** Bytes of finished outputs, as the counters say them. */
export function sealedBytes(outputs: Readonly<Record<string, readonly Part[]>>): number {
  return countedBytes(outputs, partBytes)
}

/** Bytes of the datasets, where the step writes some; else of what it leaves to other steps. */
function countedBytes<Value>(outputs: Readonly<Record<string, Value>>, bytesOf: (value: Value) => number): number {
  const all = Object.entries(outputs)
  const datasets = all.filter(([key]) => isDatasetKey(key))
  return (datasets.length > 0 ? datasets : all).reduce((sum, [, output]) => sum + bytesOf(output), 0)
}

function partBytes(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.bytes, 0)
}
