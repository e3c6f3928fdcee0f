import { describe, expect, test } from 'vitest'
import { bytes, count, displayWidth, duration, percent, printable, rate, shorten, shortenMiddle } from './text.ts'

describe('numbers and times', () => {
  test('durations grow from tenths of seconds to hours', () => {
    expect([0, 420, 12_000, 59_600, 185_000, 7_380_000].map(duration)).toEqual([
      '0.0 s',
      '0.4 s',
      '12 s',
      '1 min 00 s',
      '3 min 05 s',
      '2 h 03 min',
    ])
  })

  test('sizes and rates keep at most one decimal', () => {
    expect([0, 812, 1_000, 1_234_567, 99_960, 5e9].map(bytes)).toEqual([
      '0 B',
      '812 B',
      '1.0 kB',
      '1.2 MB',
      '100 kB',
      '5.0 GB',
    ])
    expect([0.4, 940, 12_300, 999_499, 1_240_000].map(rate)).toEqual(['0/s', '940/s', '12.3k/s', '999k/s', '1.2M/s'])
    expect(count(1_234_567)).toBe('1,234,567')
  })

  test('a share is never rounded to none or all', () => {
    expect(percent(0, 10)).toBe('0 %')
    expect(percent(1, 1_000_000)).toBe('<0.1 %')
    expect(percent(999_999, 1_000_000)).toBe('>99.9 %')
    expect(percent(10, 10)).toBe('100.0 %')
    expect(percent(336, 1000)).toBe('33.6 %')
  })
})

describe('foreign text', () => {
  test('control characters are shown, not obeyed', () => {
    expect(printable('a\x1b[2Jb\r\nc\td\u009be')).toBe('a\\x1b[2Jb\\r\\nc\\td\\x9be')
  })

  test('widths count columns, and cutting leaves room for the ellipsis', () => {
    expect(displayWidth('é')).toBe(1)
    expect(displayWidth('e\u0301')).toBe(1)
    expect(displayWidth('日本')).toBe(4)
    expect(shorten('retail_lines', 12)).toBe('retail_lines')
    expect(shorten('retail_lines', 8)).toBe('retail_…')
    expect(shorten('日本語', 4)).toBe('日…')
    expect(shorten('abc', 1)).toBe('…')
    expect(shorten('abc', 0)).toBe('')
  })
})

test('emoji and letters with accents count as readers see them, and are never cut in two', () => {
  expect(['👍🏽', '👩‍👩‍👧', '🇬🇧', 'ñ', '\u200b', '①'].map(displayWidth)).toEqual([2, 2, 2, 1, 0, 1])
  expect(shorten('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧…')
  expect(shortenMiddle('日本語/二〇一一.csv', 12)).toBe('日本…一.csv')
  expect(shortenMiddle('short.csv', 12)).toBe('short.csv')
})

test('signs that turn the direction of writing are shown, not obeyed', () => {
  expect(printable('a\u202eb\u2066c')).toBe('a\\u202eb\\u2066c')
})
