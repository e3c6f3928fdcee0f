import { BatchwrightError } from './errors.ts'

/** What every operation accepts beside a Decimal. Numbers must be safe integers: anything else has already lost digits. */
export type DecimalLike = Decimal | string | bigint | number

/** What happens to digits that do not fit: `halfAwayFromZero` is what invoices and schools do; `halfEven` is bankers' rounding. */
export type RoundingMode = 'halfAwayFromZero' | 'halfEven' | 'down' | 'up' | 'floor' | 'ceiling'

/** On the prototype, so that two copies of the library in one process recognise each other's decimals. */
const BRAND = Symbol.for('batchwright.decimal')
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** Powers of ten that a float holds exactly. */
const POWERS: readonly number[] = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)
/** This many digits always fit in a safe integer. */
const SAFE_DIGITS = 15

const ZERO_CODE = 48
const POINT_CODE = 46

/**
 * An exact decimal number: a whole coefficient and a scale, the number of digits after the point. Immutable. Nothing is
 * ever rounded unless `round` or `dividedBy` says so. Equal values print alike, whatever their scales: `1.50` prints `1.5`.
 *
 * The coefficient is a plain number while it is a safe integer and a bigint beyond: exact either way, and four to ten
 * times faster for amounts of everyday size.
 */
export class Decimal {
  static readonly zero: Decimal = new Decimal(0, 0)

  /** Digits after the point as it is held: not the fewest needed. */
  readonly scale: number
  private readonly units: number | bigint

  /** Use `Decimal.from` or `Decimal.of`. `units` is a bigint only where it is no safe integer. */
  private constructor(units: number | bigint, scale: number) {
    this.units = units
    this.scale = scale
  }

  /**
   * The value of plain decimal notation (`-12.50`), a bigint, a safe integer, or a Decimal.
   * Throws DECIMAL_INVALID for anything else: a float such as 0.1 is not the number it looks like.
   */
  static from(value: DecimalLike): Decimal {
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) return new Decimal(value + 0, 0)
      throw invalid(`a safe integer, found the number ${value}`, `Write it as text: Decimal.from('${value}').`)
    }
    if (typeof value === 'string') {
      const parsed = Decimal.parse(value)
      if (parsed !== null) return parsed
      throw invalid(
        `plain decimal notation such as -12.50, found ${JSON.stringify(value)}`,
        'No exponent, blanks or thousands separators.',
      )
    }
    if (typeof value === 'bigint') return Decimal.of(value, 0)
    if (Decimal.is(value)) return value
    throw invalid(`text, a bigint, a safe integer or a Decimal, found ${typeof value}`, 'Convert the value first.')
  }

  /** `coefficient` divided by ten to the power of `scale`: `Decimal.of(1250n, 2)` is 12.50. The way back of `coefficientAt`. */
  static of(coefficient: bigint, scale: number): Decimal {
    return Decimal.make(coefficient, checkedScale(scale))
  }

  private static make(coefficient: bigint, scale: number): Decimal {
    const small = Number(coefficient)
    return new Decimal(Number.isSafeInteger(small) ? small : coefficient, scale)
  }

  /** Plain decimal notation with an optional sign (`12`, `-0.50`, `.5`); null for anything else, exponents included. */
  static parse(text: string): Decimal | null {
    const length = text.length
    const sign = text.charCodeAt(0)
    const first = sign === 45 || sign === 43 ? 1 : 0
    let point = -1
    let units = 0
    for (let index = first; index < length; index += 1) {
      const code = text.charCodeAt(index)
      const digit = code - ZERO_CODE
      if (digit >= 0 && digit <= 9) units = units * 10 + digit
      else if (code === POINT_CODE && point === -1) point = index
      else return null
    }
    const digits = length - first - (point === -1 ? 0 : 1)
    if (digits <= 0 || point === length - 1) return null
    const scale = point === -1 ? 0 : length - point - 1
    if (digits <= SAFE_DIGITS) return new Decimal(sign === 45 ? 0 - units : units, scale)
    const whole = BigInt(point === -1 ? text.slice(first) : text.slice(first, point) + text.slice(point + 1))
    return Decimal.make(sign === 45 ? -whole : whole, scale)
  }

  /** Whether a value is a Decimal, of this copy of the library or another. */
  static is(value: unknown): value is Decimal {
    return typeof value === 'object' && value !== null && BRAND in value
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return Decimal.is(value)
  }

  /** The exact sum; zero for none. */
  static sum(values: Iterable<DecimalLike>): Decimal {
    let total = Decimal.zero
    for (const value of values) total = total.plus(value)
    return total
  }

  get [BRAND](): true {
    return true
  }

  /** The whole number that `scale` divides by a power of ten. */
  get coefficient(): bigint {
    return BigInt(this.units)
  }

  plus(other: DecimalLike): Decimal {
    const right = Decimal.from(other)
    const scale = Math.max(this.scale, right.scale)
    const a = raised(this.units, scale - this.scale)
    const b = raised(right.units, scale - right.scale)
    if (typeof a === 'number' && typeof b === 'number') {
      const sum = a + b
      if (Number.isSafeInteger(sum)) return new Decimal(sum, scale)
    }
    return Decimal.make(BigInt(a) + BigInt(b), scale)
  }

  minus(other: DecimalLike): Decimal {
    return this.plus(Decimal.from(other).negated())
  }

  times(other: DecimalLike): Decimal {
    const right = Decimal.from(other)
    const scale = this.scale + right.scale
    if (typeof this.units === 'number' && typeof right.units === 'number') {
      const product = this.units * right.units
      if (Number.isSafeInteger(product)) return new Decimal(product + 0, scale)
    }
    return Decimal.make(BigInt(this.units) * BigInt(right.units), scale)
  }

  /**
   * The quotient with `scale` digits after the point, rounded: there is no exact one in general.
   * Throws DECIMAL_DIVISION_BY_ZERO.
   */
  dividedBy(other: DecimalLike, scale: number, mode: RoundingMode = 'halfAwayFromZero'): Decimal {
    const right = Decimal.from(other)
    if (right.isZero()) {
      throw new BatchwrightError({
        code: 'DECIMAL_DIVISION_BY_ZERO',
        message: `expected a divisor other than zero for ${this.toString()}`,
        hint: 'Test the divisor with isZero() first.',
      })
    }
    const shift = checkedScale(scale) - this.scale + right.scale
    const numerator = this.coefficient * (shift > 0 ? power(shift) : 1n)
    const divisor = right.coefficient * (shift < 0 ? power(-shift) : 1n)
    return Decimal.make(divided(numerator, divisor, mode), scale)
  }

  negated(): Decimal {
    return new Decimal(typeof this.units === 'number' ? 0 - this.units : -this.units, this.scale)
  }

  abs(): Decimal {
    return this.isNegative() ? this.negated() : this
  }

  /** -1, 0 or 1, as this is less than, equal to or greater than the other. Sorts: `list.sort((a, b) => a.compare(b))`. */
  compare(other: DecimalLike): -1 | 0 | 1 {
    const right = Decimal.from(other)
    const scale = Math.max(this.scale, right.scale)
    const a = raised(this.units, scale - this.scale)
    const b = raised(right.units, scale - right.scale)
    return a < b ? -1 : a > b ? 1 : 0
  }

  /** Equal in value: `1.5` equals `1.50`. */
  equals(other: DecimalLike): boolean {
    return this.compare(other) === 0
  }

  isZero(): boolean {
    return this.units === 0
  }

  /** Below zero. */
  isNegative(): boolean {
    return this.units < 0
  }

  /** Above zero. */
  isPositive(): boolean {
    return this.units > 0
  }

  /** At most `scale` digits after the point. */
  round(scale: number, mode: RoundingMode = 'halfAwayFromZero'): Decimal {
    const surplus = this.scale - checkedScale(scale)
    if (surplus <= 0) return this
    return Decimal.make(divided(this.coefficient, power(surplus), mode), scale)
  }

  /** The coefficient that this value has at another scale: what columnar files store. Throws DECIMAL_LOSES_DIGITS. */
  coefficientAt(scale: number): bigint {
    return BigInt(this.unitsAt(scale))
  }

  /** Exactly `scale` digits after the point. Throws DECIMAL_LOSES_DIGITS where digits other than zero would go: `round` first. */
  toFixed(scale: number): string {
    return print(this.unitsAt(scale), scale)
  }

  /** Plain notation with as few digits as the value needs. */
  toString(): string {
    const text = print(this.units, this.scale)
    return this.scale === 0 ? text : trimmed(text)
  }

  /** Text, because a JSON number would pass through a float. */
  toJSON(): string {
    return this.toString()
  }

  /** The nearest float: for charts and ratios, never for money. */
  toNumber(): number {
    return Number(this.toString())
  }

  /** Throws DECIMAL_AS_NUMBER: arithmetic and comparison operators would turn the value into a float or into text. */
  valueOf(): never {
    throw new BatchwrightError({
      code: 'DECIMAL_AS_NUMBER',
      message: `expected a method of Decimal, found an operator (+ - * / < > ==) applied to the decimal ${this.toString()}`,
      hint: 'Use plus, minus, times, dividedBy, compare or equals; toNumber() where a float will do.',
    })
  }

  [INSPECT](): string {
    return `Decimal(${this.toString()})`
  }

  private unitsAt(scale: number): number | bigint {
    if (scale === this.scale) return this.units
    if (checkedScale(scale) > this.scale) return raised(this.units, scale - this.scale)
    const divisor = power(this.scale - scale)
    const coefficient = this.coefficient
    if (coefficient % divisor === 0n) return coefficient / divisor
    throw new BatchwrightError({
      code: 'DECIMAL_LOSES_DIGITS',
      message: `expected at most ${scale} digits after the point, found ${this.toString()}`,
      hint: `Round first: value.round(${scale}).`,
    })
  }
}

/** Units times ten to the power of `digits`: a number where that is safe, else a bigint. */
function raised(units: number | bigint, digits: number): number | bigint {
  if (digits === 0) return units
  if (typeof units === 'number' && digits <= SAFE_DIGITS) {
    const product = units * (POWERS[digits] ?? NaN)
    if (Number.isSafeInteger(product)) return product
  }
  return BigInt(units) * power(digits)
}

function power(exponent: number): bigint {
  return 10n ** BigInt(exponent)
}

function divided(numerator: bigint, divisor: bigint, mode: RoundingMode): bigint {
  const quotient = numerator / divisor
  const remainder = numerator % divisor
  if (remainder === 0n) return quotient
  const sign = numerator < 0n === divisor < 0n ? 1n : -1n
  return awayFromZero(quotient, absolute(remainder) * 2n - absolute(divisor), sign, mode) ? quotient + sign : quotient
}

/** Whether a quotient cut towards zero moves one unit away from it. `overHalf` is above, at or below 0 as the rest is to a half. */
function awayFromZero(quotient: bigint, overHalf: bigint, sign: bigint, mode: RoundingMode): boolean {
  switch (mode) {
    case 'halfAwayFromZero':
      return overHalf >= 0n
    case 'halfEven':
      return overHalf > 0n || (overHalf === 0n && quotient % 2n !== 0n)
    case 'down':
      return false
    case 'up':
      return true
    case 'floor':
      return sign < 0n
    case 'ceiling':
      return sign > 0n
  }
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value
}

/** The digits behind the point, for the scales that money has: `FRACTIONS[2][7]` is `07`. */
const FRACTIONS = [1, 2, 3].map((scale) =>
  Array.from({ length: 10 ** scale }, (_, units) => String(units).padStart(scale, '0')),
)

function print(units: number | bigint, scale: number): string {
  if (scale === 0) return String(units)
  const fractions = FRACTIONS[scale - 1]
  if (typeof units === 'number' && fractions !== undefined) {
    const size = Math.abs(units)
    const rest = size % fractions.length
    return `${units < 0 ? '-' : ''}${(size - rest) / fractions.length}.${fractions[rest] ?? ''}`
  }
  const negative = units < 0
  const digits = String(negative ? -units : units).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** Without the zeros at the end of a fraction, and without its point where nothing is left. */
function trimmed(text: string): string {
  let end = text.length
  while (text.charCodeAt(end - 1) === ZERO_CODE) end -= 1
  if (text.charCodeAt(end - 1) === POINT_CODE) end -= 1
  return text.slice(0, end)
}

/** Far beyond any amount, near enough to stop a slip from filling the memory. */
const LARGEST_SCALE = 10_000

function checkedScale(scale: number): number {
  if (Number.isInteger(scale) && scale >= 0 && scale <= LARGEST_SCALE) return scale
  throw invalid(`a scale from 0 to ${LARGEST_SCALE}, found ${scale}`, 'A scale counts the digits after the point.')
}

function invalid(message: string, hint: string): BatchwrightError {
  return new BatchwrightError({ code: 'DECIMAL_INVALID', message: `expected ${message}`, hint })
}
