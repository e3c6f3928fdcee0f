/** Windows that a job may run for next, beside those that it has run for. */
import type { WindowSpec } from '../../job/model.ts'
import type { WindowValue } from '../../protocol/index.ts'

/** A word that may stand where the Tab key was pressed, and what it is. */
export interface Answer {
  readonly value: string
  readonly about: string
}

/** The window after the newest run's; for a job that has never run, the last one that is over. None where its kind is not known. */
export async function upcomingWindows(
  kind: string | null,
  newest: WindowValue | null,
  now: number,
): Promise<readonly Answer[]> {
  const spec = await specOf(kind, newest)
  if (spec === null) return []
  if (newest !== null) return [{ value: spec.shift(newest, 1).key, about: 'the next' }]
  const current = spec.containing(new Date(now).toISOString())
  return [{ value: spec.shift(current, -1).key, about: `the last full ${spec.kind}` }]
}

async function specOf(kind: string | null, newest: WindowValue | null): Promise<WindowSpec | null> {
  const { daily, hourly, monthly, weekly } = await import('../../job/index.ts')
  const zone = newest === null ? {} : { timezone: newest.timezone }
  const kinds: Readonly<Partial<Record<string, () => WindowSpec>>> = {
    hourly: () => hourly(zone),
    daily: () => daily(zone),
    weekly: () => weekly(zone),
    monthly: () => monthly(zone),
  }
  return kind === null ? null : (kinds[kind]?.() ?? null)
}
