import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Executor } from '../executors/index.ts'
import { inlineExecutor } from '../executors/index.ts'
import { job, type JobDefinition } from '../job/index.ts'
import { FACTS, World } from './fixtures/world.ts'

let world: World

beforeEach(async () => {
  world = await World.open()
})

afterEach(async () => {
  await world.close()
})

/** Inline slots that note how many attempts went together. */
function counting(definition: JobDefinition, batches: number[]): Executor {
  const inner = inlineExecutor({ clock: world.clock, random: world.random, load: () => Promise.resolve(definition) })
  return {
    name: 'inline',
    openSlot: async () => {
      const slot = await inner.openSlot()
      const run = slot.runBatch?.bind(slot)
      if (run === undefined) throw new Error('expected a slot that takes batches')
      slot.runBatch = (batch, board, callbacks) => {
        batches.push(batch.tasks.length)
        return run(batch, board, callbacks)
      }
      return slot
    },
  }
}

async function start(definition: JobDefinition, batches: number[]) {
  const run = await world.createRun([{ name: 'step', kind: 'function', after: [], publish: 'none' }])
  const worker = world.work(() => Promise.reject(new Error('no script is played')), {
    executors: [counting(definition, batches)],
    facts: { ...FACTS, isolation: 'inline', publishes: [], retry: { ...FACTS.retry, attempts: 2, errors: ['*'] } },
  })
  return { run, worker }
}

const stepOf = (count: number, run: (item: number) => unknown): JobDefinition =>
  job('job', {}, (steps) => {
    steps.function('step', { each: count }, ({ item }) => run(item))
  })

test('short tasks go together, more of them the shorter they are, and each is done once', async () => {
  const done: number[] = []
  const batches: number[] = []
  const { run } = await start(
    stepOf(1_000, (item) => void done.push(item)),
    batches,
  )
  expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
  expect(done.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 1_000 }, (_, item) => item))
  expect(Math.max(...batches)).toBeGreaterThan(100)
  const [first, ...tasks] = await world.store.listTasks(run.runId, { kind: 'partition' })
  expect([first, ...tasks].every((task) => task?.attemptsUsed === 1)).toBe(true)
})

test('of a batch only what failed is tried again', async () => {
  const tries = new Map<number, number>()
  const { run } = await start(
    stepOf(300, (item) => {
      tries.set(item, (tries.get(item) ?? 0) + 1)
      if (item % 100 === 99 && tries.get(item) === 1) throw new Error('once')
    }),
    [],
  )
  expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
  expect([...tries].filter(([, count]) => count > 1).map(([item]) => item)).toEqual([99, 199, 299])
})

test('what a drained worker held and had not begun goes back unspent', async () => {
  const gate = Promise.withResolvers<undefined>()
  const begun: number[] = []
  const { run, worker } = await start(
    stepOf(1_000, (item) => {
      begun.push(item)
      return item === 150 ? gate.promise : undefined
    }),
    [],
  )
  await world.until(() => Promise.resolve(begun.includes(150)))
  worker.drain()
  gate.resolve(undefined)
  await world.until(async () => {
    const held = await world.store.listTasks(run.runId, { kind: 'partition', states: ['leased'] })
    return held.length === 0
  })
  const tasks = await world.store.listTasks(run.runId, { kind: 'partition' })
  expect(tasks.filter(({ state }) => state === 'succeeded')).toHaveLength(begun.length)
  expect(tasks.filter(({ state }) => state === 'ready').every(({ attemptsUsed }) => attemptsUsed === 0)).toBe(true)
  expect(tasks.some(({ state }) => state === 'ready')).toBe(true)
})

test('a slot that dies in the midst of a batch is held against the attempt at work alone', async () => {
  let died = false
  const definition = stepOf(200, () => undefined)
  const dying: Executor = {
    name: 'inline',
    openSlot: async () => {
      const slot = await counting(definition, []).openSlot()
      const run = slot.runBatch?.bind(slot)
      slot.runBatch = (batch, board, callbacks) => {
        if (died || run === undefined || batch.tasks.length < 3)
          return run?.(batch, board, callbacks) ?? Promise.resolve(null)
        died = true
        board.begin(0)
        callbacks.ended([{ place: 0, result: null }])
        board.begin(1)
        return Promise.resolve({
          kind: 'failed',
          error: { code: 'SLOT_DIED', message: 'it ran out of memory', retryable: true },
          counters: null,
        })
      }
      return slot
    },
  }
  const run = await world.createRun([{ name: 'step', kind: 'function', after: [], publish: 'none' }])
  world.work(() => Promise.reject(new Error('no script is played')), {
    executors: [dying],
    facts: { ...FACTS, isolation: 'inline', publishes: [] },
  })
  expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
  const attempts = await world.store.listAttempts(run.runId, { kind: 'partition' })
  expect(attempts.filter(({ outcome }) => outcome === 'retried').map(({ reason }) => reason)).toEqual(['SLOT_DIED'])
  const tasks = await world.store.listTasks(run.runId, { kind: 'partition' })
  expect(tasks.filter(({ attemptsUsed }) => attemptsUsed !== 1).map(({ attemptsUsed }) => attemptsUsed)).toEqual([2])
})
