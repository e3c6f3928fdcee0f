import { BatchwrightError } from '../kernel/errors.ts'
import { parseDuration, type Duration } from '../kernel/units.ts'
import type { WindowValue } from '../protocol/index.ts'
import type { WindowSpec } from './model.ts'
import { checkOptions, definitionError, show } from './names.ts'
import { DAY_MS, HOUR_MS, zoneOf, type CivilDay, type Zone } from './zone.ts'

/** The time zone of a window. */
export interface WindowOptions {
  /** IANA name. Default: the job's zone for a dataset's window, UTC for a job's. */
  readonly timezone?: string
}

/** A window as it was declared: one without a zone of its own takes the job's. */
export interface Window extends WindowSpec {
  readonly zoned: boolean
  inZone(timezone: string): Window
}

/**
 * Hours of the local clock. Where the clock is set back, the repeated hour's key names its offset: `2011-10-30T01+00:00`.
 * Keys sort in time order wherever clocks move by an hour or less: everywhere but on Troll station.
 */
export function hourly(options: WindowOptions = {}): Window {
  return declare('hourly()', 'hour', options)
}

/** Days of the local calendar, of 23 or 25 hours where the clock changes. Key `2011-01-04`. */
export function daily(options: WindowOptions = {}): Window {
  return declare('daily()', 'day', options)
}

/** ISO weeks, from Monday. Key `2011-W02`. */
export function weekly(options: WindowOptions = {}): Window {
  return declare('weekly()', 'week', options)
}

/** Calendar months. Key `2011-01`. */
export function monthly(options: WindowOptions = {}): Window {
  return declare('monthly()', 'month', options)
}

/** Windows of one exact length, counted from 1970-01-01T00:00Z. Key: their first instant, `2011-01-04T10:15:00Z`. */
export function every(length: Duration, options: WindowOptions = {}): Window {
  const lengthMs = parseDuration(length, 'every()')
  if (lengthMs < 1000 || lengthMs % 1000 !== 0) {
    throw definitionError(
      'WINDOW_INVALID',
      'every()',
      `expected whole seconds, found ${show(length)}`,
      "For example every('15min').",
    )
  }
  return declare('every()', 'interval', options, lengthMs)
}

function declare(
  place: string,
  kind: WindowValue['kind'],
  options: WindowOptions,
  lengthMs: number | null = null,
): Window {
  checkOptions(place, options, ['timezone'])
  const make = (timezone: string, zoned: boolean): Window => {
    const zone = zoneOf(timezone)
    return {
      ...windowsOf(kind, zone, lengthMs),
      kind,
      timezone: zone.name,
      lengthMs,
      zoned,
      inZone: (name) => make(name, true),
    }
  }
  return make(options.timezone ?? 'UTC', options.timezone !== undefined)
}

type Arithmetic = Pick<WindowSpec, 'parse' | 'containing' | 'shift' | 'within'>

function windowsOf(kind: WindowValue['kind'], zone: Zone, lengthMs: number | null): Arithmetic {
  switch (kind) {
    case 'hour':
      return arithmetic(hours(zone))
    case 'interval':
      return arithmetic(intervals(zone, lengthMs ?? HOUR_MS))
    case 'day':
      return arithmetic(calendarUnits('day', DAYS, zone))
    case 'week':
      return arithmetic(calendarUnits('week', WEEKS, zone))
    case 'month':
      return arithmetic(calendarUnits('month', MONTHS, zone))
  }
}

/** What one kind of window has to know; the rest follows, since windows of a kind cover time without gap or overlap. */
interface Cutting {
  /** `a month such as 2011-01`. */
  readonly expected: string
  readonly at: (instant: number) => WindowValue
  /** An instant that lies in the window of this key, if there is such a window. */
  readonly find: (key: string) => number | null
}

function arithmetic(cutting: Cutting): Arithmetic {
  const { at } = cutting
  const after = (window: WindowValue): WindowValue => at(Date.parse(window.end))
  const before = (window: WindowValue): WindowValue => at(Date.parse(window.start) - 1)
  return {
    parse: (key) => {
      const instant = cutting.find(key)
      const window = instant === null ? null : at(instant)
      if (window?.key === key) return window
      throw invalid(
        `expected ${cutting.expected}, found ${show(key)}`,
        window === null ? 'Write the window as its key.' : `The window there is ${window.key}.`,
      )
    },
    containing: (instant) => at(instantOf(instant)),
    shift: (window, steps) => {
      let shifted = window
      for (let step = 0; step < Math.abs(steps); step += 1) shifted = steps > 0 ? after(shifted) : before(shifted)
      return shifted
    },
    within: (bounds) => {
      const start = instantOf(bounds.start)
      const end = instantOf(bounds.end)
      const windows: WindowValue[] = []
      let window = at(start)
      if (Date.parse(window.start) < start) window = after(window)
      for (; Date.parse(window.start) < end; window = after(window)) windows.push(window)
      return windows
    },
  }
}

function instantOf(text: string): number {
  const instant = Date.parse(text)
  if (/(?:Z|[+-]\d\d:?\d\d)$/.test(text) && !Number.isNaN(instant)) return instant
  throw invalid(`expected an instant, found ${show(text)}`, 'ISO 8601 with Z or an offset: 2011-01-04T10:00:00Z.')
}

function invalid(message: string, hint: string): BatchwrightError {
  return new BatchwrightError({ code: 'WINDOW_INVALID', message: `window: ${message}`, hint })
}

// ---------------------------------------------------------------- days, weeks, months

/** A kind of window that is made of whole days, counted by a number. */
interface CalendarUnit {
  readonly example: string
  numberOf(day: CivilDay): number
  firstDay(count: number): CivilDay
  key(count: number): string
  parse(key: string): CivilDay | null
}

function calendarUnits(kind: WindowValue['kind'], unit: CalendarUnit, zone: Zone): Cutting {
  return {
    expected: `a ${kind} such as ${unit.example}`,
    at: (instant) => {
      const count = unit.numberOf(zone.civilAt(instant))
      const start = zone.startOfDay(unit.firstDay(count))
      let next = count + 1
      let end = zone.startOfDay(unit.firstDay(next))
      // A day that the clock skipped (Samoa, 2011-12-30) has no instant: it begins where the next one does.
      while (end <= instant) end = zone.startOfDay(unit.firstDay((next += 1)))
      return { kind, key: unit.key(count), start: print(start), end: print(end), timezone: zone.name }
    },
    find: (key) => {
      const day = unit.parse(key)
      return day === null ? null : zone.startOfDay(day)
    },
  }
}

const DAYS: CalendarUnit = {
  example: '2011-01-04',
  numberOf: dayNumber,
  firstDay: civilDay,
  key: (count) => printDay(civilDay(count)),
  parse: (key) => {
    const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(key) ?? []
    if (year === undefined) return null
    const found = { year: Number(year), month: Number(month), day: Number(day) }
    return printDay(civilDay(dayNumber(found))) === key ? found : null
  },
}

/** 1970-01-01 was a Thursday: the Monday of its week has the day number -3. */
const FIRST_MONDAY = -3

const WEEKS: CalendarUnit = {
  example: '2011-W02',
  numberOf: (day) => Math.floor((dayNumber(day) - FIRST_MONDAY) / 7),
  firstDay: (count) => civilDay(count * 7 + FIRST_MONDAY),
  key: (count) => {
    // A week belongs to the year that its Thursday lies in (ISO 8601).
    const { year } = civilDay(count * 7 + FIRST_MONDAY + 3)
    return `${pad(year, 4)}-W${pad(count - weekOne(year) + 1, 2)}`
  },
  parse: (key) => {
    const [, year, week] = /^(\d{4})-W(\d\d)$/.exec(key) ?? []
    if (year === undefined) return null
    return WEEKS.firstDay(weekOne(Number(year)) + Number(week) - 1)
  },
}

/** The number of the week that holds January 4th. */
function weekOne(year: number): number {
  return WEEKS.numberOf({ year, month: 1, day: 4 })
}

const MONTHS: CalendarUnit = {
  example: '2011-01',
  numberOf: ({ year, month }) => year * 12 + month - 1,
  firstDay: (count) => ({ year: Math.floor(count / 12), month: (count % 12) + 1, day: 1 }),
  key: (count) => `${pad(Math.floor(count / 12), 4)}-${pad((count % 12) + 1, 2)}`,
  parse: (key) => {
    const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(key) ?? []
    return year === undefined ? null : { year: Number(year), month: Number(month), day: 1 }
  },
}

function dayNumber({ year, month, day }: CivilDay): number {
  return Date.UTC(year, month - 1, day) / DAY_MS
}

function civilDay(count: number): CivilDay {
  const date = new Date(count * DAY_MS)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

// ---------------------------------------------------------------- hours and intervals

/** Clocks move by half hours in places: an hour of the local clock can last 30, 60 or 90 minutes. */
const QUARTER_MS = HOUR_MS / 4

function hours(zone: Zone): Cutting {
  return {
    expected: 'an hour such as 2011-01-04T10',
    at: (instant) => {
      const start = zone.startOfHour(instant)
      let end = start + HOUR_MS
      while (zone.startOfHour(end) === start) end += QUARTER_MS
      end = zone.startOfHour(end)
      return { kind: 'hour', key: hourKey(zone, start), start: print(start), end: print(end), timezone: zone.name }
    },
    find: (key) => {
      const [, year, month, day, hour, offset] =
        /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3])([+-]\d\d:\d\d)?$/.exec(key) ?? []
      if (year === undefined || DAYS.parse(key.slice(0, 10)) === null) return null
      if (offset !== undefined) return Date.parse(`${key.slice(0, 13)}:00:00${offset}`)
      return zone.firstInstant({ year: Number(year), month: Number(month), day: Number(day), hour: Number(hour) })
    },
  }
}

/** The local hour; when the clock showed the same hour before, with the offset from UTC, which sorts after the plain one. */
function hourKey(zone: Zone, start: number): string {
  const civil = zone.civilAt(start)
  const key = `${printDay(civil)}T${pad(civil.hour, 2)}`
  const first = zone.firstInstant(civil)
  if (first >= start) return key
  const earlier = zone.civilAt(first)
  return earlier.hour === civil.hour && earlier.day === civil.day ? key + printOffset(civil.offsetMinutes) : key
}

function printOffset(minutes: number): string {
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`
}

function intervals(zone: Zone, length: number): Cutting {
  return {
    expected: 'the first instant of an interval such as 2011-01-04T10:15:00Z',
    at: (instant) => {
      const start = Math.floor(instant / length) * length
      return {
        kind: 'interval',
        key: print(start),
        start: print(start),
        end: print(start + length),
        timezone: zone.name,
      }
    },
    find: (key) =>
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(key) && !Number.isNaN(Date.parse(key)) ? Date.parse(key) : null,
  }
}

// ---------------------------------------------------------------- text

function print(instant: number): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z')
}

function printDay({ year, month, day }: CivilDay): string {
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0')
}

/** The local date that a window starts on, `YYYY-MM-DD`: what `{date}` in a path stands for. */
export function windowDate(window: WindowValue): string {
  switch (window.kind) {
    case 'day':
      return window.key
    case 'hour':
      return window.key.slice(0, 10)
    case 'month':
      return `${window.key}-01`
    case 'week':
    case 'interval':
      return printDay(zoneOf(window.timezone).civilAt(Date.parse(window.start)))
  }
}

/** The bounds of a window as the clocks of its zone show them, ISO 8601 without an offset, to the second. */
export function windowLocal(window: WindowValue): { readonly start: string; readonly end: string } {
  const zone = zoneOf(window.timezone)
  const local = (instant: string): string => {
    const ms = Date.parse(instant)
    return new Date(ms + zone.civilAt(ms).offsetMinutes * 60_000).toISOString().slice(0, 19)
  }
  return { start: local(window.start), end: local(window.end) }
}

/** Whether windows of one kind lie inside windows of another without crossing their bounds, days aside that two zones cut apart. */
export function nests(inner: WindowSpec, outer: WindowSpec): boolean {
  if (inner.kind === outer.kind) return inner.lengthMs === null || (outer.lengthMs ?? 0) % inner.lengthMs === 0
  if (inner.kind === 'interval') return (outer.kind === 'hour' ? HOUR_MS : DAY_MS) % (inner.lengthMs ?? 0) === 0
  if (outer.kind === 'interval') return inner.kind === 'hour' && (outer.lengthMs ?? 0) % HOUR_MS === 0
  if (inner.kind === 'hour') return true
  return inner.kind === 'day' && outer.kind !== 'hour'
}
