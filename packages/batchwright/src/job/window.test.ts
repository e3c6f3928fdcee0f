import { describe, expect, test } from 'vitest'
import type { WindowValue } from '../protocol/index.ts'
import { daily, every, hourly, monthly, weekly, windowDate, type Window } from './window.ts'

const ZONES = [
  'UTC',
  'Europe/London',
  'America/New_York',
  'America/Sao_Paulo',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Asia/Beirut',
  'Africa/Cairo',
  'Antarctica/Troll',
  'Pacific/Apia',
]
const HOUR = 3_600_000
const QUARTER = HOUR / 4

/** The local clock of a zone by Intl: another implementation than the one under test. */
function localClock(zone: string): (instant: number) => Record<'year' | 'month' | 'day' | 'hour' | 'weekday', string> {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    weekday: 'short',
  })
  return (instant) => {
    const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]))
    return parts as Record<'year' | 'month' | 'day' | 'hour' | 'weekday', string>
  }
}

function allOf(window: Window, year: number) {
  return window.within({ start: `${year}-01-01T00:00:00Z`, end: `${year + 1}-01-01T00:00:00Z` })
}

/** One after another without gap or overlap, keys all different and in time order. */
function expectToCover(windows: readonly WindowValue[]): void {
  const keys = windows.map(({ key }) => key)
  expect(keys).toEqual([...new Set(keys)].sort())
  for (const [index, { start }] of windows.entries()) if (index > 0) expect(start).toBe(windows[index - 1]?.end)
}

describe.each(ZONES)('in %s', (zone) => {
  const clock = localClock(zone)

  const shownBy = (instant: number): Record<'day' | 'month' | 'hour', string> => {
    const { year, month, day, hour } = clock(instant)
    return { month: `${year}-${month}`, day: `${year}-${month}-${day}`, hour: `${year}-${month}-${day}T${hour}` }
  }

  test.each([2011, 2024])('all times of %i lie in the day and month that the local clock shows', (year) => {
    for (const [kind, window] of [
      ['day', daily({ timezone: zone })],
      ['month', monthly({ timezone: zone })],
    ] as const) {
      const windows = allOf(window, year)
      expectToCover(windows)
      for (const { key, start, end } of windows) {
        const step = 6 * HOUR
        const last = Date.parse(end) - QUARTER
        for (let instant = Date.parse(start); instant < last; instant += step) expect(shownBy(instant)[kind]).toBe(key)
        expect(shownBy(last)[kind]).toBe(key)
      }
    }
  })

  test('the hours of days on which the clock changes, and of others, begin and end with the hour that it shows', () => {
    const window = hourly({ timezone: zone })
    for (const day of allOf(daily({ timezone: zone }), 2011)) {
      const usual = Date.parse(day.end) - Date.parse(day.start) === 24 * HOUR
      if (usual && !day.key.endsWith('-15')) continue
      const hours = window.within(day)
      // Troll station sets its clock back by two hours: there alone, keys of that night are not in time order.
      if (zone !== 'Antarctica/Troll') expectToCover(hours)
      for (const { key, start, end } of hours) {
        expect(shownBy(Date.parse(start)).hour).toBe(key.slice(0, 13))
        expect(shownBy(Date.parse(end) - QUARTER).hour).toBe(key.slice(0, 13))
        expect(window.parse(key).start).toBe(start)
      }
    }
  })

  test('keys read back, and a shift there and back comes home', () => {
    for (const window of [daily({ timezone: zone }), weekly({ timezone: zone }), monthly({ timezone: zone })]) {
      for (const each of allOf(window, 2011).filter((_, index) => index % 29 === 0)) {
        expect(window.parse(each.key)).toEqual(each)
        expect(window.containing(each.start)).toEqual(each)
        expect(window.shift(window.shift(each, 3), -3)).toEqual(each)
        expect(window.shift(each, 1).start).toBe(each.end)
      }
    }
  })

  test('weeks begin on Monday and last seven days', () => {
    const weeks = allOf(weekly({ timezone: zone }), 2011)
    for (const week of weeks) expect(clock(Date.parse(week.start)).weekday).toBe('Mon')
    expect(weeks.length).toBe(52)
  })
})

describe('clocks that change', () => {
  test('days have 23 and 25 hours, and months keep theirs', () => {
    const day = daily({ timezone: 'Europe/London' })
    const hours = (key: string): number =>
      (Date.parse(day.parse(key).end) - Date.parse(day.parse(key).start)) / 3_600_000
    expect([hours('2011-03-26'), hours('2011-03-27'), hours('2011-10-30')]).toEqual([24, 23, 25])
    expect(monthly({ timezone: 'Europe/London' }).parse('2011-03')).toEqual({
      kind: 'month',
      key: '2011-03',
      start: '2011-03-01T00:00:00Z',
      end: '2011-03-31T23:00:00Z',
      timezone: 'Europe/London',
    })
  })

  test('the hour that comes twice has two keys that sort in time order, and the skipped one does not exist', () => {
    const hour = hourly({ timezone: 'Europe/London' })
    expect(hour.parse('2011-10-30T01').start).toBe('2011-10-30T00:00:00Z')
    expect(hour.parse('2011-10-30T01+00:00').start).toBe('2011-10-30T01:00:00Z')
    const inOrder = ['2011-10-30T01', '2011-10-30T01+00:00', '2011-10-30T02']
    expect([...inOrder].sort()).toEqual(inOrder)
    expect(() => hour.parse('2011-03-27T01')).toThrow(/The window there|expected an hour/)
    expect(() => hour.parse('2011-10-30T01+01:00')).toThrow(/expected an hour/)
  })

  test('a day that the calendar skipped is refused, and shifting steps over it', () => {
    const day = daily({ timezone: 'Pacific/Apia' })
    expect(() => day.parse('2011-12-30')).toThrow(/expected a day/)
    expect(day.shift(day.parse('2011-12-29'), 1).key).toBe('2011-12-31')
    expect(day.shift(day.parse('2011-12-31'), -1).key).toBe('2011-12-29')
  })
})

describe('keys', () => {
  test('ISO weeks belong to the year of their Thursday', () => {
    const week = weekly()
    expect(week.containing('2011-01-01T12:00:00Z').key).toBe('2010-W52')
    expect(week.containing('2008-12-29T00:00:00Z').key).toBe('2009-W01')
    expect(week.parse('2009-W53').end).toBe('2010-01-04T00:00:00Z')
    expect(() => week.parse('2011-W53')).toThrow(/expected a week/)
  })

  test.each(['2011-1', '2011-13', '2011-01-01', '', 'latest', '2011-00'])('%j is no month', (key) => {
    expect(() => monthly().parse(key)).toThrow(/window: expected a month such as 2011-01, found/)
  })

  test.each(['2011-02-29', '2011-1-1', '2011-01-01T00'])('%j is no day', (key) => {
    expect(() => daily().parse(key)).toThrow(/expected a day/)
  })

  test('intervals are counted from 1970 and named by their first instant', () => {
    const quarter = every('15min')
    expect(quarter.containing('2011-01-04T10:29:59Z')).toMatchObject({
      key: '2011-01-04T10:15:00Z',
      end: '2011-01-04T10:30:00Z',
    })
    expect(() => quarter.parse('2011-01-04T10:20:00Z')).toThrow(/found "2011-01-04T10:20:00Z"/)
    expect(() => every('500ms')).toThrow(/whole seconds/)
  })

  test('{date} is the local date that a window starts on', () => {
    const zone = { timezone: 'America/New_York' }
    expect(windowDate(monthly(zone).parse('2011-02'))).toBe('2011-02-01')
    expect(windowDate(weekly(zone).parse('2011-W02'))).toBe('2011-01-10')
    expect(windowDate(hourly(zone).parse('2011-01-04T23'))).toBe('2011-01-04')
    expect(windowDate(every('1h', zone).containing('2011-01-04T02:00:00Z'))).toBe('2011-01-03')
  })

  test('a zone that does not exist and an instant without an offset are refused', () => {
    expect(() => daily({ timezone: 'Europe/Londn' })).toThrow(/IANA time zone, found "Europe\/Londn"/)
    expect(() => daily({ timezone: '+01:00' })).toThrow(/IANA time zone/)
    expect(() => daily().containing('2011-01-04T10:00:00')).toThrow(/expected an instant/)
  })
})
