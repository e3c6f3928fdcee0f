import { expect, test } from 'vitest'
import type { Executor, SlotRequest } from '../executors/index.ts'
import { scriptedExecutor } from './fixtures/scripted-executor.ts'
import { finished } from './fixtures/world.ts'
import { SlotRack } from './slots.ts'

/** Slots that tell what they were opened for. */
function processes(opened: (SlotRequest | undefined)[], swept: () => number): Executor {
  const executor = scriptedExecutor(() => Promise.resolve(finished(0)), 'process')
  return {
    ...executor,
    openSlot: (request) => {
      opened.push(request)
      return executor.openSlot(request)
    },
    sweep: () => Promise.resolve(swept()),
  }
}

test('an attempt gets a slot with the memory that its step asks for, and no other', async () => {
  const opened: (SlotRequest | undefined)[] = []
  const rack = new SlotRack([processes(opened, () => 0)])
  const small = { isolation: 'process', memoryBytes: 128e6 } as const
  const large = { isolation: 'process', memoryBytes: 1e9 } as const
  const first = await rack.take(small)
  rack.put(small, first)
  const second = await rack.take(large)
  rack.put(large, second)
  expect(await rack.take(small)).toBe(first)
  expect(await rack.take(large)).toBe(second)
  expect(opened).toEqual([{ memoryBytes: 128e6 }, { memoryBytes: 1e9 }])
  await rack.close()
})

test('a sweep asks every executor what dead workers have left running', async () => {
  const threads = scriptedExecutor(() => Promise.resolve(finished(0)))
  expect(await new SlotRack([threads, processes([], () => 3)]).sweep()).toBe(3)
})
