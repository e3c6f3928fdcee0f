import { BatchwrightError } from '../../kernel/errors.ts'

/** Added to a sitting's number where it starts over: the one that failed to open may have left files. */
export const FRESH = 1000

/** Staged parts or state that a checkpoint names are gone, with the disk they were on: the partition starts again. */
export function isLost(thrown: unknown): thrown is BatchwrightError {
  return thrown instanceof BatchwrightError && (thrown.code === 'OUTPUT_LOST' || thrown.code === 'STATE_LOST')
}
