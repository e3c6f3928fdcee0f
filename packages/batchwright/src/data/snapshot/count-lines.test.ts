import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countLines } from './count-lines.ts'

test('newlines are counted at any offset, and lines that may be empty are never counted over', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('\n', '\r', 'x', '\u008a', 'yyyyyyyyyyyy'), maxLength: 80 }),
      fc.nat(9),
      fc.nat(9),
      (text, from, cut) => {
        const bytes = Buffer.from(`${text}\n`, 'latin1')
        const to = Math.max(from, bytes.length - cut)
        const section = bytes.subarray(from, to).toString('latin1')
        const found = Array.from(section.matchAll(/\n/g), (match) => match.index)
        const gaps = found.map((index, place) => index - (found[place - 1] ?? -1))
        expect(countLines(bytes, from, to)).toBe(gaps.some((gap) => gap <= 2) ? -1 : found.length)
      },
    ),
    { numRuns: 5000 },
  )
})

test('sums of many words do not run over', () => {
  const bytes = Buffer.from('ab\n'.repeat(100_000))
  expect(countLines(bytes, 0, bytes.length)).toBe(100_000)
})
