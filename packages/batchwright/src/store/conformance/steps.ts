import { expect, it } from 'vitest'
import type { OpenWorld } from './index.ts'
import { checkpoint, FAILURE, output, plan, step } from './world.ts'

export function stepRules(open: OpenWorld): void {
  it('the last partition opens verifying, and no earlier one does', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 3)
    const tasks = await world.claim()
    const states = []
    for (const task of tasks) {
      await world.succeed(task)
      states.push(await world.stepState('a'))
    }
    expect(states).toEqual(['running', 'running', 'verifying'])
  })

  it('a verified step opens those that read it before anything is published', async () => {
    const world = await open()
    await world.start([step('a'), step('b', ['a']), step('c', ['a', 'b'])])
    await world.succeed(await world.workUntil('verify', 'a'))
    expect((await world.store.listSteps('run-1')).map(({ state }) => state)).toEqual([
      'publishing',
      'planning',
      'waiting',
    ])
  })

  it('a step opens only when every step before it is verified', async () => {
    const world = await open()
    await world.start([step('a'), step('b'), step('c', ['a', 'b'])])
    await world.succeed(await world.workUntil('verify', 'a'))
    expect(await world.stepState('c')).toBe('waiting')
    await world.succeed(await world.workUntil('verify', 'b'))
    expect(await world.stepState('c')).toBe('planning')
  })

  it('a step that publishes nothing succeeds when it is verified', async () => {
    const world = await open()
    await world.start([step('a', [], 'none')])
    await world.succeed(await world.workUntil('verify'))
    expect([await world.stepState('a'), await world.runState()]).toEqual(['succeeded', 'succeeded'])
    expect((await world.store.listTasks('run-1')).some(({ kind }) => kind === 'publish')).toBe(false)
  })

  it('a step that publishes alone does so at once, in a task of its own', async () => {
    const world = await open()
    await world.start([step('a', [], 'alone'), step('b')])
    await world.succeed(await world.workUntil('publish'))
    expect([await world.stepState('a'), await world.stepState('b')]).toEqual(['succeeded', 'planning'])
    expect(await world.runState()).toBe('running')
  })

  it('outputs that publish together wait for every step of the run, and go out in one task', async () => {
    const world = await open()
    await world.start([step('a'), step('b'), step('c', [], 'none')])
    const task = await world.workUntil('publish')
    expect((await world.store.listSteps('run-1')).map(({ state }) => state)).toEqual([
      'publishing',
      'publishing',
      'succeeded',
    ])
    expect((await world.store.listTasks('run-1')).filter(({ kind }) => kind === 'publish')).toHaveLength(1)
    expect(await world.claim()).toEqual([])
    await world.succeed(task)
    expect((await world.store.listSteps('run-1')).map(({ state }) => state)).toEqual([
      'succeeded',
      'succeeded',
      'succeeded',
    ])
    expect(await world.store.getRun('run-1')).toMatchObject({ state: 'succeeded', endedAt: world.clock.now() })
  })

  it('a group publishes also when the last step verified publishes nothing, or alone', async () => {
    for (const last of ['none', 'alone'] as const) {
      const world = await open()
      await world.start([step('a'), step('b', ['a'], last)])
      await world.workAll()
      expect(await world.runState()).toBe('succeeded')
      const published = (await world.store.listTasks('run-1')).filter(({ kind }) => kind === 'publish')
      expect(published.map((task) => task.step)).toEqual(last === 'none' ? ['a'] : ['a', 'b'])
    }
  })

  it("the verify task's findings are the step's verification", async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.workUntil('verify')
    const result = { checks: [{ name: 'unique(invoice)', violations: 0 }] }
    await world.end(task, { kind: 'succeeded', output: { ...output(), result } })
    expect((await world.store.listSteps('run-1'))[0]?.verification).toEqual(result)
  })

  it('totals are those of succeeded partitions and the last checkpoints of the others, decimals exact', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 3)
    const [first, second, third] = await world.claim()
    if (first === undefined || second === undefined || third === undefined) throw new Error('expected three tasks')
    await world.end(first, { kind: 'succeeded', output: output(10, '0.1') })
    await world.store.checkpoint([
      { ...second, checkpoint: checkpoint(1, 3) },
      { ...third, checkpoint: { ...checkpoint(1, 0), controls: { amount: '0.2', tax: '9007199254740993.01' } } },
    ])
    await world.store.checkpoint([{ ...second, checkpoint: checkpoint(2, 5) }])
    const [row] = await world.store.listSteps('run-1')
    expect(row).toMatchObject({
      counters: { read: 15, written: 15, bytesRead: 150 },
      controls: { amount: '5.4', tax: '9007199254740993.01' },
      tasks: 3,
      tasksDone: 1,
    })
  })

  it('plan, verify and publish tasks add nothing to the totals', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.workAll()
    expect((await world.store.listSteps('run-1'))[0]).toMatchObject({
      counters: { read: 2 },
      controls: { amount: '0.2' },
    })
  })

  it('a failure fails the task, its step and its run, and gives the siblings back unspent', async () => {
    const world = await open()
    await world.start([step('a'), step('b')])
    await world.succeed(await world.claimOne(), 3)
    const tasks = await world.claim()
    await world.store.start(tasks)
    const [failing, ...siblings] = tasks.filter(({ kind }) => kind === 'partition').reverse()
    if (failing === undefined) throw new Error('expected tasks')
    await world.fail(failing)
    expect(await world.store.getRun('run-1')).toMatchObject({
      state: 'failed',
      failure: { ...FAILURE, step: 'a', index: 2 },
    })
    expect([await world.stepState('a'), await world.stepState('b')]).toEqual(['failed', 'planning'])
    expect(await world.store.start(siblings)).toEqual(['fenced', 'fenced'])
    const rows = await world.store.listTasks('run-1', { states: ['ready'] })
    expect(rows.map(({ attemptsUsed }) => attemptsUsed)).toEqual([0, 0, 0])
    expect(await world.claim()).toEqual([])
  })

  it('what finished in the same call as a failure is kept', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 3)
    const [first, second, third] = await world.claim()
    if (first === undefined || second === undefined || third === undefined) throw new Error('expected three tasks')
    const outcomes = await world.store.finish([
      { ...first, end: { kind: 'failed', error: FAILURE } },
      { ...second, end: { kind: 'succeeded', output: output() } },
      { ...third, end: { kind: 'failed', error: { ...FAILURE, code: 'SECOND' } } },
    ])
    expect(outcomes).toEqual(['done', 'done', 'fenced'])
    expect((await world.store.getRun('run-1'))?.failure).toMatchObject({ code: 'USER_ERROR', index: 0 })
    expect((await world.store.listSteps('run-1'))[0]?.tasksDone).toBe(1)
  })

  it('the failure of a plan, verify or publish task has no index', async () => {
    for (const kind of ['plan', 'verify', 'publish'] as const) {
      const world = await open()
      await world.start([step('a')])
      await world.fail(await world.workUntil(kind))
      expect((await world.store.getRun('run-1'))?.failure).toMatchObject({ step: 'a', index: null })
    }
  })

  it('a step without any partition still is verified and published', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.end(await world.claimOne(), { kind: 'planned', plan: plan(0) })
    await world.workAll()
    expect(await world.runState()).toBe('succeeded')
    expect(await world.store.stepOutput('run-1', 'a')).toEqual({ step: 'a', tasks: [] })
  })
}
