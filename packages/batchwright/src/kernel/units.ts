import { BatchwrightError } from './errors.ts'

const DURATION_UNITS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const
const SIZE_UNITS = {
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
} as const
const RATE_UNITS = { s: 1, min: 60, h: 3600 } as const

/** `250ms`, `90s`, `1min`, `4h`, `2d`; a day is 24 hours. */
export type Duration = `${number}${keyof typeof DURATION_UNITS}`
/** `512B`, `64KiB`, `16MB`, `1GiB`: MB is 1,000,000 bytes, MiB is 1,048,576. */
export type Size = `${number}${keyof typeof SIZE_UNITS}`
/** `50/s`, `100/min`, `1000/h`. */
export type Rate = `${number}/${keyof typeof RATE_UNITS}`
/** `40%`, `0.5%`. */
export type Ratio = `${number}%`

interface Kind {
  readonly what: string
  readonly examples: string
  readonly units: Readonly<Record<string, number>>
}

const DURATION: Kind = { what: 'a duration', examples: "'250ms', '90s', '1min', '4h', '2d'", units: DURATION_UNITS }
const SIZE: Kind = { what: 'a size', examples: "'512B', '16MB', '64MiB', '1GiB'", units: SIZE_UNITS }
const RATE: Kind = { what: 'a rate', examples: "'50/s', '100/min', '1000/h'", units: RATE_UNITS }
const RATIO: Kind = { what: 'a ratio', examples: "'40%', '0.5%'", units: { '%': 100 } }

const FORM = /^(\d+(?:\.\d+)?)(\/?)([A-Za-z]+|%)$/

/** Whole milliseconds. `place` names the option, for the message. Throws UNIT_INVALID. */
export function parseDuration(text: Duration, place: string): number {
  const [amount, unit] = split(text, DURATION, place)
  return whole(amount * unit, text, DURATION, place)
}

/** Whole bytes. Throws UNIT_INVALID. */
export function parseSize(text: Size, place: string): number {
  const [amount, unit] = split(text, SIZE, place)
  return whole(amount * unit, text, SIZE, place)
}

/** Events per second. Throws UNIT_INVALID; zero is refused. */
export function parseRate(text: Rate, place: string): number {
  const [amount, unit] = split(text, RATE, place)
  if (amount === 0) throw refused(text, RATE, place)
  return amount / unit
}

/** A rate as a limit: whole events in a stretch of time. `50/s` is 50 in 1,000 ms, `0.5/s` is 1 in 2,000 ms. Throws UNIT_INVALID. */
export function parseLimitRate(text: Rate, place: string): { readonly count: number; readonly perMs: number } {
  const [amount, unit] = split(text, RATE, place)
  const count = Math.max(1, Math.floor(amount))
  const perMs = amount === 0 ? Number.POSITIVE_INFINITY : (unit * 1000 * count) / amount
  if (!Number.isFinite(perMs) || perMs > LONGEST_RATE_MS) throw refused(text, RATE, place)
  return { count, perMs }
}

/** A day: slower than once a day is no rate, but a schedule. */
const LONGEST_RATE_MS = 86_400_000

/** `40%` is 0.4; from 0 % to 100 %. Throws UNIT_INVALID. */
export function parseRatio(text: Ratio, place: string): number {
  const [amount, unit] = split(text, RATIO, place)
  if (amount > 100) throw refused(text, RATIO, place)
  return amount / unit
}

function split(text: unknown, kind: Kind, place: string): readonly [number, number] {
  const [, amount, slash, unit] = (typeof text === 'string' ? FORM.exec(text) : null) ?? []
  if (amount === undefined || unit === undefined) throw refused(text, kind, place)
  const factor = Object.hasOwn(kind.units, unit) ? kind.units[unit] : undefined
  if (factor === undefined || (slash === '/') !== (kind === RATE)) throw refused(text, kind, place)
  return [Number(amount), factor]
}

/** Multiplication may leave dust (`4.35` times 100): what is whole but for that is whole. */
function whole(value: number, text: string, kind: Kind, place: string): number {
  const rounded = Math.round(value)
  if (Number.isSafeInteger(rounded) && Math.abs(value - rounded) < 1e-6) return rounded
  throw refused(text, kind, place)
}

function refused(found: unknown, kind: Kind, place: string): BatchwrightError {
  return new BatchwrightError({
    code: 'UNIT_INVALID',
    message: `${place}: expected ${kind.what} such as ${kind.examples}, found ${show(found)}`,
    hint:
      kind === RATIO
        ? 'A share is written with %, in quotes; a number is a count.'
        : `Units: ${Object.keys(kind.units).join(', ')}.`,
    details: { place },
  })
}

function show(found: unknown): string {
  return typeof found === 'string'
    ? JSON.stringify(found)
    : typeof found === 'number'
      ? `the number ${found}`
      : typeof found
}
