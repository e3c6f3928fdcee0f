/** At most `count` retries in any `perMs`. */
export interface RetryRate {
  readonly count: number
  readonly perMs: number
}

/**
 * When retries of a run are due, beyond now. Time is cut in stretches; all retries of one stretch are due at its beginning,
 * so that a window of `perMs` sees whole stretches and never a part of one more.
 */
export interface RetryCalendar {
  readonly stretchMs: number
  /** By number of the stretch since the epoch, as JSON has it: those that have retries, of those to come. */
  readonly due: Readonly<Record<string, number>>
}

export const NO_RETRIES: RetryCalendar = { stretchMs: 0, due: {} }

const STRETCHES = 10

/**
 * Gives a retry the first place from `earliestMs` on that the rate leaves free. `put off`: it would have been due earlier.
 */
export function placeRetry(
  calendar: RetryCalendar,
  rate: RetryRate,
  { earliestMs, nowMs }: { readonly earliestMs: number; readonly nowMs: number },
): { readonly atMs: number; readonly putOff: boolean; readonly calendar: RetryCalendar } {
  const stretches = Math.min(rate.count, STRETCHES)
  const stretchMs = Math.ceil(rate.perMs / stretches)
  const most = Math.floor(rate.count / stretches)
  const present = Math.floor(nowMs / stretchMs)
  // Of another rate (the job has changed), nothing fits: it begins anew.
  const known = calendar.stretchMs === stretchMs ? Object.entries(calendar.due) : []
  const due = new Map(known.map(([at, count]) => [Number(at), count] as const).filter(([at]) => at >= present))
  const first = Math.ceil(earliestMs / stretchMs)
  let at = first
  while ((due.get(at) ?? 0) >= most) at += 1
  due.set(at, (due.get(at) ?? 0) + 1)
  return { atMs: at * stretchMs, putOff: at !== first, calendar: { stretchMs, due: Object.fromEntries(due) } }
}
