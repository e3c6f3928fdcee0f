import type { RateRule } from '../../protocol/index.ts'

/**
 * Time slots for requests, on the store's clock. All times here are whole microseconds.
 *
 * A slot is granted for a time `t` and may be used from `t` on, but before `t + valid`; what has not left by then may not
 * leave. So what leaves within a window of length `per` was granted for a time inside `per + valid`. Slots stand `every`
 * apart, `burst` of them may fall together after a pause: inside an open interval of length d lie at most
 * `burst - 1 + ceil(d / every)` of them. With `every = (per + valid) / (count - burst + 1)` that is `count`, however late
 * a grant arrives and whoever holds it: lateness is paid for by the steady rate (5 %), never by the limit.
 */
export interface Slots {
  readonly everyUs: number
  readonly validUs: number
}

/** Time enough for a timer that is late and a loop that is busy; a twentieth of the rate is its price. */
const VALID_SHARE = 1 / 20
const LONGEST_VALID_MS = 2_000

/** How far apart slots stand, and how long each is good for. */
export function slotsOf(rate: RateRule): Slots {
  const validUs = Math.floor(Math.min(rate.perMs * VALID_SHARE, LONGEST_VALID_MS) * 1000)
  const everyUs = Math.ceil((rate.perMs * 1000 + validUs) / (rate.count - rate.burst + 1))
  return { everyUs, validUs }
}

export interface Allotment {
  /** In order, microseconds. */
  readonly slots: readonly number[]
  /** To be kept for the next time. */
  readonly nextUs: number
  /** Microseconds until there is something to ask for again; 0 where all that was wanted was granted. */
  readonly retryUs: number
}

/**
 * Grants up to `wanted` slots that are not later than `horizonUs` from now. `nextUs`: when the next slot is due at the steady
 * rate, as kept from the last time; 0 at first. What is granted and not used is lost: hence the horizon.
 */
export function allot(
  rate: RateRule,
  {
    nextUs,
    nowUs,
    wanted,
    horizonUs,
  }: { readonly nextUs: number; readonly nowUs: number; readonly wanted: number; readonly horizonUs: number },
): Allotment {
  const { everyUs } = slotsOf(rate)
  const ahead = (rate.burst - 1) * everyUs
  const slots: number[] = []
  let next = nextUs
  let retryUs = 0
  while (slots.length < wanted) {
    const slot = Math.max(nowUs, next - ahead)
    if (slot > nowUs + horizonUs) {
      retryUs = slot - nowUs - horizonUs
      break
    }
    slots.push(slot)
    next = Math.max(next, slot) + everyUs
  }
  return { slots, nextUs: next, retryUs }
}
