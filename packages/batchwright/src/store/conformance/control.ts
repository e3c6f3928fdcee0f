import { expect, it } from 'vitest'
import type { OpenWorld } from './index.ts'
import { checkpoint, FAILURE, partitions, plan, snapshot, step, type World } from './world.ts'

const REASON = { by: 'test', why: 'a test' }

/** Brings a fresh run with step `a` into each state a run can be in. */
const RUNS_IN: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  queued: (world) => world.start([step('a')]),
  running: async (world) => {
    await world.start([step('a')])
    await world.workUntil('partition')
  },
  succeeded: async (world) => {
    await world.start([step('a')])
    await world.workAll()
  },
  failed: async (world) => {
    await world.start([step('a')])
    await world.fail(await world.workUntil('partition'))
  },
  cancelled: async (world) => {
    await world.start([step('a')])
    await world.workUntil('partition')
    await world.store.cancelRun('run-1', REASON)
  },
}

export function controlRules(open: OpenWorld): void {
  for (const [state, bring] of Object.entries(RUNS_IN)) {
    const ended = state !== 'queued' && state !== 'running'
    it(`cancelling a ${state} run ${ended ? 'is refused' : 'ends it, its steps and its unfinished tasks'}`, async () => {
      const world = await open()
      await bring(world)
      if (ended) {
        await expect(world.store.cancelRun('run-1', REASON)).rejects.toMatchObject({ code: 'RUN_ENDED' })
        expect(await world.runState()).toBe(state)
      } else {
        const run = await world.store.cancelRun('run-1', REASON)
        expect(run).toMatchObject({ state: 'cancelled', endedAt: world.clock.now() })
        expect(await world.stepState('a')).toBe('cancelled')
        const states = (await world.store.listTasks('run-1')).map((task) => task.state)
        expect(states.every((one) => one === 'cancelled' || one === 'succeeded')).toBe(true)
        expect(await world.claim()).toEqual([])
      }
    })

    it(`pausing a ${state} run ${ended ? 'is refused' : 'closes its lanes until it is resumed'}`, async () => {
      const world = await open()
      await bring(world)
      if (ended) {
        await expect(world.store.pauseRun('run-1', true, 'test')).rejects.toMatchObject({ code: 'RUN_ENDED' })
      } else {
        expect(await world.store.pauseRun('run-1', true, 'test')).toMatchObject({ state, paused: true })
        expect(await world.claim()).toEqual([])
        expect(await world.store.pauseRun('run-1', false, 'test')).toMatchObject({ state, paused: false })
        expect(await world.claim()).not.toEqual([])
      }
    })

    const resumable = state === 'failed' || state === 'cancelled'
    it(`reopening a ${state} run ${resumable ? 'queues it with the work that is left' : 'is refused'}`, async () => {
      const world = await open()
      await bring(world)
      if (resumable) {
        expect(await world.store.reopenRun('run-1', { by: 'test' })).toMatchObject({
          state: 'queued',
          endedAt: null,
          failure: null,
        })
        await world.workAll()
        expect(await world.runState()).toBe('succeeded')
      } else {
        await expect(world.store.reopenRun('run-1', { by: 'test' })).rejects.toMatchObject({
          code: 'RUN_NOT_RESUMABLE',
        })
        expect(await world.runState()).toBe(state)
      }
    })
  }

  it('an unknown run is refused by name', async () => {
    const { store } = await open()
    await expect(store.cancelRun('nobody', REASON)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    await expect(store.pauseRun('nobody', true, 'test')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    await expect(store.reopenRun('nobody', { by: 'test' })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  it('pausing twice is pausing once', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.store.pauseRun('run-1', true, 'test')
    await world.store.pauseRun('run-1', true, 'test')
    expect((await world.eventTypes()).filter((type) => type === 'run.paused')).toHaveLength(1)
  })

  it('a leased task of a paused run may still finish', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.workUntil('partition')
    await world.store.pauseRun('run-1', true, 'test')
    await world.succeed(task)
    expect((await world.store.listSteps('run-1'))[0]?.tasksDone).toBe(1)
  })

  it('reopening keeps what succeeded, and gives what failed fresh attempts from its checkpoint', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 3)
    const [done, failing] = await world.claim(2)
    if (done === undefined || failing === undefined) throw new Error('expected two tasks')
    await world.succeed(done)
    await world.store.start([failing])
    await world.store.checkpoint([{ ...failing, checkpoint: checkpoint(4) }])
    await world.fail(failing)
    await world.store.reopenRun('run-1', { by: 'test' })
    const tasks = await world.claim()
    expect(tasks.map(({ partition, attemptsUsed }) => [partition?.index, attemptsUsed])).toEqual([
      [1, 0],
      [2, 0],
    ])
    expect(tasks[0]?.checkpoint).toEqual(checkpoint(4))
  })

  it('reopening makes deferred tasks due at once', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 2)
    const [deferred, failing] = await world.claim()
    if (deferred === undefined || failing === undefined) throw new Error('expected two tasks')
    await world.end(deferred, { kind: 'retry', error: FAILURE, delayMs: 1e9 })
    await world.fail(failing)
    await world.store.reopenRun('run-1', { by: 'test' })
    expect(await world.claim()).toHaveLength(2)
  })

  it('reopening may move the run to other code', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.store.cancelRun('run-1', REASON)
    const code = { codeVersion: 'code-2', artifactPath: '/artifacts/code-2.mjs' }
    expect(await world.store.reopenRun('run-1', { by: 'test', code })).toMatchObject(code)
    expect(await world.claimOne()).toMatchObject(code)
  })

  it('reopening from a step plans it and its dependants again on the same snapshot, and keeps the others', async () => {
    const world = await open()
    await world.start([step('a'), step('b', ['a']), step('c', ['b']), step('d')])
    await world.fail(await world.workUntil('partition', 'c'))
    await world.store.reopenRun('run-1', { by: 'test', from: 'b' })
    const rows = await world.store.listSteps('run-1')
    expect(rows.map(({ name, state, tasks }) => [name, state, tasks])).toEqual([
      ['a', 'publishing', 2],
      ['b', 'planning', 0],
      ['c', 'waiting', 0],
      ['d', rows[3]?.state, rows[3]?.tasks],
    ])
    expect(rows[1]).toMatchObject({ plan: null, verification: null, retries: 0, counters: { read: 0 }, controls: {} })
    expect(await world.store.listSnapshots('run-1')).toContainEqual({ step: 'b', snapshot: snapshot() })
    const task = await world.workUntil('plan', 'b')
    expect(task.expectedSnapshot).toEqual(snapshot())
    await world.succeed(task, 1)
    await world.workAll()
    expect(await world.runState()).toBe('succeeded')
  })

  it('a step that is named but unknown is refused, and nothing changes', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.store.cancelRun('run-1', REASON)
    await expect(world.store.reopenRun('run-1', { by: 'test', from: 'x' })).rejects.toMatchObject({
      code: 'STEP_NOT_FOUND',
    })
    await expect(
      world.store.reopenRun('run-1', { by: 'test', partition: { step: 'a', index: 7 } }),
    ).rejects.toMatchObject({ code: 'PARTITION_NOT_FOUND' })
    expect(await world.runState()).toBe('cancelled')
  })

  it('one partition starts again from its beginning, and what read it starts again', async () => {
    const world = await open()
    await world.start([step('a', [], 'none'), step('b', ['a'])])
    await world.fail(await world.workUntil('partition', 'b'))
    await world.store.reopenRun('run-1', { by: 'test', partition: { step: 'a', index: 1 } })
    expect(
      (await world.store.listSteps('run-1')).map(({ state, tasks, tasksDone }) => [state, tasks, tasksDone]),
    ).toEqual([
      ['running', 2, 1],
      ['waiting', 0, 0],
    ])
    expect((await world.store.listSteps('run-1'))[0]).toMatchObject({
      counters: { read: 1 },
      controls: { amount: '0.1' },
    })
    const [task, ...others] = await world.claim()
    expect(others).toEqual([])
    expect(task).toMatchObject({ step: 'a', partition: partitions(2)[1], checkpoint: null })
    if (task !== undefined) await world.succeed(task)
    await world.workAll()
    expect(await world.runState()).toBe('succeeded')
  })

  it('one partition that had failed starts again without its checkpoint', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.workUntil('partition')
    await world.store.checkpoint([{ ...task, checkpoint: checkpoint(1) }])
    await world.fail(task)
    await world.store.reopenRun('run-1', { by: 'test', partition: { step: 'a', index: 0 } })
    expect(await world.claimOne()).toMatchObject({ taskId: task.taskId, checkpoint: null })
  })

  it('a run cancelled in each state of its step is taken up where it stood', async () => {
    for (const kind of ['plan', 'partition', 'verify', 'publish'] as const) {
      const world = await open()
      await world.start([step('a'), step('b', ['a'])])
      await world.workUntil(kind)
      const states = (await world.store.listSteps('run-1')).map(({ state }) => state)
      await world.store.cancelRun('run-1', REASON)
      await world.store.reopenRun('run-1', { by: 'test' })
      expect((await world.store.listSteps('run-1')).map(({ state }) => state)).toEqual(states)
      await world.workAll()
      expect(await world.runState()).toBe('succeeded')
    }
  })

  it('a group that had begun to publish is made anew when one of its steps starts again', async () => {
    const world = await open()
    await world.start([step('a'), step('b')])
    const task = await world.workUntil('publish')
    const targets = [{ dataset: 'd', window: null, step: 'a' }]
    const [first] = (await world.store.intendPublication(task, targets)) ?? []
    await world.fail(task)
    await world.store.reopenRun('run-1', { by: 'test', from: task.step === 'a' ? 'b' : 'a' })
    expect(await world.store.listPublications({})).toEqual([])
    const [second] = (await world.store.intendPublication(await world.workUntil('publish'), targets)) ?? []
    expect(second?.number).toBe((first?.number ?? 0) + 1)
  })

  it('a step whose group is published can start again, and is published again', async () => {
    const world = await open()
    await world.start([step('a'), step('b'), step('z', [], 'alone')])
    await world.fail(await world.workUntil('publish', 'z'))
    expect([await world.stepState('a'), await world.stepState('b')]).toEqual(['succeeded', 'succeeded'])
    await world.store.reopenRun('run-1', { by: 'test', from: 'a' })
    await world.workAll()
    expect(await world.runState()).toBe('succeeded')
  })

  it('a plan made again may find other partitions', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.fail(await world.workUntil('partition'))
    await world.store.reopenRun('run-1', { by: 'test', from: 'a' })
    const task = await world.claimOne()
    await world.store.addPartitions(task, partitions(5))
    await world.end(task, { kind: 'planned', plan: plan(5) })
    expect(await world.claim()).toHaveLength(5)
  })
}
