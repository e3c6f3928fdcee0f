import { currentManifest, listManifests, listWindows } from '../data/index.ts'

/** Former versions that a record count is compared with. */
const LENGTH = 12

/**
 * Record counts of what was published before, newest last: the current version of each earlier window, or the earlier
 * versions of a dataset without windows. At most the last twelve.
 */
export async function recordCountHistory(folder: string, windowKey: string | null): Promise<readonly number[]> {
  if (windowKey === null) {
    return (await listManifests(folder, null)).slice(-LENGTH).map((manifest) => manifest.records)
  }
  const earlier = (await listWindows(folder)).filter((key) => key !== null && key < windowKey).slice(-LENGTH)
  const manifests = await Promise.all(earlier.map((key) => currentManifest(folder, key)))
  return manifests.filter((manifest) => manifest !== null).map((manifest) => manifest.records)
}

/** The middle of some numbers, the lower of two; null of none. */
export function median(numbers: readonly number[]): number | null {
  return numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)] ?? null
}
