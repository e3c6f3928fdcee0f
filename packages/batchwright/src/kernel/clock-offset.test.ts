import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ClockOffset } from './clock-offset.ts'

test('what it calls surely inside is inside, whatever the offset, the delays, the drift and the age', () => {
  const exchange = fc.record({
    pause: fc.double({ min: 0, max: 60_000, noNaN: true }),
    there: fc.double({ min: 0, max: 200, noNaN: true }),
    work: fc.double({ min: 0, max: 50, noNaN: true }),
    back: fc.double({ min: 0, max: 200, noNaN: true }),
  })
  fc.assert(
    fc.property(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: -200e-6, max: 200e-6, noNaN: true }),
      fc.array(exchange, { minLength: 1, maxLength: 20 }),
      fc.double({ min: 0, max: 5_000, noNaN: true }),
      (offset, drift, exchanges, ahead) => {
        const other = (local: number): number => local * (1 + drift) + offset
        const clock = new ClockOffset()
        let now = 1_000
        for (const { pause, there, work, back } of exchanges) {
          const sent = now + pause
          const received = sent + there + work + back
          clock.learn({ sent, heard: other(sent + there), said: other(sent + there + work), received })
          now = received
        }
        const from = other(now + ahead)
        const inside = clock.surelyWithin(from, from + 1_000)
        if (inside === null) return
        expect(other(inside.from)).toBeGreaterThanOrEqual(from - 1e-3)
        expect(other(inside.until)).toBeLessThanOrEqual(from + 1_000 + 1e-3)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('nothing is sure before the first exchange, or inside a time shorter than the doubt', () => {
  const clock = new ClockOffset()
  expect(clock.surelyWithin(0, 10)).toBe(null)
  clock.learn({ sent: 0, heard: 100, said: 100, received: 50 })
  expect(clock.surelyWithin(500, 540)).toBe(null)
  expect(clock.surelyWithin(500, 560)).not.toBe(null)
})

test('a clock that was set is followed from the next exchange on', () => {
  const clock = new ClockOffset()
  clock.learn({ sent: 0, heard: 1_000, said: 1_000, received: 1 })
  clock.learn({ sent: 10, heard: 90_010, said: 90_010, received: 11 })
  const inside = clock.surelyWithin(90_020, 90_030)
  expect(inside?.from).toBeGreaterThan(19)
  expect(inside?.until).toBeLessThan(31)
})
