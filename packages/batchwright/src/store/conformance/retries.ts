import { expect, it } from 'vitest'
import type { OpenWorld } from './index.ts'
import { checkpoint, FAILURE, step, type World } from './world.ts'

async function retried(world: World, delayMs: number): Promise<void> {
  await world.start([step('a')])
  await world.succeed(await world.claimOne(), 1)
  const task = await world.claimOne()
  await world.store.start([task])
  await world.store.checkpoint([{ ...task, checkpoint: checkpoint(1) }])
  expect(await world.end(task, { kind: 'retry', error: FAILURE, delayMs })).toBe('done')
}

export function retryRules(open: OpenWorld): void {
  it("a retried task cannot be claimed before its time by the store's clock, and keeps its checkpoint", async () => {
    const world = await open()
    await retried(world, 500)
    expect(await world.store.nextDue()).toBe(500)
    world.clock.advance(499)
    expect([await world.claim(), await world.store.nextDue()]).toEqual([[], 1])
    world.clock.advance(1)
    expect(await world.store.nextDue()).toBe(0)
    expect(await world.claimOne()).toMatchObject({ attemptsUsed: 1, crashCount: 0, checkpoint: checkpoint(1) })
    expect(await world.store.nextDue()).toBeNull()
  })

  it('a retry without delay can be claimed at once', async () => {
    const world = await open()
    await retried(world, 0)
    expect(await world.store.nextDue()).toBeNull()
    expect((await world.claimOne()).attemptsUsed).toBe(1)
  })

  it('retries are counted on the step, and the last error is kept on the task', async () => {
    const world = await open()
    await retried(world, 0)
    expect((await world.store.listSteps('run-1'))[0]?.retries).toBe(1)
    const [row] = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(row).toMatchObject({ state: 'ready', error: FAILURE, attemptsUsed: 1, notBefore: null })
  })

  it('starting the same attempt again counts once', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.claimOne()
    expect(await world.store.start([task])).toEqual(['done'])
    expect(await world.store.start([task])).toEqual(['done'])
    expect((await world.store.listTasks('run-1'))[0]?.attemptsUsed).toBe(1)
  })

  it('a task given back has used no attempt, started or not', async () => {
    const world = await open()
    await world.start([step('a')])
    for (const started of [true, false]) {
      const task = await world.claimOne()
      if (started) await world.store.start([task])
      expect(await world.store.giveBack([task])).toEqual(['done'])
      expect((await world.store.listTasks('run-1'))[0]).toMatchObject({
        state: 'ready',
        attemptsUsed: 0,
        workerId: null,
      })
    }
  })

  it('nothing is due in runs that are paused, ended or not asked for', async () => {
    const world = await open()
    await retried(world, 500)
    expect(await world.store.nextDue(['run-1'])).toBe(500)
    expect(await world.store.nextDue(['another'])).toBeNull()
    await world.store.pauseRun('run-1', true, 'test')
    expect(await world.store.nextDue()).toBeNull()
    await world.store.pauseRun('run-1', false, 'test')
    await world.store.cancelRun('run-1', { by: 'test', why: 'a test' })
    expect(await world.store.nextDue()).toBeNull()
  })

  it('a checkpoint that is not newer than the stored one changes nothing', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.workUntil('partition')
    for (const sequence of [2, 1, 2]) {
      const item = { ...task, checkpoint: checkpoint(sequence, sequence * 10 + (sequence === 1 ? 7 : 0)) }
      expect(await world.store.checkpoint([item])).toEqual(['done'])
    }
    expect((await world.store.listTasks('run-1', { kind: 'partition' }))[0]?.checkpoint).toEqual(checkpoint(2, 20))
  })
}
