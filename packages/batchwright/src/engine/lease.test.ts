import { expect, test } from 'vitest'
import { VirtualClock } from '../testing/index.ts'
import { LocalLease } from './lease.ts'

test('past its local deadline a lease holds commits until a renewal makes it certain again', async () => {
  const clock = new VirtualClock()
  const lease = new LocalLease(clock, 6_000)
  await clock.advance(5_999)
  expect(lease.isCertain()).toBe(true)
  await clock.advance(1)
  expect(lease.isCertain()).toBe(false)

  let committed = false
  const commit = lease.whenCertain(new AbortController().signal).then(() => {
    committed = true
  })
  await clock.advance(10_000)
  expect(committed).toBe(false)
  lease.renewed(clock.monotonic() - 1_000)
  await clock.runUntil(commit)
  expect(lease.isCertain()).toBe(true)
  await clock.advance(5_000)
  expect(lease.isCertain()).toBe(false)
})

test('a renewal that was sent a whole lease ago makes nothing certain', async () => {
  const clock = new VirtualClock()
  const lease = new LocalLease(clock, 6_000)
  await clock.advance(20_000)
  lease.renewed(clock.monotonic() - 6_000)
  expect(lease.isCertain()).toBe(false)
})

test('nobody waits for a lease that is over: the fences decide', async () => {
  const clock = new VirtualClock()
  const lease = new LocalLease(clock, 6_000)
  await clock.advance(7_000)
  const waiting = lease.whenCertain(new AbortController().signal)
  lease.end()
  await clock.runUntil(waiting)
})
