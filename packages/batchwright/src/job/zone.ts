import { createRequire } from 'node:module'
import type * as TemporalModule from 'temporal-polyfill'
import { definitionError, show } from './names.ts'

/** What windows ask of a time zone. Instants are milliseconds since the epoch, hours and months count as people do. */
export interface Zone {
  readonly name: string
  civilAt(instant: number): CivilHour
  /** The first instant of a day; of the next day there is, where the clock skipped this one. */
  startOfDay(day: CivilDay): number
  /** Where the hour of the local clock began that an instant lies in. */
  startOfHour(instant: number): number
  /** When a local hour first begins; where the clock skips its beginning, the instant after the gap. */
  firstInstant(hour: Omit<CivilHour, 'offsetMinutes'>): number
}

export interface CivilDay {
  readonly year: number
  readonly month: number
  readonly day: number
}

export interface CivilHour extends CivilDay {
  readonly hour: number
  readonly offsetMinutes: number
}

export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/** UTC needs no zone data, and most small jobs need no other: they start 40 ms sooner. */
const utc: Zone = {
  name: 'UTC',
  civilAt: (instant) => {
    const date = new Date(instant)
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      offsetMinutes: 0,
    }
  },
  startOfDay: (day) => Date.UTC(day.year, day.month - 1, day.day),
  startOfHour: (instant) => Math.floor(instant / HOUR_MS) * HOUR_MS,
  firstInstant: (hour) => Date.UTC(hour.year, hour.month - 1, hour.day, hour.hour),
}

/** Loaded at the first use of a zone other than UTC: synchronously, since windows are computed synchronously. */
let temporal: (typeof TemporalModule)['Temporal'] | undefined

function loadTemporal(): (typeof TemporalModule)['Temporal'] {
  if (temporal === undefined) {
    const load: unknown = createRequire(import.meta.url)('temporal-polyfill')
    // `require` knows no types; the package's own are those of the import type above.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    temporal = (load as typeof TemporalModule).Temporal
  }
  return temporal
}

function namedZone(name: string): Zone {
  return {
    name,
    civilAt: (instant) => {
      const time = loadTemporal().Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(name)
      const { year, month, day, hour } = time
      return { year, month, day, hour, offsetMinutes: Math.round(time.offsetNanoseconds / 60e9) }
    },
    startOfDay: (day) => loadTemporal().PlainDate.from(day).toZonedDateTime(name).epochMilliseconds,
    startOfHour: (instant) =>
      loadTemporal()
        .Instant.fromEpochMilliseconds(instant)
        .toZonedDateTimeISO(name)
        .round({ smallestUnit: 'hour', roundingMode: 'floor' }).epochMilliseconds,
    firstInstant: ({ year, month, day, hour }) =>
      loadTemporal().PlainDateTime.from({ year, month, day, hour }).toZonedDateTime(name).epochMilliseconds,
  }
}

const zones = new Map<string, Zone>([['UTC', utc]])

/** The zone of an IANA name. Throws WINDOW_INVALID for a name that does not exist. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known !== undefined) return known
  if (!isZoneName(name)) {
    throw definitionError(
      'WINDOW_INVALID',
      'timezone',
      `expected an IANA time zone, found ${show(name)}`,
      "For example 'Europe/London' or 'UTC'.",
    )
  }
  const zone = namedZone(name)
  zones.set(name, zone)
  return zone
}

function isZoneName(name: unknown): name is string {
  // Offsets such as +01:00 are accepted by Intl, but a place's rules are what a window needs.
  if (typeof name !== 'string' || !/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
