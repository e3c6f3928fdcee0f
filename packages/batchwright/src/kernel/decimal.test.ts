import fc from 'fast-check'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Decimal, type RoundingMode } from './decimal.ts'

const coefficient = fc.oneof(
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
  fc.bigInt({ min: -10_000n, max: 10_000n }),
)
const scale = fc.nat({ max: 20 })
const decimal = fc.tuple(coefficient, scale).map(([units, digits]) => Decimal.of(units, digits))

/** The value as a fraction over 10^60: an independent exact model. */
function model(value: Decimal): bigint {
  return value.coefficient * 10n ** BigInt(60 - value.scale)
}

describe('exact arithmetic', () => {
  test('sums, differences, products and comparisons agree with whole-number arithmetic', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        expect(model(a.plus(b))).toBe(model(a) + model(b))
        expect(model(a.minus(b))).toBe(model(a) - model(b))
        expect(model(a.times(b)) * 10n ** 60n).toBe(model(a) * model(b))
        expect(a.compare(b)).toBe(model(a) < model(b) ? -1 : model(a) > model(b) ? 1 : 0)
        expect(a.equals(b)).toBe(model(a) === model(b))
        expect(model(a.negated())).toBe(-model(a))
        expect(a.abs().isNegative()).toBe(false)
      }),
    )
  })

  test('the border between numbers and bigints cannot be seen', () => {
    const edge = Decimal.from(Number.MAX_SAFE_INTEGER)
    expect(edge.plus(1).toString()).toBe('9007199254740992')
    expect(edge.plus(1).minus(1).equals(edge)).toBe(true)
    expect(edge.times(edge).toString()).toBe('81129638414606663681390495662081')
    expect(edge.negated().minus(2).toString()).toBe('-9007199254740993')
    expect(Decimal.from('0.0000000000000001').plus(edge).toString()).toBe('9007199254740991.0000000000000001')
  })

  test('equal values print alike whatever their scales, and text reads back', () => {
    fc.assert(
      fc.property(decimal, fc.nat({ max: 10 }), (value, more) => {
        expect(Decimal.of(value.coefficientAt(value.scale + more), value.scale + more).toString()).toBe(
          value.toString(),
        )
        expect(Decimal.from(value.toString()).equals(value)).toBe(true)
        expect(Decimal.from(value.toFixed(value.scale)).scale).toBe(value.scale)
      }),
    )
  })

  test('0.1 + 0.2 is 0.3', () => {
    expect(Decimal.sum(['0.1', '0.2']).toString()).toBe('0.3')
  })
})

describe('rounding', () => {
  const cases: readonly (readonly [string, RoundingMode, string])[] = [
    ['1.005', 'halfAwayFromZero', '1.01'],
    ['-1.005', 'halfAwayFromZero', '-1.01'],
    ['1.0049', 'halfAwayFromZero', '1.00'],
    ['1.005', 'halfEven', '1.00'],
    ['1.015', 'halfEven', '1.02'],
    ['-1.0051', 'halfEven', '-1.01'],
    ['1.009', 'down', '1.00'],
    ['-1.009', 'down', '-1.00'],
    ['1.001', 'up', '1.01'],
    ['-1.001', 'up', '-1.01'],
    ['-1.001', 'floor', '-1.01'],
    ['1.009', 'floor', '1.00'],
    ['-1.009', 'ceiling', '-1.00'],
    ['1.001', 'ceiling', '1.01'],
    ['0.0000000000000000000050', 'halfAwayFromZero', '0.00'],
  ]
  test.each(cases)('%s rounds %s to %s', (from, mode, to) => {
    expect(Decimal.from(from).round(2, mode).toFixed(2)).toBe(to)
  })

  test('rounding moves a value by at most half a unit, and nearest modes agree off the half', () => {
    fc.assert(
      fc.property(decimal, scale, (value, digits) => {
        const away = value.round(digits)
        expect(away.minus(value).abs().times(2).compare(Decimal.of(1n, digits))).not.toBe(1)
        const even = value.round(digits, 'halfEven')
        if (!away.equals(even)) expect(away.minus(value).abs().times(2).equals(Decimal.of(1n, digits))).toBe(true)
        expect(value.round(digits, 'floor').compare(value)).not.toBe(1)
        expect(value.round(digits, 'ceiling').compare(value)).not.toBe(-1)
      }),
    )
  })

  test('a quotient is the exact one, rounded', () => {
    expect(Decimal.from(1).dividedBy(3, 5).toString()).toBe('0.33333')
    expect(Decimal.from(-2).dividedBy(3, 2).toString()).toBe('-0.67')
    expect(Decimal.from('1.25').dividedBy('0.0005', 0).toString()).toBe('2500')
    expect(Decimal.from(1).dividedBy(-8, 2).toString()).toBe('-0.13')
    expect(Decimal.from(1).dividedBy(-8, 2, 'halfEven').toString()).toBe('-0.12')
    expect(() => Decimal.from(1).dividedBy(0, 2)).toThrow(/other than zero/)
  })
})

describe('what goes in', () => {
  test.each(['', ' ', '.', '-', '+', '5.', '1e3', '1,5', ' 1', '1 ', '1.2.3', '--1', '0x10', 'NaN', 'Infinity', '١'])(
    '%j is not a decimal',
    (text) => {
      expect(Decimal.parse(text)).toBeNull()
      expect(() => Decimal.from(text)).toThrow(/plain decimal notation/)
    },
  )

  test.each([
    ['-0', '0'],
    ['-0.00', '0'],
    ['+1.50', '1.5'],
    ['.5', '0.5'],
    ['007', '7'],
    ['00000000000000000000000000001.10', '1.1'],
    ['-123456789012345678901234567890.123', '-123456789012345678901234567890.123'],
  ])('%s reads as %s', (text, printed) => {
    expect(Decimal.from(text).toString()).toBe(printed)
  })

  test('a float, NaN or a number beyond the safe integers is refused', () => {
    for (const value of [0.1, NaN, Infinity, 2 ** 53]) expect(() => Decimal.from(value)).toThrow(/safe integer/)
    expect(Object.is(Decimal.from(-0).toNumber(), 0)).toBe(true)
  })
})

describe('what comes out', () => {
  test('toFixed and coefficientAt refuse to lose digits', () => {
    expect(Decimal.from('1.5').toFixed(3)).toBe('1.500')
    expect(Decimal.from('-0.05').toFixed(2)).toBe('-0.05')
    expect(Decimal.from('1.500').toFixed(1)).toBe('1.5')
    expect(Decimal.from('1.5').coefficientAt(4)).toBe(15_000n)
    expect(() => Decimal.from('1.55').toFixed(1)).toThrow(/at most 1 digits/)
    expect(() => Decimal.from('1.55').coefficientAt(1)).toThrow(/at most 1 digits/)
  })

  test('an operator cannot turn a decimal into a float, a template prints it', () => {
    const price: unknown = Decimal.from('1.5')
    expect(() => (price as number) * 2).toThrow(/found an operator/)
    expect(() => (price as number) + 1).toThrow(/found an operator/)
    expect(() => (price as number) < 2).toThrow(/found an operator/)
    expect(`price ${price as string}`).toBe('price 1.5')
    expect(JSON.stringify({ price })).toBe('{"price":"1.5"}')
    expect(inspect(price)).toBe('Decimal(1.5)')
  })

  test('two copies of the class recognise each other', async () => {
    const address = './decimal.ts?second-copy'
    const { Decimal: Second } = (await import(/* @vite-ignore */ address)) as { Decimal: typeof Decimal }
    expect(Second).not.toBe(Decimal)
    const foreign = Second.from('2.5')
    expect(Decimal.is(foreign)).toBe(true)
    expect(foreign instanceof Decimal).toBe(true)
    expect(Decimal.from('1.5').plus(foreign).toString()).toBe('4')
    expect(Decimal.is({ units: 1, scale: 0 })).toBe(false)
  })
})
