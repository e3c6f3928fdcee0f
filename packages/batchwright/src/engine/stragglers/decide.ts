import type { CopyReason, RunningAttempt, SiblingTime } from '../../store/index.ts'

/** What to do about attempts that lag behind: pure decisions on what the store says of what runs. */

export interface StragglerRules {
  /** No piece is made that lasts shorter, milliseconds: handing it over must cost little beside it. */
  readonly leastPieceMs: number
  /** An attempt whose last checkpoint is older than this does not move, milliseconds. */
  readonly stalledMs: number
}

export interface SplitAdvice {
  readonly attempt: RunningAttempt
  readonly pieces: number
}

export interface CopyAdvice {
  readonly attempt: RunningAttempt
  readonly why: CopyReason
}

/**
 * Which attempts to cut so that idle slots have work: one slot after the other goes to the attempt whose pieces last longest.
 * Attempts that were asked, have declined, or of whose step something waits to be claimed are left alone.
 */
export function chooseSplits(
  running: readonly RunningAttempt[],
  idle: number,
  rules: StragglerRules,
): readonly SplitAdvice[] {
  const pieces = new Map<RunningAttempt, number>()
  const left = new Map<RunningAttempt, number>()
  for (const attempt of running) if (mayBeSplit(attempt)) left.set(attempt, leftMs(attempt))
  for (let slot = 0; slot < idle; slot += 1) {
    const next = longestPiece(left, pieces, rules)
    if (next === null) break
    pieces.set(next, (pieces.get(next) ?? 1) + 1)
  }
  return [...pieces].map(([attempt, count]) => ({ attempt, pieces: count }))
}

/** The attempt whose pieces last longest, and would last long enough if they were one more. */
function longestPiece(
  left: ReadonlyMap<RunningAttempt, number>,
  pieces: ReadonlyMap<RunningAttempt, number>,
  rules: StragglerRules,
): RunningAttempt | null {
  let longest = 0
  let chosen: RunningAttempt | null = null
  for (const [attempt, ms] of left) {
    const count = pieces.get(attempt) ?? 1
    if (ms / count > longest && ms / (count + 1) >= rules.leastPieceMs) [longest, chosen] = [ms / count, attempt]
  }
  return chosen
}

function mayBeSplit(attempt: RunningAttempt): boolean {
  const { rebalance, split, isCopy, hasCopy, stepHasReady } = attempt
  return rebalance && split === 'none' && !isCopy && !hasCopy && !stepHasReady
}

/**
 * How long an attempt will still need, at the speed that it had up to its last checkpoint. Where nobody knows how much there
 * is, as long as it has needed so far: of things that last, those that have lasted longest last longest. 0 before its first
 * checkpoint: nothing is known of it.
 */
export function leftMs(attempt: RunningAttempt): number {
  const { records, read, fromRead, checkpointedMs, runningMs } = attempt
  if (checkpointedMs === null || checkpointedMs <= 0 || read <= fromRead) return 0
  if (records === null) return runningMs
  const perMs = (read - fromRead) / checkpointedMs
  return Math.max(0, (records - read) / perMs - (runningMs - checkpointedMs))
}

/** Whether enough of its siblings are done, and it has run for long enough, that a rule for copies may apply to an attempt. */
export function mayBeCopied(attempt: RunningAttempt, rules: StragglerRules): boolean {
  const { speculation, isCopy, hasCopy, runningMs, tasks, done } = attempt
  if (speculation === null || isCopy || hasCopy || runningMs < speculation.atLeastMs) return false
  if (done === 0 || done < speculation.after * (tasks - 1)) return false
  // One that moves is helped more by taking work off it than by doing it twice.
  return !(attempt.rebalance && attempt.split !== 'declined' && moves(attempt, rules))
}

function moves({ checkpointedMs, runningMs }: RunningAttempt, { stalledMs }: StragglerRules): boolean {
  return runningMs - (checkpointedMs ?? 0) < stalledMs
}

/** Why an attempt should have a copy; null where it is no slower than the rule allows, or a copy would not be done before it. */
export function whyCopy(
  attempt: RunningAttempt,
  siblings: readonly SiblingTime[],
  rules: StragglerRules,
): CopyReason | null {
  const { speculation, runningMs, records, read, fromRead } = attempt
  if (speculation === null || siblings.length === 0) return null
  const expected = expectation(siblings, records === null ? null : records - fromRead)
  if (runningMs <= speculation.slowerThan * expected) return null
  const left = moves(attempt, rules) && read > fromRead && records !== null ? leftMs(attempt) : null
  const copyMs = expectation(siblings, records === null ? null : Math.max(0, records - read))
  if (left !== null && left <= copyMs) return null
  return {
    runningMs: Math.round(runningMs),
    expectedMs: Math.round(expected),
    leftMs: left === null ? null : Math.round(left),
  }
}

/** What siblings would take, by the median: for so many records where both are counted, else for a partition. */
function expectation(siblings: readonly SiblingTime[], records: number | null): number {
  const counted = siblings.filter(({ read }) => read > 0)
  if (records === null || counted.length === 0) return median(siblings.map(({ ms }) => ms))
  return median(counted.map(({ ms, read }) => ms / read)) * records
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}
