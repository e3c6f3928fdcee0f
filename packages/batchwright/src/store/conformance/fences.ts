import { expect, it } from 'vitest'
import type { CheckpointOutcome, Store, TaskLease } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { checkpoint, FAILURE, output, partitions, plan, step, type World } from './world.ts'

/** Every verb that changes a task under a lease, and what it answers when the lease does not hold. */
const LEASED_VERBS: Readonly<
  Record<string, (store: Store, lease: TaskLease) => Promise<CheckpointOutcome | undefined>>
> = {
  start: async (store, lease) => (await store.start([lease]))[0],
  checkpoint: async (store, lease) => (await store.checkpoint([{ ...lease, checkpoint: checkpoint(1) }]))[0],
  giveBack: async (store, lease) => (await store.giveBack([lease]))[0],
  addPartitions: (store, lease) => store.addPartitions(lease, partitions(1)),
  'finish succeeded': async (store, lease) =>
    (await store.finish([{ ...lease, end: { kind: 'succeeded', output: output() } }]))[0],
  'finish planned': async (store, lease) =>
    (await store.finish([{ ...lease, end: { kind: 'planned', plan: plan(0) } }]))[0],
  'finish retry': async (store, lease) =>
    (await store.finish([{ ...lease, end: { kind: 'retry', error: FAILURE, delayMs: 1 } }]))[0],
  'finish failed': async (store, lease) =>
    (await store.finish([{ ...lease, end: { kind: 'failed', error: FAILURE } }]))[0],
  intendPublication: async (store, lease) =>
    (await store.intendPublication(lease, [{ dataset: 'd', window: null, step: 'a' }])) === null ? 'fenced' : 'done',
}

/** The ways in which a lease ends; each leaves its task in another state, or under another owner. */
const ENDINGS: Readonly<Record<string, (world: World, lease: TaskLease) => Promise<unknown>>> = {
  'it was given back': (world, lease) => world.store.giveBack([lease]),
  'its worker was reaped': (world) => world.crash(),
  'its worker retired': (world) => world.store.retireWorker('worker-1'),
  'another worker has it': async (world) => {
    await world.crash()
    await world.worker('worker-2')
    await world.claim(100, 'worker-2')
  },
  'it succeeded': (world, lease) => world.store.finish([{ ...lease, end: { kind: 'succeeded', output: output() } }]),
  'it failed': (world, lease) => world.store.finish([{ ...lease, end: { kind: 'failed', error: FAILURE } }]),
  'the run was cancelled': (world) => world.store.cancelRun('run-1', { by: 'test', why: 'a test' }),
  'a sibling failed': async (world, lease) => {
    const sibling = (await world.claim()).find(({ taskId }) => taskId !== lease.taskId)
    if (sibling !== undefined) await world.fail(sibling)
  },
  'the run was taken up again': async (world) => {
    await world.store.cancelRun('run-1', { by: 'test', why: 'a test' })
    await world.store.reopenRun('run-1', { by: 'test' })
  },
  'its step was started again': async (world) => {
    await world.store.cancelRun('run-1', { by: 'test', why: 'a test' })
    await world.store.reopenRun('run-1', { by: 'test', from: 'a' })
  },
}

async function everything(store: Store): Promise<unknown> {
  return [
    await store.getRun('run-1'),
    await store.listSteps('run-1'),
    await store.listTasks('run-1'),
    await store.listEvents({ after: 0 }),
    await store.listPublications({}),
  ]
}

export function fenceRules(open: OpenWorld): void {
  for (const [why, endLease] of Object.entries(ENDINGS)) {
    it(`no verb changes a task once ${why}`, async () => {
      const world = await open()
      await world.start([step('a')])
      const lease = await world.workUntil('partition')
      await endLease(world, lease)
      const before = await everything(world.store)
      for (const [verb, attempt] of Object.entries(LEASED_VERBS)) {
        expect(await attempt(world.store, lease), verb).toBe('fenced')
      }
      expect(await everything(world.store)).toEqual(before)
    })
  }

  it('a fence that nobody was given proves nothing', async () => {
    const world = await open()
    await world.start([step('a')])
    const lease = await world.workUntil('partition')
    await world.store.giveBack([lease])
    const before = await everything(world.store)
    for (let fence = 0; fence <= lease.fence + 3; fence += 1) {
      for (const [verb, attempt] of Object.entries(LEASED_VERBS)) {
        expect(await attempt(world.store, { taskId: lease.taskId, fence }), `${verb} at ${fence}`).toBe('fenced')
      }
    }
    expect(await LEASED_VERBS['start']?.(world.store, { taskId: 999_999, fence: 1 })).toBe('fenced')
    expect(await everything(world.store)).toEqual(before)
  })

  it('in one set the items whose lease holds are done and the others are fenced', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.workUntil('plan'), 3)
    const [first, second, third] = await world.claim()
    if (first === undefined || second === undefined || third === undefined) throw new Error('expected three tasks')
    await world.store.giveBack([second])
    const end = { kind: 'succeeded' as const, output: output() }
    expect(await world.store.finish([first, second, third].map((task) => ({ ...task, end })))).toEqual([
      'done',
      'fenced',
      'done',
    ])
    expect((await world.store.listSteps('run-1'))[0]?.tasksDone).toBe(2)
  })

  it('a task named twice in one set is ended once', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.workUntil('plan'), 2)
    const task = await world.claimOne()
    const end = { kind: 'succeeded' as const, output: output(5) }
    expect(
      await world.store.finish([
        { ...task, end },
        { ...task, end },
      ]),
    ).toEqual(['done', 'fenced'])
    expect((await world.store.listSteps('run-1'))[0]).toMatchObject({ tasksDone: 1, counters: { read: 5 } })
  })

  it('two finishers of one task count once', async () => {
    const world = await open()
    const other = await world.again()
    await world.start([step('a')])
    await world.succeed(await world.workUntil('plan'), 2)
    const task = await world.claimOne()
    const item = { ...task, end: { kind: 'succeeded' as const, output: output(5) } }
    const outcomes = (await Promise.all([world.store.finish([item]), other.finish([item])])).flat()
    expect([...outcomes].sort()).toEqual(['done', 'fenced'])
    expect((await world.store.listSteps('run-1'))[0]).toMatchObject({ tasksDone: 1, counters: { read: 5 } })
  })

  it('the end of another kind of task is refused and changes nothing', async () => {
    const world = await open()
    await world.start([step('a')])
    const planTask = await world.claimOne()
    await expect(world.end(planTask, { kind: 'succeeded', output: output() })).rejects.toMatchObject({
      code: 'TASK_END_MISMATCH',
    })
    await world.succeed(planTask, 1)
    const partition = await world.claimOne()
    await expect(world.end(partition, { kind: 'planned', plan: plan(0) })).rejects.toMatchObject({
      code: 'TASK_END_MISMATCH',
    })
    await world.succeed(partition)
    expect(await world.stepState('a')).toBe('verifying')
  })

  it('only a plan task adds partitions, and only a publish task intends a publication', async () => {
    const world = await open()
    await world.start([step('a')])
    const partition = await world.workUntil('partition')
    expect(await LEASED_VERBS['addPartitions']?.(world.store, partition)).toBe('fenced')
    expect(await LEASED_VERBS['intendPublication']?.(world.store, partition)).toBe('fenced')
  })

  it('fences grow when a step is planned again', async () => {
    const world = await open()
    await world.start([step('a')])
    const before = await world.workUntil('partition')
    await world.fail(before)
    await world.store.reopenRun('run-1', { by: 'test', from: 'a' })
    const after = await world.workUntil('partition')
    expect(after.partition?.index).toBe(before.partition?.index)
    expect(after.fence).toBeGreaterThan(before.fence)
  })
}
