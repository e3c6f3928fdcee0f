import type { Part, SinkState } from '../../protocol/index.ts'

/** Bytes of a commit's outputs, as the counters say them. */
export function stagedBytes(outputs: Readonly<Record<string, SinkState>>): number {
  return countedBytes(outputs, ({ sealed, open }) => partBytes(sealed) + (open?.durableBytes ?? 0))
}

/** Bytes of finished outputs, as the counters say them. */
export function sealedBytes(outputs: Readonly<Record<string, readonly Part[]>>): number {
  return countedBytes(outputs, partBytes)
}

/** Bytes of the dataset, where the step writes one; else of what it leaves to other steps. */
function countedBytes<Value>(outputs: Readonly<Record<string, Value>>, bytesOf: (value: Value) => number): number {
  const main = outputs['main']
  if (main !== undefined) return bytesOf(main)
  return Object.values(outputs).reduce((sum, output) => sum + bytesOf(output), 0)
}

function partBytes(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.bytes, 0)
}
