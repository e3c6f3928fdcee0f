/** How many workers a fleet should have: pure rules, so that a test can play days in a moment. */

/** One open step, as the store counts it. */
export interface StepLoad {
  /** Tasks that have not ended, those under way included. */
  readonly remaining: number
  /** How long one of its tasks takes, milliseconds, of some that have succeeded; null before any has. */
  readonly meanMs: number | null
}

export interface ScalingRules {
  /** Workers; at least 0. */
  readonly min: number
  readonly max: number
  /** Attempts at a time of one worker. */
  readonly slotsPerWorker: number
  /** Workers are wanted for what is left to be done within this time, milliseconds; default 30,000. */
  readonly drainMs?: number
  /** More workers are started only when they were wanted for all of this time; default 3,000. */
  readonly upMs?: number
  /** Workers are stopped only when they were not wanted at any moment of this time: the cool-down; default 60,000. */
  readonly downMs?: number
}

const DRAIN_MS = 30_000
const UP_MS = 3_000
const DOWN_MS = 60_000

/**
 * Slots that would have the work done within `drainMs`: for each step the time its tasks take together, divided by that. Never
 * more than it has tasks, and one at least. A step whose tasks nobody has timed yet gets a slot for each.
 */
export function slotsWanted(load: readonly StepLoad[], drainMs: number = DRAIN_MS): number {
  return load.reduce((sum, { remaining, meanMs }) => {
    if (remaining <= 0) return sum
    const needed = meanMs === null ? remaining : Math.ceil((remaining * meanMs) / drainMs)
    return sum + Math.min(remaining, Math.max(1, needed))
  }, 0)
}

/** Workers for that many slots, within the limits. What a scaler outside is told. */
export function workersWanted(load: readonly StepLoad[], rules: ScalingRules): number {
  const wanted = Math.ceil(slotsWanted(load, rules.drainMs) / rules.slotsPerWorker)
  return Math.min(rules.max, Math.max(rules.min, wanted))
}

/**
 * Follows the wanted number up soon and down late. Up: the least that was wanted at any moment of `upMs`, and at most twice
 * as many as there are at a time. Down: the most that was wanted at any moment of `downMs`. A number that goes to and fro
 * within these times therefore moves nothing.
 */
export class Autoscaler {
  readonly #rules: ScalingRules
  readonly #upMs: number
  readonly #downMs: number
  #seen: { readonly at: number; readonly wanted: number }[] = []
  #since: number | null = null

  constructor(rules: ScalingRules) {
    this.#rules = rules
    this.#upMs = rules.upMs ?? UP_MS
    this.#downMs = rules.downMs ?? DOWN_MS
  }

  /** How many workers there should be from now on. `now`: milliseconds on a clock that only grows. */
  decide(now: number, load: readonly StepLoad[], current: number): number {
    const wanted = workersWanted(load, this.#rules)
    this.#since ??= now
    this.#seen.push({ at: now, wanted })
    this.#seen = this.#seen.filter(({ at }) => now - at <= Math.max(this.#upMs, this.#downMs))
    if (current < this.#rules.min) return this.#rules.min
    if (current > this.#rules.max) return this.#rules.max
    const least = this.#over(now, this.#upMs, Math.min)
    if (least !== null && least > current) return Math.min(least, Math.max(current * 2, 1))
    const most = this.#over(now, this.#downMs, Math.max)
    if (most !== null && most < current) return most
    return current
  }

  /** Of what was wanted in the last `ms`; null while that much has not been seen. */
  #over(now: number, ms: number, pick: (...values: readonly number[]) => number): number | null {
    if (this.#since === null || now - this.#since < ms) return null
    return pick(...this.#seen.filter(({ at }) => now - at <= ms).map(({ wanted }) => wanted))
  }
}
