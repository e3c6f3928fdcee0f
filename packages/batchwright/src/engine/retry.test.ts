import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../kernel/random.ts'
import { FACTS, finished, RETRY } from './fixtures/world.ts'
import { failedWith } from './fixtures/scripted-executor.ts'
import { decideEnd, retryDelay } from './retry.ts'

const random = seededRandom(1)
const timeout = { code: 'ATTEMPT_TIMEOUT', message: 'too slow', retryable: true }
const ended = { stop: null, timeout: null, attempt: 1 } as const

describe('retryDelay', () => {
  test('grows by the multiplier and stays under the maximum', () => {
    const delays = [1, 2, 3, 4, 5].map((attempt) => retryDelay(RETRY, attempt, random))
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 8_000])
  })

  test('jitter keeps it within its share of the delay, and never below zero', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (seed, attempt, jitter) => {
          const bare = retryDelay(RETRY, attempt, random)
          const delay = retryDelay({ ...RETRY, jitter }, attempt, seededRandom(seed))
          expect(delay).toBeGreaterThanOrEqual(Math.floor(bare * (1 - jitter)))
          expect(delay).toBeLessThanOrEqual(Math.ceil(bare * (1 + jitter)))
        },
      ),
    )
  })
})

describe('decideEnd', () => {
  const decide = (over: Partial<Parameters<typeof decideEnd>[0]> & { end: Parameters<typeof decideEnd>[0]['end'] }) =>
    decideEnd({ ...ended, ...over }, FACTS.retry, random)

  test('an error that can pass is retried while attempts are left, then fails the task', () => {
    const end = failedWith('ECONNRESET', { retryable: true })
    expect(decide({ end, attempt: 2 })).toMatchObject({ kind: 'retry', delayMs: 2_000 })
    expect(decide({ end, attempt: 3 })).toMatchObject({ kind: 'failed' })
  })

  test('an error that cannot pass fails at once, unless the policy names its code or all codes', () => {
    const end = failedWith('USER_ERROR')
    expect(decide({ end })).toMatchObject({ kind: 'failed', error: { code: 'USER_ERROR' } })
    for (const code of ['USER_ERROR', '*']) {
      const policy = { ...RETRY, errors: [code] }
      expect(decideEnd({ ...ended, end }, policy, random)).toMatchObject({ kind: 'retry' })
    }
  })

  test('a run that is out of time is never retried', () => {
    const policy = { ...RETRY, errors: ['*'] }
    expect(decideEnd({ ...ended, end: failedWith('RUN_TIMEOUT') }, policy, random)).toMatchObject({ kind: 'failed' })
  })

  test('work finished before the stop was noticed counts', () => {
    for (const stop of ['paused', 'preempted', 'timeout'] as const) {
      expect(decide({ end: finished(1), stop, timeout })).toMatchObject({ kind: 'succeeded' })
    }
  })

  test('what is lost or cancelled is not reported, whatever the attempt says', () => {
    for (const stop of ['lost', 'cancelled'] as const) {
      expect(decide({ end: finished(1), stop })).toEqual({ kind: 'abandon' })
      expect(decide({ end: failedWith('USER_ERROR'), stop })).toEqual({ kind: 'abandon' })
    }
  })

  test('an attempt that stopped because it was asked to costs nothing, even where its slot had to be ended', () => {
    for (const stop of ['paused', 'preempted'] as const) {
      expect(decide({ end: { kind: 'givenBack', counters: null }, stop })).toEqual({ kind: 'giveBack' })
      expect(decide({ end: failedWith('SLOT_DIED', { retryable: true }), stop })).toEqual({ kind: 'giveBack' })
    }
  })

  test('an attempt that fails of itself while it is asked to stop has failed', () => {
    expect(decide({ end: failedWith('USER_ERROR'), stop: 'paused' })).toMatchObject({ kind: 'failed' })
  })

  test('a time-out is reported as such, however the attempt ended', () => {
    const ends = [failedWith('SLOT_DIED', { retryable: true }), { kind: 'givenBack', counters: null } as const]
    for (const end of ends) {
      expect(decide({ end, stop: 'timeout', timeout })).toMatchObject({
        kind: 'retry',
        error: { code: 'ATTEMPT_TIMEOUT' },
      })
    }
  })
})
