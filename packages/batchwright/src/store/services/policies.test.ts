import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BreakerRule, ProbeRule } from '../../protocol/index.ts'
import { count, decide, elapse, NEW_BREAKER, tryAgain, type Breaker } from './breaker.ts'
import { share, type Holder } from './concurrency.ts'
import { adjust, NEW_HEALTH, probeDue } from './health.ts'

const RULE: BreakerRule = { failures: 0.5, calls: 10, windowMs: 10_000, openMs: 1_000, longestMs: 8_000 }

function opened(now = 0): Breaker {
  return count(NEW_BREAKER, RULE, { answered: 2, failed: 18 }, now)
}

test('a breaker stays closed below its number of calls, however many of them fail', () => {
  expect(count(NEW_BREAKER, RULE, { answered: 0, failed: 9 }, 0).state).toBe('closed')
})

test('it stays closed below its share of failures, and opens at it', () => {
  expect(count(NEW_BREAKER, RULE, { answered: 51, failed: 49 }, 0).state).toBe('closed')
  expect(count(NEW_BREAKER, RULE, { answered: 50, failed: 50 }, 0).state).toBe('open')
})

test('it says why it opened, and until when', () => {
  expect(opened(5_000)).toMatchObject({ state: 'open', until: 6_000, why: '18 of 20 calls failed' })
})

test('failures that are older than the window count no more', () => {
  const before = count(NEW_BREAKER, RULE, { answered: 0, failed: 9 }, 0)
  expect(count(before, RULE, { answered: 0, failed: 1 }, 9_999).state).toBe('open')
  expect(count(before, RULE, { answered: 0, failed: 1 }, 10_000).state).toBe('closed')
})

test('when its time has passed one worker tries again, and only one', () => {
  const half = elapse(opened(), 1_000)
  expect(half.state).toBe('half-open')
  const first = tryAgain(half, 'a', 1_000)
  expect(first.given).toBe(true)
  expect(tryAgain(first.breaker, 'b', 1_001).given).toBe(false)
})

test('a trial that nobody heard of again is given to another', () => {
  const first = tryAgain(opened(), 'a', 1_000)
  expect(tryAgain(first.breaker, 'b', 61_000).given).toBe(true)
})

test('the trial decides: it closes, or opens for twice as long, up to the longest', () => {
  const tried = tryAgain(opened(), 'a', 1_000).breaker
  expect(decide(tried, RULE, { worker: 'a', outcome: 'answered' }, 1_100)).toMatchObject({ state: 'closed', opened: 0 })
  const again = decide(tried, RULE, { worker: 'a', outcome: 'failed' }, 1_100)
  expect(again).toMatchObject({ state: 'open', until: 3_100 })
  let breaker = again
  for (let round = 0; round < 10; round += 1) {
    breaker = decide(
      tryAgain(breaker, 'a', breaker.until).breaker,
      RULE,
      { worker: 'a', outcome: 'failed' },
      breaker.until,
    )
  }
  expect(breaker.opened).toBe(12)
  expect(
    decide(tryAgain(breaker, 'a', breaker.until).breaker, RULE, { worker: 'a', outcome: 'failed' }, breaker.until)
      .until,
  ).toBe(breaker.until + RULE.longestMs)
})

test('what another worker says of an older trial decides nothing', () => {
  const tried = tryAgain(opened(), 'a', 1_000).breaker
  expect(decide(tried, RULE, { worker: 'b', outcome: 'answered' }, 1_100)).toEqual(tried)
})

test('a trial that never left frees the place for another', () => {
  const tried = tryAgain(opened(), 'a', 1_000).breaker
  const freed = decide(tried, RULE, { worker: 'a', outcome: 'unknown' }, 1_100)
  expect(tryAgain(freed, 'b', 1_100).given).toBe(true)
})

test('calls that end while it is open change nothing', () => {
  const breaker = opened()
  expect(count(breaker, RULE, { answered: 0, failed: 100 }, 500)).toEqual(breaker)
})

const PROBE: ProbeRule = { everyMs: 5_000, latencyMs: 200, lagMs: null, load: 0.8 }
const WELL = { latencyMs: 20, lagMs: null, load: 0.1 }

test('a bad reading halves what is allowed, each good one gives one back', () => {
  const bad = adjust(NEW_HEALTH, PROBE, 8, { ...WELL, latencyMs: 500 })
  expect(bad).toMatchObject({ allowed: 4, complaint: 'latency 500 ms, expected at most 200 ms' })
  expect(adjust(bad, PROBE, 8, { ...WELL, load: 0.9 }).allowed).toBe(2)
  expect(adjust(bad, PROBE, 8, WELL)).toMatchObject({ allowed: 5, complaint: null })
  let health = bad
  for (let round = 0; round < 4; round += 1) health = adjust(health, PROBE, 8, WELL)
  expect(health.allowed).toBe(null)
})

test('at least one request is always allowed, so that recovery is seen', () => {
  let health = NEW_HEALTH
  for (let round = 0; round < 10; round += 1) health = adjust(health, PROBE, 8, null)
  expect(health).toMatchObject({ allowed: 1, complaint: 'its probe failed' })
})

test('one worker probes in each period', () => {
  const first = probeDue(NEW_HEALTH, PROBE, 1_000)
  expect(first.due).toBe(true)
  expect(probeDue(first.health, PROBE, 1_001).due).toBe(false)
  expect(probeDue(first.health, PROBE, 6_000).due).toBe(true)
})

test('workers together never hold more than is allowed, whatever they ask in whatever order', () => {
  const move = fc.record({
    worker: fc.integer({ min: 0, max: 5 }),
    using: fc.double({ min: 0, max: 1, noNaN: true }),
    wanted: fc.integer({ min: 0, max: 20 }),
  })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(move, { maxLength: 60 }), (allowed, moves) => {
      const holders = new Map<number, Holder>()
      for (const { worker, using, wanted } of moves) {
        const held = holders.get(worker)?.held ?? 0
        const others = [...holders].filter(([id]) => id !== worker).map(([, holder]) => holder)
        const now = share(allowed, { using: Math.floor(using * held), wanted }, others)
        holders.set(worker, { held: now, wanted })
        const total = [...holders.values()].reduce((sum, holder) => sum + holder.held, 0)
        expect(total).toBeLessThanOrEqual(allowed)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('one worker alone gets all; when another comes, both end with an even share', () => {
  expect(share(8, { using: 0, wanted: 20 }, [])).toBe(8)
  expect(share(8, { using: 8, wanted: 20 }, [])).toBe(8)
  const greedy = share(8, { using: 3, wanted: 20 }, [{ held: 0, wanted: 20 }])
  expect(greedy).toBe(4)
  expect(share(8, { using: 0, wanted: 20 }, [{ held: greedy, wanted: 20 }])).toBe(4)
})

test('what is under way is not taken back', () => {
  expect(share(2, { using: 5, wanted: 5 }, [{ held: 0, wanted: 1 }])).toBe(5)
})
