import { expect, test } from 'vitest'
import { CommitGroup } from './group.ts'

function groupOf(
  commit: (items: readonly number[]) => Promise<readonly string[]>,
  { limit = 500, calls = 1 }: { readonly limit?: number; readonly calls?: number } = {},
) {
  return new CommitGroup<number, string>({ commit, limit, calls })
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('items of one turn share one call, and each gets its own outcome', async () => {
  const calls: (readonly number[])[] = []
  const group = groupOf((items) => {
    calls.push(items)
    return Promise.resolve(items.map((item) => `done ${String(item)}`))
  })
  expect(await Promise.all([group.add(1), group.add(2), group.add(3)])).toEqual(['done 1', 'done 2', 'done 3'])
  expect(calls).toEqual([[1, 2, 3]])
})

test('what arrives while as many calls are under way as may be goes together in the next one', async () => {
  for (const most of [1, 2]) {
    const calls: (readonly number[])[] = []
    const gate = Promise.withResolvers<undefined>()
    const group = groupOf(
      async (items) => {
        calls.push(items)
        await gate.promise
        return items.map(String)
      },
      { calls: most },
    )
    const added = []
    for (const item of [1, 2, 3, 4]) {
      added.push(group.add(item))
      await turn()
    }
    expect(calls).toEqual(most === 1 ? [[1]] : [[1], [2]])
    gate.resolve(undefined)
    expect(await Promise.all(added)).toEqual(['1', '2', '3', '4'])
    expect(calls.at(-1)).toEqual(most === 1 ? [2, 3, 4] : [3, 4])
  }
})

test('a group is never larger than the limit, unless its items came together', async () => {
  const sizes: number[] = []
  const group = groupOf(
    (items) => {
      sizes.push(items.length)
      return Promise.resolve(items.map(String))
    },
    { limit: 2 },
  )
  await Promise.all([1, 2, 3, 4, 5].map((item) => group.add(item)))
  expect(sizes).toEqual([2, 2, 1])
  expect(await Promise.all([group.addAll([6, 7, 8]), group.add(9)])).toEqual([['6', '7', '8'], '9'])
  expect(sizes.slice(3)).toEqual([3, 1])
})

test('a call that fails rejects its own items only', async () => {
  let calls = 0
  const group = groupOf((items) => {
    calls += 1
    return calls === 1 ? Promise.reject(new Error('no')) : Promise.resolve(items.map(String))
  })
  await expect(group.addAll([1, 2])).rejects.toThrow('no')
  expect(await group.add(3)).toBe('3')
})
