/** Skew of keys: found in a sample before the work is cut by them, and told as notes of the plan. */
import { hashKey } from '../kernel/digest.ts'

/** Smaller samples say little. */
const LEAST_SAMPLE = 100
/** A key, or a partition, is hot from this many times an even share on. */
export const HOT = 2
/** A key with less than this share of all records is not worth a word, however many partitions there are. */
const LEAST_SHARE = 0.05
const KEYS_TOLD = 3
const KEY_SHOWN = 40

/** How work is cut by keys. */
export interface KeyedCut {
  /** Partitions, or buckets. */
  readonly count: number
  /** `partition`, `bucket`. */
  readonly called: string
  /** What splits a hot key: a clause. */
  readonly remedy: string
}

/**
 * Sentences about hot keys, and about the partition that will have most. `keys`: of sampled records, each as often as it was
 * found. Empty where the sample is small or even.
 */
export function skewNotes(keys: readonly string[], { count, called, remedy }: KeyedCut): readonly string[] {
  const total = keys.length
  if (count < 2 || total < LEAST_SAMPLE) return []
  const found = new Map<string, number>()
  for (const key of keys) found.set(key, (found.get(key) ?? 0) + 1)
  const hot = [...found]
    .filter(([, times]) => times / total >= Math.max(LEAST_SHARE, HOT / count))
    .toSorted(([, left], [, right]) => right - left)
  const notes = hot.slice(0, KEYS_TOLD).map(([key, times]) => {
    const place = `${called} ${(hashKey(key) % count) + 1} of ${count}`
    return `hot key ${shown(key)}: ${percent(times, total)} of ${total} sampled records, all of which go to ${place}`
  })
  if (hot.length > KEYS_TOLD) notes.push(`${hot.length - KEYS_TOLD} more hot keys`)
  const largest = largestOf(found, count)
  if (largest.times / total >= HOT / count) {
    const times = ((largest.times / total) * count).toFixed(1)
    const why = hot.length > 0 ? remedy : `keys are few or uneven: ${remedy}`
    notes.push(
      `hot ${called} ${largest.place + 1} of ${count}: about ${percent(largest.times, total)} of the records, ${times} times an even share; ${why}`,
    )
  }
  return notes
}

function largestOf(
  found: ReadonlyMap<string, number>,
  count: number,
): { readonly place: number; readonly times: number } {
  const places = new Array<number>(count).fill(0)
  for (const [key, times] of found) {
    const place = hashKey(key) % count
    places[place] = (places[place] ?? 0) + times
  }
  const times = Math.max(...places)
  return { place: places.indexOf(times), times }
}

/** The key that was found most often, as it is shown; null where none makes up a tenth. */
export function hottestKey(keys: readonly string[]): { readonly key: string; readonly times: number } | null {
  const found = [...Map.groupBy(keys, (key) => key)].map(([key, all]) => ({ key: shown(key), times: all.length }))
  const [hottest] = found.toSorted((left, right) => right.times - left.times)
  return hottest !== undefined && hottest.times >= keys.length / 10 ? hottest : null
}

export function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(0)} %`
}

function shown(key: string): string {
  return JSON.stringify(key.length > KEY_SHOWN ? `${key.slice(0, KEY_SHOWN)}…` : key)
}
