import { expect, test } from 'vitest'
import { AttemptStopped, Stops } from './stop.ts'

test('work that fails after a hard stop is nobody’s unhandled rejection: it would kill the slot', async () => {
  const unhandled: unknown[] = []
  const listen = (error: unknown): void => {
    unhandled.push(error)
  }
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', listen)
  try {
    const controller = new AbortController()
    controller.abort(Object.assign(new Error('stop'), { stop: 'cancelled' }))
    const stops = new Stops(controller.signal)
    await expect(stops.unless(Promise.reject(new Error('too late')))).rejects.toThrow(AttemptStopped)
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', listen)
    for (const other of others) process.on('unhandledRejection', other)
  }
})
