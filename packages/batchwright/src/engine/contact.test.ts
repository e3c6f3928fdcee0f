import { expect, test } from 'vitest'
import { BatchwrightError } from '../kernel/errors.ts'
import { seededRandom } from '../kernel/random.ts'
import { VirtualClock } from '../testing/index.ts'
import { StoreContact } from './contact.ts'

const busy = new BatchwrightError({ code: 'STORE_BUSY', message: 'busy', retryable: true })

function contactOn(clock: VirtualClock) {
  const stop = new AbortController()
  const waits: number[] = []
  const contact = new StoreContact({
    clock,
    random: seededRandom(1),
    longestSilenceMs: 6_000,
    signal: stop.signal,
    onError: (_, waitMs) => waits.push(waitMs),
  })
  return { contact, stop, waits }
}

test('a passing error is waited out, with waits that grow to two seconds', async () => {
  const clock = new VirtualClock()
  const { contact, waits } = contactOn(clock)
  let tries = 0
  const answer = await clock.runUntil(
    contact.call(() => {
      tries += 1
      return tries < 12 ? Promise.reject(busy) : Promise.resolve('answer')
    }),
  )
  expect(answer).toBe('answer')
  expect(waits).toHaveLength(11)
  expect(waits[0]).toBeLessThanOrEqual(25)
  expect(Math.max(...waits)).toBeGreaterThan(1_000)
  expect(Math.max(...waits)).toBeLessThanOrEqual(2_000)
})

test('an error that does not pass is handed on at once', async () => {
  const clock = new VirtualClock()
  const { contact } = contactOn(clock)
  const broken = new BatchwrightError({ code: 'STORE_CORRUPT', message: 'damaged' })
  await expect(clock.runUntil(contact.call(() => Promise.reject(broken)))).rejects.toBe(broken)
})

test('patience ends when the worker is told to stop at once', async () => {
  const clock = new VirtualClock()
  const { contact, stop } = contactOn(clock)
  const call = contact.call(() => Promise.reject(busy))
  clock.after(10_000, () => {
    stop.abort(new Error('stopped'))
  })
  await expect(clock.runUntil(call)).rejects.toThrow('stopped')
})

test('unbroken contact counts from the last failure, and from the end of a long silence', async () => {
  const clock = new VirtualClock()
  const { contact } = contactOn(clock)
  await clock.advance(5_000)
  contact.touch()
  expect(contact.unbrokenMs()).toBe(5_000)
  contact.broken()
  await clock.advance(1_000)
  contact.touch()
  expect(contact.unbrokenMs()).toBe(1_000)
  await clock.advance(7_000)
  expect(contact.unbrokenMs()).toBe(0)
  contact.touch()
  expect(contact.unbrokenMs()).toBe(0)
  await clock.advance(2_000)
  expect(contact.unbrokenMs()).toBe(2_000)
})
