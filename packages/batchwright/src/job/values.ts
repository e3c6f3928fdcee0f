/**
 * Readers of single values: text of a CSV cell, or a value out of JSON, to what a record holds. `undefined` means that the
 * value is not of the type; blanks never come here. Surrounding blanks have been cut off, except from text.
 */
import { Decimal } from '../kernel/decimal.ts'
import type { JsonValue } from '../kernel/errors.ts'
import { civilTime, printDate, printLocal, printUtc, readByPattern, type DatePattern } from './calendar.ts'

export type ReadValue<Value> = (outside: unknown) => Value | undefined

const ZERO_CODE = 48

/** Digits with an optional sign, at most 2^53 - 1; with `allowZeroFraction` also `17850.0`. */
export function integerReader(allowZeroFraction: boolean): ReadValue<number> {
  return (outside) => {
    if (typeof outside === 'string') return readInteger(outside, allowZeroFraction)
    return typeof outside === 'number' && Number.isSafeInteger(outside) ? outside : undefined
  }
}

function readInteger(text: string, allowZeroFraction: boolean): number | undefined {
  const length = text.length
  const sign = text.charCodeAt(0)
  const first = sign === 45 || sign === 43 ? 1 : 0
  let value = 0
  let index = first
  for (; index < length; index += 1) {
    const digit = text.charCodeAt(index) - ZERO_CODE
    if (!(digit >= 0 && digit <= 9)) break
    value = value * 10 + digit
  }
  if (index === first || value > Number.MAX_SAFE_INTEGER) return undefined
  if (index < length && !(allowZeroFraction && isZeroFraction(text, index))) return undefined
  return sign === 45 ? 0 - value : value
}

function isZeroFraction(text: string, point: number): boolean {
  if (text[point] !== '.' || point === text.length - 1) return false
  for (let index = point + 1; index < text.length; index += 1) if (text.charCodeAt(index) !== ZERO_CODE) return false
  return true
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** A finite float. */
export const readNumber: ReadValue<number> = (outside) => {
  const value = typeof outside === 'string' && NUMBER.test(outside) ? Number(outside) : outside
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** A JSON number passed through a float; up to 15 significant digits come back from it as they were written. */
const FAITHFUL_DIGITS = 15

/** Plain notation; digits beyond `scale` must be zeros. */
export function decimalReader(scale: number): ReadValue<Decimal> {
  return (outside) => {
    const value = typeof outside === 'string' ? Decimal.parse(outside) : decimalOf(outside)
    if (value === null) return undefined
    return value.scale <= scale || fits(value, scale) ? value : undefined
  }
}

function decimalOf(outside: unknown): Decimal | null {
  if (Decimal.is(outside)) return outside
  if (typeof outside !== 'number') return null
  const text = String(outside)
  const digits = text.replace(/^-?(?:0\.0*)?/, '').replace('.', '').length
  return digits <= FAITHFUL_DIGITS || Number.isSafeInteger(outside) ? Decimal.parse(text) : null
}

/** Whether a decimal can be written with `scale` digits after the point. */
export function fits(value: Decimal, scale: number): boolean {
  return value.scale <= scale || value.round(scale, 'down').equals(value)
}

/** Its own words, and the `true` and `false` that datasets are written with. */
export function booleanReader(yes: readonly string[], no: readonly string[]): ReadValue<boolean> {
  const written = [
    ['true', true],
    ['false', false],
  ] as const
  const meanings = new Map([
    ...written,
    ...yes.map((word) => [word, true] as const),
    ...no.map((word) => [word, false] as const),
  ])
  return (outside) => (typeof outside === 'boolean' ? outside : meanings.get(String(outside)))
}

/**
 * One of the patterns, tried in order. The text read last is remembered with its result: in ordered data the next record
 * very often has the same date.
 */
function patternReader(
  patterns: readonly DatePattern[],
  print: (pattern: DatePattern) => string | null,
  into: ReturnType<typeof civilTime>,
): ReadValue<string> {
  let lastText = ''
  let lastValue: string | undefined
  return (outside) => {
    if (typeof outside !== 'string') return undefined
    if (outside === lastText) return lastValue
    let value: string | undefined
    for (const pattern of patterns) {
      if (readByPattern(outside, pattern, into)) {
        value = print(pattern) ?? undefined
        break
      }
    }
    lastText = outside
    lastValue = value
    return value
  }
}

/** To `YYYY-MM-DD`. */
export function dateReader(patterns: readonly DatePattern[]): ReadValue<string> {
  const time = civilTime()
  return patternReader(patterns, () => printDate(time), time)
}

/** To ISO 8601: local without an offset, else in UTC. */
export function timestampReader(patterns: readonly DatePattern[], local: boolean): ReadValue<string> {
  const time = civilTime()
  return patternReader(patterns, () => (local ? printLocal(time) : printUtc(time)), time)
}

export function oneOfReader(values: readonly string[]): ReadValue<string> {
  const known = new Set<unknown>(values)
  return (outside) => (typeof outside === 'string' && known.has(outside) ? outside : undefined)
}

/** Text is JSON text where it comes from a cell, so the caller says which it is. */
export function readJsonText(text: string): JsonValue | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a value is plain JSON, all the way down. */
export function isJson(value: unknown): value is JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return value.every(isJson)
  if (typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson)
}
