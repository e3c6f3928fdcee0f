import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RateRule } from '../../protocol/index.ts'
import { allot, slotsOf } from './rate.ts'

const rule = fc
  .record({
    count: fc.integer({ min: 1, max: 60 }),
    perMs: fc.constantFrom(100, 1000, 60_000),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ count, perMs, share }): RateRule => ({ count, perMs, burst: 1 + Math.floor(share * (count - 1)) }))

/** Somebody asks for slots after a pause; each slot is used as late as its place in `late` says. */
const asking = fc.record({
  pauseUs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 3_000_000 })),
  wanted: fc.integer({ min: 1, max: 30 }),
  horizonUs: fc.integer({ min: 0, max: 2_000_000 }),
  late: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }),
})

test('no window of the length of the limit sees more than the limit, whoever asks when and however late each leaves', () => {
  fc.assert(
    fc.property(rule, fc.array(asking, { minLength: 1, maxLength: 40 }), (rate, askings) => {
      const { validUs } = slotsOf(rate)
      const left: number[] = []
      let nextUs = 0
      let nowUs = 1_700_000_000_000_000
      for (const { pauseUs, wanted, horizonUs, late } of askings) {
        nowUs += pauseUs
        const allotted = allot(rate, { nextUs, nowUs, wanted, horizonUs })
        nextUs = allotted.nextUs
        for (const [place, slot] of allotted.slots.entries()) {
          left.push(slot + Math.floor((late[place % late.length] ?? 0) * (validUs - 1)))
        }
      }
      expect(mostWithin(left, rate.perMs * 1000)).toBeLessThanOrEqual(rate.count)
    }),
    { numRuns: 2_000 },
  )
})

test('the property notices a spacing that forgets how late a slot may be used', () => {
  const rate: RateRule = { count: 50, perMs: 1000, burst: 1 }
  const { validUs } = slotsOf(rate)
  const tooTight = Array.from({ length: 200 }, (_, at) => at * 20_000 + (at < 50 ? validUs - 1 : 0))
  expect(mostWithin(tooTight, 1_000_000)).toBeGreaterThan(50)
})

test('a steady stream gets all but a twentieth of the limit', () => {
  const rate: RateRule = { count: 50, perMs: 1000, burst: 1 }
  let nextUs = 0
  let granted = 0
  for (let nowUs = 0; nowUs < 60_000_000; nowUs += 100_000) {
    const allotted = allot(rate, { nextUs, nowUs, wanted: 100, horizonUs: 0 })
    nextUs = allotted.nextUs
    granted += allotted.slots.length
  }
  // Asked ten times a second without looking ahead, it loses what falls between the questions.
  expect(granted).toBeGreaterThanOrEqual(600)
  const ahead = allot(rate, { nextUs: 0, nowUs: 0, wanted: 10_000, horizonUs: 60_000_000 })
  expect(ahead.slots.length / 60).toBeGreaterThan(47)
})

test('after a pause a burst leaves together, and no more than that', () => {
  const rate: RateRule = { count: 50, perMs: 1000, burst: 10 }
  const { slots } = allot(rate, { nextUs: 0, nowUs: 5_000_000, wanted: 12, horizonUs: 1_000_000 })
  expect(slots.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 5_000_000))
  expect(slots[10]).toBeGreaterThan(5_000_000)
})

test('slots beyond the horizon are not granted: it says when to come again', () => {
  const rate: RateRule = { count: 1, perMs: 60_000, burst: 1 }
  const first = allot(rate, { nextUs: 0, nowUs: 1_000_000, wanted: 2, horizonUs: 500_000 })
  expect(first.slots).toEqual([1_000_000])
  expect(first.retryUs).toBe(62_000_000 - 500_000)
})

/** The most of these times in any window [x, x + length). */
function mostWithin(times: readonly number[], length: number): number {
  const sorted = [...times].sort((a, b) => a - b)
  let most = 0
  let from = 0
  for (const [at, time] of sorted.entries()) {
    while ((sorted[from] ?? time) <= time - length) from += 1
    most = Math.max(most, at - from + 1)
  }
  return most
}
