import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from './clock.ts'

const DAY = 24 * 60 * 60 * 1000

// Node's timers stand still here, so that forty days can pass.
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a timer of forty days fires after forty days, not at once and not after twenty-five', () => {
  let fired = 0
  systemClock.after(40 * DAY, () => {
    fired += 1
  })
  vi.advanceTimersByTime(40 * DAY - 1)
  expect(fired).toBe(0)
  vi.advanceTimersByTime(1)
  expect(fired).toBe(1)
  vi.advanceTimersByTime(100 * DAY)
  expect(fired).toBe(1)
})

test('a long timer can be stopped in each of its pieces', () => {
  let fired = 0
  const early = systemClock.after(60 * DAY, () => {
    fired += 1
  })
  const late = systemClock.after(60 * DAY, () => {
    fired += 1
  })
  vi.advanceTimersByTime(10 * DAY)
  early.stop()
  vi.advanceTimersByTime(30 * DAY)
  late.stop()
  vi.advanceTimersByTime(100 * DAY)
  expect(fired).toBe(0)
})

test('a long sleep ends with its signal', async () => {
  const abort = new AbortController()
  const slept = systemClock.sleep(60 * DAY, abort.signal)
  vi.advanceTimersByTime(50 * DAY)
  abort.abort(new Error('enough'))
  await expect(slept).rejects.toThrow('enough')
})
