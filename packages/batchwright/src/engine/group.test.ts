import { expect, test } from 'vitest'
import { VirtualClock } from '../testing/index.ts'
import { CommitGroup } from './group.ts'

function groupOf(clock: VirtualClock, commit: (items: readonly number[]) => Promise<readonly string[]>, limit = 500) {
  return new CommitGroup<number, string>({ commit, clock, widthMs: 2, limit })
}

test('items that arrive within the width share one call, and each gets its own outcome', async () => {
  const clock = new VirtualClock()
  const calls: (readonly number[])[] = []
  const group = groupOf(clock, (items) => {
    calls.push(items)
    return Promise.resolve(items.map((item) => `done ${String(item)}`))
  })
  const outcomes = Promise.all([group.add(1), group.add(2), group.add(3)])
  expect(await clock.runUntil(outcomes)).toEqual(['done 1', 'done 2', 'done 3'])
  expect(calls).toEqual([[1, 2, 3]])
})

test('what arrives while a call is under way goes together in the next one', async () => {
  const clock = new VirtualClock()
  const calls: (readonly number[])[] = []
  const first = Promise.withResolvers<undefined>()
  const group = groupOf(clock, async (items) => {
    calls.push(items)
    if (calls.length === 1) await first.promise
    return items.map(String)
  })
  const one = group.add(1)
  await clock.advance(2)
  const rest = [group.add(2), group.add(3)]
  await clock.advance(50)
  expect(calls).toEqual([[1]])
  first.resolve(undefined)
  await clock.runUntil(Promise.all([one, ...rest]))
  expect(calls).toEqual([[1], [2, 3]])
})

test('a full group does not wait, and is never larger than the limit', async () => {
  const clock = new VirtualClock()
  const sizes: number[] = []
  const group = groupOf(
    clock,
    (items) => {
      sizes.push(items.length)
      return Promise.resolve(items.map(String))
    },
    2,
  )
  const all = Promise.all([1, 2, 3, 4, 5].map((item) => group.add(item)))
  await clock.runUntil(all)
  expect(sizes).toEqual([2, 2, 1])
})

test('a call that fails rejects its own items only', async () => {
  const clock = new VirtualClock()
  let calls = 0
  const group = groupOf(clock, (items) => {
    calls += 1
    return calls === 1 ? Promise.reject(new Error('no')) : Promise.resolve(items.map(String))
  })
  const failing = group.add(1)
  await expect(clock.runUntil(failing)).rejects.toThrow('no')
  expect(await clock.runUntil(group.add(2))).toBe('2')
})
