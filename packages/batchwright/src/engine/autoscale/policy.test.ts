/** How many workers are wanted, and that following it does not swing. The queue is played second by second. */
import { describe, expect, test } from 'vitest'
import { Autoscaler, slotsWanted, workersWanted } from './policy.ts'

const RULES = { min: 1, max: 8, slotsPerWorker: 2 }

describe('slots wanted', () => {
  test('as many as have the work done within the time, and never more than there are tasks', () => {
    expect(slotsWanted([{ remaining: 600, meanMs: 100 }])).toBe(2)
    expect(slotsWanted([{ remaining: 600, meanMs: 1_000 }])).toBe(20)
    expect(slotsWanted([{ remaining: 3, meanMs: 600_000 }])).toBe(3)
    expect(slotsWanted([{ remaining: 1_000_000, meanMs: 0.01 }])).toBe(1)
    expect(slotsWanted([])).toBe(0)
  })

  test('tasks that nobody has timed get a slot each; steps add up', () => {
    expect(slotsWanted([{ remaining: 5, meanMs: null }])).toBe(5)
    expect(
      slotsWanted([
        { remaining: 5, meanMs: null },
        { remaining: 60, meanMs: 1_000 },
      ]),
    ).toBe(7)
  })

  test('workers are those slots in whole workers, between minimum and maximum', () => {
    expect(workersWanted([{ remaining: 5, meanMs: null }], RULES)).toBe(3)
    expect(workersWanted([], RULES)).toBe(1)
    expect(workersWanted([{ remaining: 500, meanMs: null }], RULES)).toBe(8)
  })
})

/** A fleet that follows the scaler: tasks of `taskMs`, as many arriving in each second as `arrive` says. */
function play(seconds: number, taskMs: number, arrive: (second: number) => number): readonly number[] {
  const scaler = new Autoscaler(RULES)
  const workers: number[] = []
  let [current, queued] = [RULES.min, 0]
  for (let second = 0; second < seconds; second += 1) {
    queued += arrive(second)
    current = scaler.decide(second * 1_000, queued === 0 ? [] : [{ remaining: queued, meanMs: taskMs }], current)
    workers.push(current)
    queued = Math.max(0, queued - (current * RULES.slotsPerWorker * 1_000) / taskMs)
  }
  return workers
}

/** How often the number changed its direction. */
function turns(workers: readonly number[]): number {
  const steps = workers.slice(1).map((each, index) => Math.sign(each - (workers[index] ?? each)))
  const moves = steps.filter((step) => step !== 0)
  return moves.slice(1).filter((step, index) => step !== moves[index]).length
}

describe('following it', () => {
  test('a burst is followed up to the maximum and down to the minimum, once', () => {
    const workers = play(600, 500, (second) => (second === 10 ? 4_000 : 0))
    expect(Math.max(...workers)).toBe(8)
    expect(workers.at(-1)).toBe(1)
    expect(turns(workers)).toBe(1)
    expect(workers.indexOf(8) - 10).toBeLessThanOrEqual(12)
  })

  test('a steady load is met and the number stays', () => {
    // Ten slots' worth of work each second.
    const workers = play(1_200, 500, () => 20)
    const settled = workers.slice(300)
    expect(new Set(settled).size).toBe(1)
    expect(turns(workers)).toBeLessThanOrEqual(1)
  })

  test('bursts that come again before the cool-down is over do not swing it', () => {
    const workers = play(600, 500, (second) => (second % 40 === 0 ? 1_000 : 0))
    expect(turns(workers.slice(100))).toBe(0)
  })

  test('a load on the edge between two numbers stays at one of them', () => {
    const scaler = new Autoscaler(RULES)
    let current = 3
    const seen: number[] = []
    for (let second = 0; second < 300; second += 1) {
      current = scaler.decide(second * 1_000, [{ remaining: second % 2 === 0 ? 6 : 7, meanMs: null }], current)
      seen.push(current)
    }
    expect(new Set(seen)).toEqual(new Set([3]))
  })

  test('one look at much work starts nothing: it must be wanted for a while', () => {
    const scaler = new Autoscaler(RULES)
    expect(scaler.decide(0, [{ remaining: 1_000, meanMs: null }], 1)).toBe(1)
    expect(scaler.decide(1_000, [], 1)).toBe(1)
    expect(scaler.decide(4_000, [], 1)).toBe(1)
  })

  test('what died below the minimum is replaced at once', () => {
    const scaler = new Autoscaler({ ...RULES, min: 3 })
    expect(scaler.decide(0, [], 2)).toBe(3)
  })
})
