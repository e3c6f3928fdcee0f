import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RunningAttempt, SiblingTime } from '../../store/index.ts'
import { chooseSplits, leftMs, mayBeCopied, whyCopy } from './decide.ts'

const RULES = { leastPieceMs: 1_000, stalledMs: 5_000 }
const RULE = { after: 0.75, slowerThan: 2, atLeastMs: 3_000 }

/** Half way through 10,000 records after 10 s, its last checkpoint just made: 10 s left. */
function attempt(parts: Partial<RunningAttempt> = {}): RunningAttempt {
  return {
    ...{ taskId: 1, fence: 1, runId: 'run', step: 'rate', index: 0, workerId: 'w', isCopy: false, hasCopy: false },
    ...{ runningMs: 10_000, checkpointedMs: 10_000, records: 10_000, bytes: null, read: 5_000, fromRead: 0 },
    ...{ split: 'none', rebalance: true, speculation: null, tasks: 5, done: 4, stepHasReady: false },
    ...parts,
  }
}

const siblings = (ms: number, read: number): readonly SiblingTime[] => [
  { ms: ms / 2, read },
  { ms, read },
  { ms: ms * 3, read },
]

describe('how long an attempt will still need', () => {
  test('follows from its own speed up to its last checkpoint', () => {
    expect(leftMs(attempt())).toBe(10_000)
    expect(leftMs(attempt({ runningMs: 12_000 }))).toBe(8_000)
    expect(leftMs(attempt({ fromRead: 2_500, checkpointedMs: 5_000, runningMs: 5_000 }))).toBe(10_000)
  })

  test('is as long as it has needed so far where nobody knows how much there is', () => {
    expect(leftMs(attempt({ records: null }))).toBe(10_000)
  })

  test('is nothing before its first checkpoint, and for one that has read all', () => {
    expect(leftMs(attempt({ checkpointedMs: null }))).toBe(0)
    expect(leftMs(attempt({ read: 10_000 }))).toBe(0)
  })
})

describe('which partitions are cut', () => {
  test('the one with most left is cut for the idle slots, into pieces that are not too short', () => {
    const short = attempt({ taskId: 2, read: 9_500 })
    expect(chooseSplits([short, attempt()], 1, RULES)).toMatchObject([{ attempt: { taskId: 1 }, pieces: 2 }])
    expect(chooseSplits([short, attempt()], 3, RULES)).toMatchObject([{ attempt: { taskId: 1 }, pieces: 4 }])
    expect(chooseSplits([attempt()], 100, RULES)).toMatchObject([{ pieces: 10 }])
  })

  test('several are cut where their pieces last as long', () => {
    const both = [attempt(), attempt({ taskId: 2, records: 14_000 })]
    expect(chooseSplits(both, 2, RULES).map(({ attempt: { taskId }, pieces }) => [taskId, pieces])).toEqual([
      [2, 2],
      [1, 2],
    ])
  })

  test('none is cut where little is left, nobody is idle, or something waits to be claimed', () => {
    expect(chooseSplits([attempt({ read: 9_100 })], 4, RULES)).toEqual([])
    expect(chooseSplits([attempt()], 0, RULES)).toEqual([])
    expect(chooseSplits([attempt({ stepHasReady: true })], 4, RULES)).toEqual([])
  })

  test.each<Partial<RunningAttempt>>([
    { rebalance: false },
    { split: 'asked' },
    { split: 'declined' },
    { isCopy: true },
    { hasCopy: true },
  ])('left alone: %o', (parts) => {
    expect(chooseSplits([attempt(parts)], 4, RULES)).toEqual([])
  })

  test('no more pieces are given away than slots are idle, and none is shorter than allowed', () => {
    const any = fc.record({
      read: fc.integer({ min: 1, max: 10_000 }),
      records: fc.option(fc.integer({ min: 1, max: 100_000 })),
      runningMs: fc.integer({ min: 1, max: 100_000 }),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 6 }), fc.integer({ min: 0, max: 20 }), (parts, idle) => {
        const running = parts.map((each, index) => attempt({ ...each, taskId: index, checkpointedMs: each.runningMs }))
        const advice = chooseSplits(running, idle, RULES)
        expect(advice.reduce((sum, { pieces }) => sum + pieces - 1, 0)).toBeLessThanOrEqual(idle)
        for (const { attempt: cut, pieces } of advice) {
          expect(pieces).toBeGreaterThan(1)
          expect(leftMs(cut) / pieces).toBeGreaterThanOrEqual(RULES.leastPieceMs)
        }
      }),
    )
  })
})

describe('which attempts get a copy', () => {
  const slow = attempt({ speculation: RULE, rebalance: false, read: 100 })

  test('one that is slower than its siblings by the rule, for as many records', () => {
    expect(mayBeCopied(slow, RULES)).toBe(true)
    // Its siblings read 10,000 in 4 s, by the median: it has taken 10 s, and would take many more.
    expect(whyCopy(slow, siblings(4_000, 10_000), RULES)).toMatchObject({ runningMs: 10_000, expectedMs: 4_000 })
    expect(whyCopy(slow, siblings(6_000, 10_000), RULES)).toBeNull()
    // Theirs were ten times smaller: it is as fast as they were.
    expect(whyCopy(slow, siblings(600, 1_000), RULES)).toBeNull()
  })

  test('one that does not move at all, whatever it could do at its speed', () => {
    const stalled = attempt({ speculation: RULE, runningMs: 60_000, checkpointedMs: 9_000, split: 'asked' })
    expect(mayBeCopied(stalled, RULES)).toBe(true)
    expect(whyCopy(stalled, siblings(9_000, 10_000), RULES)).toMatchObject({ leftMs: null })
    expect(whyCopy({ ...stalled, checkpointedMs: null, read: 0 }, siblings(9_000, 10_000), RULES)).not.toBeNull()
  })

  test('not one that will be done before its copy', () => {
    const nearly = attempt({ speculation: RULE, rebalance: false, read: 9_900 })
    expect(whyCopy(nearly, siblings(4_000, 10_000), RULES)).not.toBeNull()
    expect(whyCopy({ ...nearly, read: 9_999 }, siblings(4_999, 500), RULES)).toBeNull()
  })

  test('not one that moves and can be cut: taking work off it helps more than doing it twice', () => {
    expect(mayBeCopied({ ...slow, rebalance: true }, RULES)).toBe(false)
    expect(mayBeCopied({ ...slow, rebalance: true, split: 'declined' }, RULES)).toBe(true)
    expect(mayBeCopied({ ...slow, rebalance: true, checkpointedMs: 2_000 }, RULES)).toBe(true)
  })

  test.each<Partial<RunningAttempt>>([
    { speculation: null },
    { runningMs: 2_999, checkpointedMs: 2_999 },
    { done: 2 },
    { tasks: 1, done: 0 },
    { isCopy: true },
    { hasCopy: true },
  ])('left alone: %o', (parts) => {
    expect(mayBeCopied({ ...slow, ...parts }, RULES)).toBe(false)
  })

  test('the share of siblings leaves the attempt itself out: of two partitions, one is enough', () => {
    expect(mayBeCopied({ ...slow, tasks: 2, done: 1 }, RULES)).toBe(true)
  })
})
