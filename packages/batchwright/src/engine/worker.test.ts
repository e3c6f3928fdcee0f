import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BatchwrightError } from '../kernel/errors.ts'
import type { PublishAssignment, StopReason, VerifyAssignment } from '../protocol/index.ts'
import type { Executor, Slot } from '../executors/index.ts'
import { interceptStore } from './fixtures/intercept.ts'
import { failedWith, scriptedExecutor } from './fixtures/scripted-executor.ts'
import { checkpointAt, finished, partition, RETRY, stepsOf, World } from './fixtures/world.ts'

let world: World

beforeEach(async () => {
  world = await World.open()
})

afterEach(async () => {
  await world.close()
})

const partitionsOf = (runId: string) => world.store.listTasks(runId, { kind: 'partition' })
const leased = (runId: string, count: number) =>
  world.until(async () => (await world.store.listTasks(runId, { states: ['leased'] })).length >= count)

/** The executor, with every slot that it opens. */
function watched(executor: Executor, slots: Slot[]): Executor {
  return {
    name: executor.name,
    openSlot: async () => {
      const slot = await executor.openSlot()
      slots.push(slot)
      return slot
    },
  }
}

describe('a run', () => {
  test('is planned, worked, verified and published, step after step', async () => {
    const run = await world.createRun(['rate', 'invoice'])
    const order: string[] = []
    const play = stepsOf(3, () => Promise.resolve(finished(10)))
    world.work((assignment, attempt) => {
      order.push(`${assignment.step} ${assignment.kind}`)
      return play(assignment, attempt)
    })
    const ended = await world.ended(run.runId)
    expect(ended).toMatchObject({ state: 'succeeded', failure: null })
    const times = (kind: string, count: number): string[] => Array.from({ length: count }, () => kind)
    expect(order.slice(0, 10)).toEqual([
      'rate plan',
      ...times('rate partition', 3),
      'rate verify',
      'invoice plan',
      ...times('invoice partition', 3),
      'invoice verify',
    ])
    expect(order.slice(10).map((task) => task.split(' ')[1])).toEqual(['publish'])
    const steps = await world.store.listSteps(run.runId)
    expect(steps.map((step) => [step.state, step.counters.read])).toEqual([
      ['succeeded', 30],
      ['succeeded', 30],
    ])
  })

  test('never has more attempts running than the worker has slots', async () => {
    const run = await world.createRun()
    let running = 0
    let most = 0
    world.work(
      stepsOf(9, async () => {
        running += 1
        most = Math.max(most, running)
        await world.clock.sleep(100)
        running -= 1
        return finished(1)
      }),
      { slots: 3 },
    )
    await world.ended(run.runId)
    expect(most).toBe(3)
  })

  test('tells its end once, to the worker that brought it about', async () => {
    const run = await world.createRun()
    const told: string[] = []
    world.work(
      stepsOf(2, () => Promise.resolve(finished(1))),
      {
        hooks: {
          runEnded: (row) => {
            told.push(`${row.runId} ${row.state}`)
            return Promise.resolve()
          },
        },
      },
    )
    await world.ended(run.runId)
    await world.clock.advance(1_000)
    expect(told).toEqual([`${run.runId} succeeded`])
  })

  test('of which a step publishes alone publishes it as soon as it is verified', async () => {
    const run = await world.createRun([
      { name: 'early', kind: 'records', after: [], publish: 'alone' },
      { name: 'late', kind: 'records', after: ['early'], publish: 'together' },
    ])
    const published: (readonly string[])[] = []
    const play = stepsOf(1, () => Promise.resolve(finished(1)))
    world.work((assignment, attempt) => {
      if (assignment.kind === 'publish') published.push(assignment.intents.map((intent) => intent.dataset))
      return play(assignment, attempt)
    })
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect([...published].sort()).toEqual([['early'], ['late']])
  })
})

describe('an assignment', () => {
  test('to verify carries the outputs of all partitions and their totals', async () => {
    const run = await world.createRun()
    let seen: VerifyAssignment | null = null
    const play = stepsOf(3, (task) => Promise.resolve(finished(task.partition.index + 1)))
    world.work((assignment, attempt) => {
      if (assignment.kind === 'verify') seen = assignment
      return play(assignment, attempt)
    })
    await world.ended(run.runId)
    expect(seen).toMatchObject({
      totals: { counters: { read: 6 } },
      output: { tasks: [{ index: 0 }, { index: 1 }, { index: 2 }] },
    })
  })

  test('to publish carries every dataset that the run publishes together, with its number', async () => {
    const run = await world.createRun(['rate', 'invoice'])
    let seen: PublishAssignment | null = null
    const play = stepsOf(1, () => Promise.resolve(finished(1)))
    world.work((assignment, attempt) => {
      if (assignment.kind === 'publish') seen = assignment
      return play(assignment, attempt)
    })
    await world.ended(run.runId)
    expect(seen).toMatchObject({
      intents: [
        { dataset: 'rate', step: 'rate', number: 1 },
        { dataset: 'invoice', step: 'invoice', number: 1 },
      ],
      outputs: [{ step: 'rate' }, { step: 'invoice' }],
    })
  })

  test('to publish again, after a failure in the middle, carries the same numbers', async () => {
    const run = await world.createRun()
    const numbers: number[] = []
    const play = stepsOf(1, () => Promise.resolve(finished(1)))
    world.work((assignment, attempt) => {
      if (assignment.kind !== 'publish') return play(assignment, attempt)
      numbers.push(...assignment.intents.map((intent) => intent.number))
      return numbers.length === 1
        ? Promise.resolve(failedWith('EBUSY', { retryable: true }))
        : play(assignment, attempt)
    })
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(numbers).toEqual([1, 1])
  })
})

describe('a failing attempt', () => {
  test('is tried again after the delay of the policy, from its last checkpoint', async () => {
    const run = await world.createRun()
    const tries: { readonly at: number; readonly from: unknown; readonly attempt: number }[] = []
    world.work(
      stepsOf(1, async (task, attempt) => {
        tries.push({ at: world.clock.now(), from: task.checkpoint?.position ?? null, attempt: task.ref.attempt })
        if (tries.length === 3) return finished(10)
        await attempt.checkpoint(checkpointAt(tries.length, tries.length * 3))
        return failedWith('ECONNRESET', { retryable: true })
      }),
    )
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(tries.map(({ from, attempt }) => [attempt, from])).toEqual([
      [1, null],
      [2, 3],
      [3, 6],
    ])
    const [first = 0, second = 0, third = 0] = tries.map(({ at }) => at)
    expect(second - first).toBeGreaterThanOrEqual(1_000)
    expect(third - second).toBeGreaterThanOrEqual(2_000)
    expect(third - first).toBeLessThan(4_000)
  })

  test('fails the run when its attempts are used up, and the siblings stop', async () => {
    const run = await world.createRun()
    const stops: string[] = []
    world.work(
      stepsOf(2, async (task, attempt) => {
        if (task.partition.index === 1) return failedWith('ECONNRESET', { retryable: true })
        stops.push(await attempt.whenStopped)
        return { kind: 'givenBack', counters: null }
      }),
    )
    const ended = await world.ended(run.runId)
    expect(ended).toMatchObject({ state: 'failed', failure: { code: 'ECONNRESET', step: 'only', index: 1 } })
    await world.clock.advance(3_000)
    expect(stops).toEqual(['lost'])
    const tasks = await partitionsOf(run.runId)
    expect(tasks.map((task) => task.attemptsUsed)).toEqual([0, 3])
  })

  test('whose code cannot be found fails the run and says so', async () => {
    const run = await world.createRun()
    world.work(
      stepsOf(1, () => Promise.resolve(finished(1))),
      { describe: () => Promise.reject(new BatchwrightError({ code: 'ARTIFACT_MISSING', message: 'no such file' })) },
    )
    expect(await world.ended(run.runId)).toMatchObject({ state: 'failed', failure: { code: 'ARTIFACT_MISSING' } })
  })
})

describe('a time-out', () => {
  test('asks the attempt to stop, ends its slot when it does not, and counts as an attempt', async () => {
    const run = await world.createRun()
    let tries = 0
    world.work(
      stepsOf(1, () => {
        tries += 1
        return tries === 1 ? new Promise(() => undefined) : Promise.resolve(finished(1))
      }),
      { facts: { timeoutMs: 60_000 } },
    )
    const started = world.clock.now()
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(world.clock.now() - started).toBeLessThan(60_000 + 2_000 + 1_000 + 2_000)
    expect(tries).toBe(2)
    const [task] = await partitionsOf(run.runId)
    expect(task).toMatchObject({ attemptsUsed: 2 })
  })

  test('ends the slot even where the attempt stopped at once: what its code left running touches no later attempt', async () => {
    const run = await world.createRun()
    const slots: Slot[] = []
    const alive: boolean[] = []
    let tries = 0
    const script = stepsOf(1, async (_, attempt) => {
      tries += 1
      if (tries > 1) {
        alive.push(...slots.map((slot) => slot.alive))
        return finished(1)
      }
      await attempt.whenStopped
      return failedWith('ATTEMPT_TIMEOUT', { retryable: true })
    })
    world.work(script, {
      slots: 1,
      executors: [watched(scriptedExecutor(script), slots)],
      facts: { timeoutMs: 60_000 },
    })
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(alive).toEqual([false, true])
  })

  test('of the whole run fails it, with no further attempt', async () => {
    const run = await world.createRun()
    let tries = 0
    world.work(
      stepsOf(1, () => {
        tries += 1
        return new Promise(() => undefined)
      }),
      { facts: { runTimeoutMs: 30_000, retry: { ...RETRY, errors: ['*'] } } },
    )
    expect(await world.ended(run.runId)).toMatchObject({ state: 'failed', failure: { code: 'RUN_TIMEOUT' } })
    expect(tries).toBe(1)
  })
})

describe('a slot that has been given back', () => {
  test('is not touched by what becomes of the attempt it served: its next attempt goes on', async () => {
    const first = await world.createRun(['first'])
    const second = await world.createRun(['second'])
    const gate = Promise.withResolvers<undefined>()
    let ending = false
    let stopped: StopReason | null | undefined
    const store = interceptStore(world.store, async (name, call) => {
      const [task] = await world.store.listTasks(first.runId, { kind: 'partition' })
      if (name === 'finish' && task?.checkpoint !== undefined && task.checkpoint !== null) {
        ending = true
        await gate.promise
      }
      return call()
    })
    world.work(
      stepsOf(1, async (task, attempt) => {
        if (task.run.runId === first.runId) {
          await world.clock.sleep(900)
          await attempt.checkpoint(checkpointAt(1, 1))
          return finished(1)
        }
        if (task.ref.attempt === 1) return failedWith('BUSY', { retryable: true })
        await world.clock.sleep(10_000)
        stopped = attempt.stopped
        return finished(1)
      }),
      { store },
    )
    await world.until(() => Promise.resolve(ending))
    await leased(second.runId, 1)
    await world.clock.runUntil(world.store.cancelRun(first.runId, { by: 'test', why: 'enough' }))
    await world.clock.advance(9_000)
    gate.resolve(undefined)
    expect(await world.ended(second.runId)).toMatchObject({ state: 'succeeded' })
    expect(stopped).toBeNull()
    expect(await partitionsOf(second.runId)).toMatchObject([{ attemptsUsed: 2 }])
  })
})

describe('a person', () => {
  test('who cancels a run sees busy slots ended within five seconds', async () => {
    const run = await world.createRun()
    const worker = world.work(stepsOf(2, () => new Promise(() => undefined)))
    await world.until(() => Promise.resolve(worker.busy === 2))
    await world.clock.runUntil(world.store.cancelRun(run.runId, { by: 'test', why: 'enough' }))
    const cancelled = world.clock.now()
    await world.until(() => Promise.resolve(worker.busy === 0))
    expect(world.clock.now() - cancelled).toBeLessThanOrEqual(5_000)
    expect(await world.ended(run.runId)).toMatchObject({ state: 'cancelled' })
  })

  test('who pauses a run gets its tasks back at their next commit, unspent, and unpausing goes on from there', async () => {
    const run = await world.createRun()
    const from: unknown[] = []
    const worker = world.work(
      stepsOf(1, async (task, attempt) => {
        from.push(task.checkpoint?.position ?? null)
        if (from.length === 2) return finished(10)
        await attempt.checkpoint(checkpointAt(1, 4))
        await attempt.whenStopped
        await attempt.checkpoint(checkpointAt(2, 5))
        return { kind: 'givenBack', counters: null }
      }),
    )
    await world.until(() => Promise.resolve(from.length === 1))
    await world.clock.runUntil(world.store.pauseRun(run.runId, true, 'test'))
    await world.until(() => Promise.resolve(worker.busy === 0))
    await world.clock.advance(20_000)
    expect(from).toEqual([null])
    expect(await partitionsOf(run.runId)).toMatchObject([{ state: 'ready', attemptsUsed: 0 }])

    await world.clock.runUntil(world.store.pauseRun(run.runId, false, 'test'))
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(from).toEqual([null, 5])
  })
})

describe('draining', () => {
  test('stops attempts at a commit, gives their tasks back unspent and retires the worker', async () => {
    const run = await world.createRun()
    const worker = world.work(
      stepsOf(2, async (task, attempt) => {
        const reason = await attempt.whenStopped
        expect(reason).toBe('preempted')
        await attempt.checkpoint(checkpointAt(1, task.partition.index))
        return { kind: 'givenBack', counters: null }
      }),
    )
    await world.until(() => Promise.resolve(worker.busy === 2))
    worker.drain()
    await world.until(async () => (await world.store.listWorkers()).every((row) => row.state === 'retired'))
    const tasks = await partitionsOf(run.runId)
    expect(tasks.map((task) => [task.state, task.attemptsUsed])).toEqual([
      ['ready', 0],
      ['ready', 0],
    ])
    expect(tasks.map((task) => task.checkpoint?.sequence)).toEqual([1, 1])
  })

  test('a second time ends the slots at once and still gives their tasks back', async () => {
    const run = await world.createRun()
    const worker = world.work(stepsOf(2, () => new Promise(() => undefined)))
    await world.until(() => Promise.resolve(worker.busy === 2))
    worker.drain()
    await world.clock.advance(1_000)
    expect(worker.busy).toBe(2)
    worker.drain()
    await world.clock.advance(500)
    expect(worker.busy).toBe(0)
    const tasks = await partitionsOf(run.runId)
    expect(tasks.map((task) => [task.state, task.attemptsUsed])).toEqual([
      ['ready', 0],
      ['ready', 0],
    ])
  })
})

test('progress of running attempts can be read and followed, and ends with them', async () => {
  const run = await world.createRun()
  const seen: (number | null)[] = []
  const go = Promise.withResolvers<undefined>()
  const worker = world.work(
    stepsOf(1, async (_, attempt) => {
      attempt.progress({ counters: { ...finishedCounters, read: 5 }, fraction: 0.5 })
      await go.promise
      return finished(10)
    }),
  )
  worker.progress.subscribe((change) => {
    if (change.kind === 'partition') seen.push(change.progress?.fraction ?? null)
  })
  await world.until(() => Promise.resolve(seen.length === 2))
  expect(worker.progress.running()).toMatchObject([
    { runId: run.runId, step: 'only', index: 0, label: partition(0).label, progress: { fraction: 0.5 } },
  ])
  go.resolve(undefined)
  await world.ended(run.runId)
  expect(seen).toEqual([null, 0.5])
  expect(worker.progress.running()).toEqual([])
})

const finishedEnd = finished(0)
const finishedCounters = finishedEnd.kind === 'finished' ? finishedEnd.output.counters : undefined!
