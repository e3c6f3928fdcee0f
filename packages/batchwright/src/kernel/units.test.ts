import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  parseDuration,
  parseLimitRate,
  parseRate,
  parseRatio,
  parseSize,
  type Duration,
  type Rate,
  type Ratio,
  type Size,
} from './units.ts'

describe('units', () => {
  test.each<readonly [Duration, number]>([
    ['250ms', 250],
    ['90s', 90_000],
    ['1min', 60_000],
    ['4h', 14_400_000],
    ['2d', 172_800_000],
    ['1.5h', 5_400_000],
    ['0.001s', 1],
    ['0s', 0],
  ])('the duration %s is %d ms', (text, ms) => {
    expect(parseDuration(text, 'timeout')).toBe(ms)
  })

  test.each<readonly [Size, number]>([
    ['512B', 512],
    ['16MB', 16_000_000],
    ['1GiB', 1_073_741_824],
    ['0.5KiB', 512],
    ['1.1kB', 1100],
  ])('the size %s is %d bytes', (text, bytes) => {
    expect(parseSize(text, 'memory')).toBe(bytes)
  })

  test('a rate as a limit is whole events in a time', () => {
    expect(parseLimitRate('50/s', 'rate')).toEqual({ count: 50, perMs: 1000 })
    expect(parseLimitRate('100/min', 'rate')).toEqual({ count: 100, perMs: 60_000 })
    expect(parseLimitRate('0.5/s', 'rate')).toEqual({ count: 1, perMs: 2000 })
    expect(parseLimitRate('2.5/s', 'rate')).toEqual({ count: 2, perMs: 800 })
    expect(() => parseLimitRate('0/s', 'rate')).toThrow('expected a rate')
    expect(() => parseLimitRate('0.01/h', 'rate')).toThrow('expected a rate')
  })

  test('rates are per second and ratios are parts of one', () => {
    expect(parseRate('50/s', 'rate')).toBe(50)
    expect(parseRate('120/min', 'rate')).toBe(2)
    expect(parseRatio('40%', 'limit')).toBe(0.4)
    expect(parseRatio('100%', 'limit')).toBe(1)
  })

  test.each(['', '1', 's', '-1s', '1 weeks', '1S', '1e3s', '1/s', '50%', '0.5ms', '1toString', 5, null])(
    'the duration %j is refused with its place and examples',
    (text) => {
      expect(() => parseDuration(text as Duration, 'step "load": timeout')).toThrow(
        /^step "load": timeout: expected a duration such as '250ms'/,
      )
    },
  )

  test('a part of a byte, a rate of zero and a ratio beyond one are refused', () => {
    expect(() => parseSize('0.5B', 'memory')).toThrow(/expected a size/)
    expect(() => parseRate('0/s', 'rate')).toThrow(/expected a rate/)
    expect(() => parseRate('5s' as Rate, 'rate')).toThrow(/expected a rate/)
    expect(() => parseRatio('101%', 'limit')).toThrow(/expected a ratio/)
    expect(() => parseRatio('0.4' as Ratio, 'limit')).toThrow(/expected a ratio/)
  })

  test('any whole number of milliseconds reads back', () => {
    fc.assert(
      fc.property(fc.nat(), (ms) => {
        expect(parseDuration(`${ms}ms`, 'x')).toBe(ms)
      }),
    )
  })

  // @ts-expect-error -- a unit that does not exist is a type error too
  const wrongUnit: Duration = '5weeks'
  test('what the types refuse is refused at run time', () => {
    expect(() => parseDuration(wrongUnit, 'x')).toThrow()
  })
})
