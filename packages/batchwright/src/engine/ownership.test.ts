/** Who owns a task when workers die, stall or lose the store. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BatchwrightError } from '../kernel/errors.ts'
import type { PartitionAssignment } from '../protocol/index.ts'
import { Connection } from './fixtures/intercept.ts'
import { CALM, SimulatedNode } from './fixtures/simulation/node.ts'
import { checkpointAt, finished, stepsOf, World } from './fixtures/world.ts'

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

describe('ownership', () => {
  test('two workers on one store share a run, and no partition is finished twice', async () => {
    const run = await world.createRun()
    const done: Record<string, number[]> = { left: [], right: [] }
    for (const name of ['left', 'right']) {
      world.work(
        stepsOf(20, async (task) => {
          await world.clock.sleep(50)
          done[name]?.push(task.partition.index)
          return finished(1)
        }),
      )
    }
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    const all = [...(done['left'] ?? []), ...(done['right'] ?? [])].sort((left, right) => left - right)
    expect(all).toEqual(Array.from({ length: 20 }, (_, index) => index))
    expect(done['left']?.length).toBeGreaterThan(0)
    expect(done['right']?.length).toBeGreaterThan(0)
  })

  test('a worker that slept through an outage does not take those for dead who could not renew in it', async () => {
    const run = await world.createRun()
    const cut = new Connection(world.store)
    const reborn: string[] = []
    const slow = stepsOf(1, async () => {
      await world.clock.sleep(40_000)
      return finished(1)
    })
    world.work(slow, { store: cut.store, hooks: { reborn: (id) => reborn.push(id) } })
    await leased(run.runId, 1)
    const sleeper = new SimulatedNode({
      store: world.store,
      clock: world.clock,
      random: world.random,
      weather: CALM,
      storeIsDown: () => false,
    })
    world.work(slow, { store: sleeper.store, clock: sleeper.clock })
    await world.clock.advance(10_000)
    const [task] = await partitionsOf(run.runId)
    const leaseOf = async (): Promise<number> => {
      const workers = await world.store.listWorkers()
      return (workers.find(({ workerId }) => workerId === task?.workerId)?.expiresAt ?? 0) - world.clock.now()
    }
    // An outage that is shorter than a lease, 1.4 s after the last renewal: the lease runs out, and the next renewal is near.
    await world.until(async () => (await leaseOf()) <= 4_600)
    cut.cut()
    sleeper.stall()
    await world.clock.advance(5_500)
    expect(await leaseOf()).toBeLessThan(0)
    cut.mend()
    sleeper.wake()
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(reborn).toEqual([])
  })

  test('a worker that cannot renew for long is declared dead; another goes on from the checkpoint, and what it says late is refused', async () => {
    const run = await world.createRun()
    const cut = new Connection(world.store)
    const late: string[] = []
    const reborn: string[] = []
    const zombie = Promise.withResolvers<undefined>()
    const first = world.work(
      stepsOf(1, async (_, attempt) => {
        await attempt.checkpoint(checkpointAt(1, 7))
        await zombie.promise
        await attempt.checkpoint(checkpointAt(2, 9)).catch((error: unknown) => {
          late.push(error instanceof BatchwrightError ? error.code : String(error))
        })
        return finished(99)
      }),
      { store: cut.store, hooks: { reborn: (id) => reborn.push(id) } },
    )
    await world.until(async () => (await partitionsOf(run.runId))[0]?.checkpoint?.position === 7)
    cut.cut()
    const from: unknown[] = []
    const cutAt = world.clock.now()
    world.work(
      stepsOf(1, (task) => {
        from.push(task.checkpoint?.position ?? null)
        return Promise.resolve(finished(10))
      }),
    )
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(world.clock.now() - cutAt).toBeLessThan(8_000)
    expect(from).toEqual([7])
    expect(first.busy).toBe(1)

    cut.mend()
    zombie.resolve(undefined)
    await world.until(() => Promise.resolve(first.busy === 0))
    await world.until(() => Promise.resolve(late.length === 1))
    expect(late).toEqual(['FENCED'])
    expect((await partitionsOf(run.runId))[0]?.output?.counters.read).toBe(10)
    await world.until(() => Promise.resolve(reborn.length === 1))
  })

  test('a task that brings its workers down again and again fails at the crash limit', async () => {
    const run = await world.createRun()
    for (let crash = 0; crash < 3; crash += 1) {
      const cut = new Connection(world.store)
      world.work(
        stepsOf(1, () => new Promise(() => undefined)),
        { store: cut.store },
      )
      await leased(run.runId, 1)
      await world.until(async () => {
        const [task] = await partitionsOf(run.runId)
        return task !== undefined && task.attemptsUsed === crash + 1
      })
      cut.cut()
      const reaper = world.work(
        stepsOf(1, () => new Promise(() => undefined)),
        { runs: ['another'] },
      )
      await world.until(async () => (await partitionsOf(run.runId))[0]?.crashCount === crash + 1)
      reaper.drain()
    }
    expect(await world.ended(run.runId)).toMatchObject({ state: 'failed' })
  })

  test('an outage of the store is not the death of all workers', async () => {
    const run = await world.createRun()
    const cut = new Connection(world.store)
    const reborn: string[] = []
    for (let index = 0; index < 2; index += 1) {
      world.work(
        stepsOf(2, async () => {
          await world.clock.sleep(40_000)
          return finished(1)
        }),
        { store: cut.store, slots: 1, hooks: { reborn: (id) => reborn.push(id) } },
      )
    }
    await leased(run.runId, 2)
    cut.cut()
    await world.clock.advance(20_000)
    cut.mend()
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(reborn).toEqual([])
    expect((await partitionsOf(run.runId)).map((task) => task.attemptsUsed)).toEqual([1, 1])
  })

  test('a dead process of the same host is noticed at once, not after its lease', async () => {
    const run = await world.createRun()
    const cut = new Connection(world.store)
    const identity = { host: 'here', bootId: 'boot', pid: process.pid, processStart: 'earlier' }
    world.work(
      stepsOf(1, () => new Promise(() => undefined)),
      { store: cut.store, identity },
    )
    await leased(run.runId, 1)
    await world.until(async () => (await partitionsOf(run.runId)).length === 1)
    cut.cut()
    const killedAt = world.clock.now()
    world.work(
      stepsOf(1, () => Promise.resolve(finished(1))),
      { identity: { ...identity, processStart: 'later' } },
    )
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(world.clock.now() - killedAt).toBeLessThan(1_000)
  })

  test('an outage in the middle of a commit loses nothing: the commit waits', async () => {
    const run = await world.createRun()
    const cut = new Connection(world.store)
    const committed: number[] = []
    const worker = world.work(
      stepsOf(1, async (_, attempt) => {
        cut.cut()
        await attempt.checkpoint(checkpointAt(1, 5))
        committed.push(world.clock.now())
        return finished(10)
      }),
      { store: cut.store },
    )
    await world.until(() => Promise.resolve(worker.busy === 1))
    await world.clock.advance(4_000)
    expect(committed).toEqual([])
    cut.mend()
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(committed).toHaveLength(1)
  })

  test('a claim whose answer was lost is looked up, not made twice', async () => {
    const run = await world.createRun()
    const cut = new Connection(world.store)
    const tries: PartitionAssignment[] = []
    cut.loseAnswers('claim', 2)
    world.work(
      stepsOf(4, (task) => {
        tries.push(task)
        return Promise.resolve(finished(1))
      }),
      { store: cut.store },
    )
    expect(await world.ended(run.runId)).toMatchObject({ state: 'succeeded' })
    expect(tries.map((task) => task.partition.index).sort()).toEqual([0, 1, 2, 3])
    expect(tries.every((task) => task.ref.attempt === 1)).toBe(true)
  })
})
