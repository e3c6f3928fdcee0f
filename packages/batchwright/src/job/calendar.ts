/**
 * Dates and times of day as data writes them: patterns compiled to a list of steps, read without regular expressions and
 * checked against the real calendar. Pure text to text: no zone data, no Date objects.
 */

/** `YYYY` to four digits; `YY` means 20YY; one letter (`M`, `H`) takes one or two digits; `Z` takes `Z`, `+01:00` or `+0100`. */
const TOKENS = [
  'YYYY',
  'YY',
  'MM',
  'M',
  'DD',
  'D',
  'HH',
  'H',
  'hh',
  'h',
  'mm',
  'm',
  'ss',
  's',
  'SSS',
  'A',
  'Z',
] as const
type Token = (typeof TOKENS)[number]

type Slot = 'year' | 'shortYear' | 'month' | 'day' | 'hour' | 'halfDayHour' | 'minute' | 'second' | 'milli'

type PatternStep =
  | { readonly kind: 'number'; readonly slot: Slot; readonly least: number; readonly most: number }
  | { readonly kind: 'literal'; readonly code: number }
  | { readonly kind: 'halfDay' }
  | { readonly kind: 'offset' }

const NUMBERS: Readonly<Partial<Record<Token, readonly [Slot, number, number]>>> = {
  YYYY: ['year', 4, 4],
  YY: ['shortYear', 2, 2],
  MM: ['month', 2, 2],
  M: ['month', 1, 2],
  DD: ['day', 2, 2],
  D: ['day', 1, 2],
  HH: ['hour', 2, 2],
  H: ['hour', 1, 2],
  hh: ['halfDayHour', 2, 2],
  h: ['halfDayHour', 1, 2],
  mm: ['minute', 2, 2],
  m: ['minute', 1, 2],
  ss: ['second', 2, 2],
  s: ['second', 1, 2],
  SSS: ['milli', 3, 3],
}

export interface DatePattern {
  readonly steps: readonly PatternStep[]
  /** Whether the text says its offset from UTC. */
  readonly zoned: boolean
}

/** Compiles a pattern such as `YYYY-MM-DD HH:mm:ss`. Letters that are no token must stand in [brackets]. Null with a reason. */
export function compilePattern(pattern: string): DatePattern | { readonly problem: string } {
  const steps: PatternStep[] = []
  const slots = new Set<string>()
  let place = 0
  while (place < pattern.length) {
    const bracket = /^\[([^\]]*)\]/.exec(pattern.slice(place))
    if (bracket !== null) {
      steps.push(...literal(bracket[1] ?? ''))
      place += bracket[0].length
      continue
    }
    const token = TOKENS.find((candidate) => pattern.startsWith(candidate, place))
    if (token === undefined) {
      const character = pattern[place] ?? ''
      if (/[A-Za-z]/.test(character) && character !== 'T') return { problem: `the letter "${character}" is no token` }
      steps.push(...literal(character))
      place += 1
      continue
    }
    const step = stepOf(token)
    const slot = step.kind === 'number' ? step.slot : step.kind
    if (slots.has(slot)) return { problem: `it names the ${slot} twice` }
    slots.add(slot)
    steps.push(step)
    place += token.length
  }
  if (!(slots.has('year') || slots.has('shortYear')) || !slots.has('month') || !slots.has('day')) {
    return { problem: 'it needs a year, a month and a day' }
  }
  if (slots.has('halfDayHour') !== slots.has('halfDay')) return { problem: 'h (1 to 12) and A (AM or PM) go together' }
  return { steps, zoned: slots.has('offset') }
}

/** The tokens that a pattern may use, for messages. */
export const PATTERN_TOKENS: string = TOKENS.join(' ')

function stepOf(token: Token): PatternStep {
  const number = NUMBERS[token]
  if (number !== undefined) return { kind: 'number', slot: number[0], least: number[1], most: number[2] }
  return token === 'A' ? { kind: 'halfDay' } : { kind: 'offset' }
}

function literal(text: string): PatternStep[] {
  return Array.from({ length: text.length }, (_, index) => ({ kind: 'literal', code: text.charCodeAt(index) }))
}

/** A civil time, and minutes east of UTC where the text says so. Fields are reused between calls: read them at once. */
export interface CivilTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  milli: number
  offsetMinutes: number
}

/** Reads text by a pattern into `into`. False where it does not match to the last character, or names no real time. */
export function readByPattern(text: string, pattern: DatePattern, into: CivilTime): boolean {
  into.hour = into.minute = into.second = into.milli = into.offsetMinutes = 0
  let halfDay = -1
  let place = 0
  for (const step of pattern.steps) {
    if (step.kind === 'number') {
      const end = readDigits(text, place, step.least, step.most)
      if (end === -1) return false
      store(into, step.slot, digitsValue)
      place = end
    } else if (step.kind === 'literal') {
      if (text.charCodeAt(place) !== step.code) return false
      place += 1
    } else if (step.kind === 'halfDay') {
      const mark = text.slice(place, place + 2).toUpperCase()
      if (mark !== 'AM' && mark !== 'PM') return false
      halfDay = mark === 'AM' ? 0 : 12
      place += 2
    } else {
      place = readOffset(text, place, into)
      if (place === -1) return false
    }
  }
  if (place !== text.length) return false
  if (halfDay !== -1) {
    if (into.hour < 1 || into.hour > 12) return false
    into.hour = (into.hour % 12) + halfDay
  }
  return isReal(into)
}

/** What the last `readDigits` read: a second result without an object for it. */
let digitsValue = 0

/** Reads `least` to `most` digits; the place after them, or -1. */
function readDigits(text: string, from: number, least: number, most: number): number {
  let value = 0
  let place = from
  while (place < from + most) {
    const digit = text.charCodeAt(place) - 48
    if (!(digit >= 0 && digit <= 9)) break
    value = value * 10 + digit
    place += 1
  }
  digitsValue = value
  return place - from < least ? -1 : place
}

function store(into: CivilTime, slot: Slot, value: number): void {
  switch (slot) {
    case 'year':
      into.year = value
      return
    case 'shortYear':
      into.year = 2000 + value
      return
    case 'month':
      into.month = value
      return
    case 'day':
      into.day = value
      return
    case 'hour':
    case 'halfDayHour':
      into.hour = value
      return
    case 'minute':
      into.minute = value
      return
    case 'second':
      into.second = value
      return
    case 'milli':
      into.milli = value
  }
}

function readOffset(text: string, from: number, into: CivilTime): number {
  const sign = text[from]
  if (sign === 'Z') return from + 1
  if (sign !== '+' && sign !== '-') return -1
  const hoursEnd = readDigits(text, from + 1, 2, 2)
  const hours = digitsValue
  const minutesEnd = hoursEnd === -1 ? -1 : readDigits(text, text[hoursEnd] === ':' ? hoursEnd + 1 : hoursEnd, 2, 2)
  if (minutesEnd === -1 || hours > 23 || digitsValue > 59) return -1
  into.offsetMinutes = (hours * 60 + digitsValue) * (sign === '-' ? -1 : 1)
  return minutesEnd
}

const MONTH_DAYS: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Days of a month of the Gregorian calendar; 0 for a month that does not exist. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) return 29
  return MONTH_DAYS[month - 1] ?? 0
}

/** Leap seconds (23:59:60) are refused: nothing downstream could hold them. */
function isReal(time: CivilTime): boolean {
  return (
    time.day >= 1 &&
    time.day <= daysInMonth(time.year, time.month) &&
    time.hour <= 23 &&
    time.minute <= 59 &&
    time.second <= 59
  )
}

/** Two digits, from a table: concatenation is most of what printing costs. */
const TWO: readonly string[] = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'))

/** `YYYY-MM-DD`. */
export function printDate(time: CivilTime): string {
  return `${String(time.year).padStart(4, '0')}-${TWO[time.month] ?? ''}-${TWO[time.day] ?? ''}`
}

/** ISO 8601 without an offset; milliseconds only where there are some. */
export function printLocal(time: CivilTime): string {
  const clock = `${TWO[time.hour] ?? ''}:${TWO[time.minute] ?? ''}:${TWO[time.second] ?? ''}`
  const milli = time.milli === 0 ? '' : `.${String(time.milli).padStart(3, '0')}`
  return `${printDate(time)}T${clock}${milli}`
}

/** ISO 8601 in UTC with `Z`; milliseconds only where there are some. Null before the year 0 or after 9999. */
export function printUtc(time: CivilTime): string | null {
  if (time.offsetMinutes === 0) return `${printLocal(time)}Z`
  const instant = new Date(0)
  instant.setUTCFullYear(time.year, time.month - 1, time.day)
  instant.setUTCHours(time.hour, time.minute - time.offsetMinutes, time.second, time.milli)
  const text = instant.toISOString()
  if (text.length !== 24) return null
  return text.endsWith('.000Z') ? `${text.slice(0, 19)}Z` : text
}

/** A fresh place to read into. */
export function civilTime(): CivilTime {
  return { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, milli: 0, offsetMinutes: 0 }
}
