import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NO_RETRIES, placeRetry } from './retries.ts'

const failure = fc.record({
  pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })),
  delayMs: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 70_000 })),
})

test('no window sees more retries than the budget, in whatever order they fail and however long each is to wait', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(1_000, 60_000),
      fc.array(failure, { minLength: 1, maxLength: 200 }),
      (count, perMs, failures) => {
        let calendar = NO_RETRIES
        let nowMs = 1_700_000_000_000
        const due: number[] = []
        for (const { pauseMs, delayMs } of failures) {
          nowMs += pauseMs
          const placed = placeRetry(calendar, { count, perMs }, { earliestMs: nowMs + delayMs, nowMs })
          calendar = placed.calendar
          expect(placed.atMs).toBeGreaterThanOrEqual(nowMs + delayMs)
          due.push(placed.atMs)
        }
        for (const from of due) {
          expect(due.filter((at) => at >= from && at < from + perMs).length).toBeLessThanOrEqual(count)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('retries below the budget are put off by no more than a stretch', () => {
  const placed = placeRetry(NO_RETRIES, { count: 50, perMs: 1_000 }, { earliestMs: 10_001, nowMs: 10_000 })
  expect(placed).toMatchObject({ atMs: 10_100, putOff: false })
})

test('a full stretch sends the next retry on, and that is told', () => {
  let calendar = NO_RETRIES
  const places = Array.from({ length: 12 }, () => {
    const placed = placeRetry(calendar, { count: 50, perMs: 1_000 }, { earliestMs: 10_000, nowMs: 10_000 })
    calendar = placed.calendar
    return [placed.atMs, placed.putOff]
  })
  expect(places[4]).toEqual([10_000, false])
  expect(places[5]).toEqual([10_100, true])
  expect(places[11]).toEqual([10_200, true])
})

test('what is past is forgotten', () => {
  const { calendar } = placeRetry(NO_RETRIES, { count: 50, perMs: 1_000 }, { earliestMs: 10_000, nowMs: 10_000 })
  const later = placeRetry(calendar, { count: 50, perMs: 1_000 }, { earliestMs: 99_000, nowMs: 99_000 })
  expect(Object.keys(later.calendar.due)).toEqual(['990'])
})
