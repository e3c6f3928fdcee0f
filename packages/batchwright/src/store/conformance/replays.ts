import { expect, it } from 'vitest'
import type { DeadLetterReplay } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { counters, newRun, output, step, type World } from './world.ts'

const STEPS = [step('a', [], 'none'), step('b', ['a']), step('c', ['b']), step('d', ['a']), step('e', ['c', 'd'])]

const REPLAY: DeadLetterReplay = {
  ofRunId: 'run-1',
  step: 'b',
  file: '/mended.jsonl',
  deadLetters: ['letter'],
  partitions: [1],
  adopted: ['a', 'd'],
}

/** Works through run-1, whose partitions each count as many records as ten times their index and one. */
async function finished(world: World): Promise<void> {
  await world.start(STEPS)
  for (let tasks = await world.claim(); tasks.length > 0; tasks = await world.claim()) {
    for (const task of tasks) {
      if (task.kind !== 'partition') await world.succeed(task, 3)
      else await world.end(task, { kind: 'succeeded', output: output((task.partition?.index ?? 0) * 10 + 1, '0.10') })
    }
  }
  expect(await world.runState()).toBe('succeeded')
}

function replaying(parts: Partial<DeadLetterReplay> = {}, runId = 'run-2') {
  return newRun(runId, STEPS, { identity: 'identity of run-1', revision: 'next', replay: { ...REPLAY, ...parts } })
}

export function replayRules(open: OpenWorld): void {
  it('a replay takes whole steps over with their outputs, totals and inputs, and publishes nothing of them', async () => {
    const world = await open()
    const { store } = world
    await finished(world)
    const { run, created } = await store.createRun(replaying())
    expect([created, run.revision, run.replay]).toEqual([true, 2, REPLAY])
    for (const name of ['a', 'd']) {
      expect(await store.stepOutput('run-2', name)).toEqual(await store.stepOutput('run-1', name))
      const [before, after] = await Promise.all(
        ['run-1', 'run-2'].map(async (id) => (await store.listSteps(id)).find((row) => row.name === name)),
      )
      const { state, tasks, tasksDone, plan, controls } = after ?? {}
      expect(after?.counters).toEqual(before?.counters)
      expect({ state, tasks, tasksDone, plan, controls }).toEqual({
        state: 'succeeded',
        tasks: before?.tasks,
        tasksDone: before?.tasksDone,
        plan: before?.plan,
        controls: before?.controls,
      })
    }
    await world.workAll()
    expect(await world.runState('run-2')).toBe('succeeded')
    const events = await store.listEvents({ after: 0, runId: 'run-2', limit: 10_000 })
    const worked = events.filter(({ type }) => type === 'tasks.leased').map((event) => event.step)
    expect(new Set(worked)).toEqual(new Set(['b', 'c', 'e']))
  })

  it('the partitions of the letters run again with the plan they had, the others are taken over and counted once', async () => {
    const world = await open()
    const { store } = world
    await finished(world)
    await store.createRun(replaying())
    const [ready, ...more] = await world.claim()
    expect(more).toEqual([])
    expect(ready).toMatchObject({ kind: 'partition', step: 'b', checkpoint: null, replay: REPLAY })
    const [planned] = await store.listTasks('run-1', { step: 'b', kind: 'partition', afterTaskId: 0, limit: 1 })
    expect(ready?.partition).toMatchObject({ index: 1, payload: { from: 1 } })
    expect(planned?.partition?.index).toBe(0)
    const half = (await store.listSteps('run-2')).find(({ name }) => name === 'b')
    expect(half).toMatchObject({ state: 'running', tasks: 3, tasksDone: 2, controls: { amount: '0.2' } })
    expect(half?.counters.read).toBe(1 + 21)
    if (ready === undefined) return
    await world.end(ready, { kind: 'succeeded', output: output(12, '5.00') })
    const whole = (await store.listSteps('run-2')).find(({ name }) => name === 'b')
    expect(whole).toMatchObject({ state: 'verifying', tasksDone: 3, controls: { amount: '5.2' } })
    expect(whole?.counters).toEqual(counters(1 + 21 + 12))
    const outputs = await store.stepOutput('run-2', 'b')
    expect(outputs.tasks.map(({ index, output: { counters: own } }) => [index, own.read])).toEqual([
      [0, 1],
      [1, 12],
      [2, 21],
    ])
  })

  it('steps that run again are planned on the input that they had', async () => {
    const world = await open()
    await finished(world)
    await world.store.createRun(replaying({ partitions: null }))
    expect(await world.stepState('b', 'run-2')).toBe('planning')
    const task = await world.claimOne()
    expect(task).toMatchObject({ kind: 'plan', step: 'b', expectedSnapshot: { digest: 'digest-1' } })
    await world.succeed(task)
    const next = await world.workUntil('plan', 'c')
    expect(next.expectedSnapshot).toMatchObject({ digest: 'digest-1' })
  })

  it('a replay that fails or is cancelled goes on, and what was taken over stays', async () => {
    const world = await open()
    await finished(world)
    await world.store.createRun(replaying())
    await world.fail(await world.claimOne())
    await world.store.reopenRun('run-2', { by: 'test' })
    expect(await world.stepState('b', 'run-2')).toBe('running')
    await world.store.cancelRun('run-2', { by: 'test', why: 'a test' })
    expect(await world.stepState('a', 'run-2')).toBe('succeeded')
    await world.store.reopenRun('run-2', { by: 'test' })
    await world.workAll()
    expect(await world.runState('run-2')).toBe('succeeded')
    const row = (await world.store.listSteps('run-2')).find(({ name }) => name === 'b')
    expect(row?.counters.read).toBe(1 + 21 + 1)
  })

  it('a replay of a replay takes over what that one made', async () => {
    const world = await open()
    await finished(world)
    await world.store.createRun(replaying())
    await world.workAll()
    await world.store.createRun(replaying({ ofRunId: 'run-2', partitions: [2] }, 'run-3'))
    const half = (await world.store.listSteps('run-3')).find(({ name }) => name === 'b')
    expect(half?.counters.read).toBe(1 + 1)
    await world.workAll()
    expect(await world.runState('run-3')).toBe('succeeded')
  })

  it('a replay asked again after an unknown outcome is the same run, with nothing taken over twice', async () => {
    const world = await open()
    await finished(world)
    await world.store.createRun(replaying())
    const tasks = await world.store.listTasks('run-2')
    expect((await world.store.createRun(replaying())).created).toBe(false)
    expect(await world.store.listTasks('run-2')).toEqual(tasks)
  })

  it('a replay of a run that has not succeeded, is not there or has other steps is refused', async () => {
    const world = await open()
    const { store } = world
    await expect(store.createRun(replaying())).rejects.toMatchObject({ code: 'RUN_NOT_REPLAYABLE' })
    await world.start(STEPS)
    await expect(store.createRun(replaying())).rejects.toMatchObject({ code: 'RUN_NOT_REPLAYABLE' })
    await world.workAll()
    const others = newRun('run-2', STEPS.slice(0, 2), { revision: 'next', replay: { ...REPLAY, adopted: ['a'] } })
    await expect(store.createRun(others)).rejects.toMatchObject({ code: 'RUN_NOT_REPLAYABLE' })
    expect(await store.getRun('run-2')).toBeNull()
  })

  it('a replay that would take a step over without what it comes after, or a partition that is not there, is refused', async () => {
    const world = await open()
    const { store } = world
    await finished(world)
    const wrong: readonly Partial<DeadLetterReplay>[] = [
      { adopted: [] },
      { adopted: ['a', 'd', 'e'] },
      { adopted: ['a', 'b'] },
      { adopted: ['a', 'x'] },
      { step: 'x', partitions: null },
      { partitions: [3] },
      { partitions: [] },
      { partitions: [1, 7] },
    ]
    for (const parts of wrong) {
      await expect(store.createRun(replaying(parts)), JSON.stringify(parts)).rejects.toMatchObject({
        code: 'REPLAY_INVALID',
      })
    }
    expect(await store.getRun('run-2')).toBeNull()
  })
}
