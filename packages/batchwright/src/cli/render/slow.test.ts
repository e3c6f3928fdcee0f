import { expect, test } from 'vitest'
import type { RunningPartition } from './slow.ts'
import { SlowWatch } from './slow.ts'

function partition(index: number, step = 'rate'): RunningPartition {
  return { taskId: index, step, index, label: `file${index}.csv` }
}

/** Four partitions of a second each, one after the other, beside one that goes on. */
function watched(): SlowWatch {
  const watch = new SlowWatch()
  for (let second = 0; second <= 4; second += 1) {
    const short = second < 4 ? [partition(second)] : []
    watch.observe([...short, partition(9)], second * 1_000)
  }
  return watch
}

test('a partition is slow when it takes more than three times as long as half of its finished siblings, and 3 s', () => {
  const watch = watched()
  expect(watch.running(3_000)).toEqual([])
  expect(watch.running(4_500)).toEqual([
    { step: 'rate', index: 9, label: 'file9.csv', tookMs: 4_500, typicalMs: 1_000, running: true },
  ])
})

test('in the end those that were slow are told, with the time they took', () => {
  const watch = watched()
  watch.observe([], 5_000)
  expect(watch.running(9_000)).toEqual([])
  expect(watch.finished()).toEqual([
    { step: 'rate', index: 9, label: 'file9.csv', tookMs: 5_000, typicalMs: 1_000, running: false },
  ])
})

test('nothing is slow before three siblings have finished, nor beside partitions of another step', () => {
  const watch = new SlowWatch()
  watch.observe([partition(0), partition(1), partition(2, 'other'), partition(9)], 0)
  watch.observe([partition(9)], 1_000)
  expect(watch.running(60_000)).toEqual([])
})
