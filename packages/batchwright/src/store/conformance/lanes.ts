import { expect, it } from 'vitest'
import type { NewRun } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { newRun, output, partitions, plan, step, type World } from './world.ts'

/** A run with one step, planned: these many partitions are ready. `pool`: the step's. */
export async function planned(
  world: World,
  runId: string,
  count: number,
  parts: Partial<NewRun> & { readonly pool?: string } = {},
): Promise<void> {
  const { pool, ...of } = parts
  const one = pool === undefined ? step('a') : { ...step('a'), pool }
  await world.store.createRun(newRun(runId, [one], of))
  const planner = `planner of ${runId}`
  await world.worker(planner)
  const [task] = await world.store.claim({ workerId: planner, claimId: planner, limit: 1, runs: [runId] })
  if (task === undefined) throw new Error('expected the plan task')
  await world.store.addPartitions(task, partitions(count))
  expect(await world.end(task, { kind: 'planned', plan: plan(count) })).toBe('done')
}

/** Runs of the tasks of one claim, in the order in which they are to be worked on. */
export async function claimRuns(world: World, limit: number, workerId = 'worker-1'): Promise<readonly string[]> {
  return (await world.claim(limit, workerId)).map(({ run }) => run.runId)
}

export function laneRules(open: OpenWorld): void {
  it('of one tenant, the run with the higher priority goes first, whatever its age; of the same priority the older', async () => {
    const world = await open()
    await world.worker('worker-1')
    await planned(world, 'old', 2)
    await planned(world, 'low', 1, { priority: -1 })
    await planned(world, 'urgent', 2, { priority: 5 })
    await planned(world, 'young', 1)
    expect(await claimRuns(world, 3)).toEqual(['urgent', 'urgent', 'old'])
    expect(await claimRuns(world, 10)).toEqual(['old', 'young', 'low'])
  })

  it('a run says its tenant and its priority; 0 and none where it named none', async () => {
    const world = await open()
    await world.store.createRun(newRun('a', [step('a')], { tenant: 'acme', priority: 3 }))
    await world.store.createRun(newRun('b', [step('a')]))
    expect(await world.store.getRun('a')).toMatchObject({ tenant: 'acme', priority: 3 })
    expect(await world.store.getRun('b')).toMatchObject({ tenant: '', priority: 0 })
  })

  it("what is paused, cancelled or failed stands in nobody's way, and goes on where it is taken up again", async () => {
    const world = await open()
    await world.worker('worker-1')
    for (const runId of ['paused', 'cancelled', 'failed']) await planned(world, runId, 3)
    await world.store.pauseRun('paused', true, 'test')
    await world.store.cancelRun('cancelled', { by: 'test', why: 'test' })
    const [task] = await world.store.claim({ workerId: 'worker-1', claimId: 'fails', limit: 1, runs: ['failed'] })
    if (task === undefined) throw new Error('expected a task')
    await world.fail(task)
    await planned(world, 'next', 1)
    expect(await claimRuns(world, 10)).toEqual(['next'])
    await world.store.pauseRun('paused', false, 'test')
    await world.store.reopenRun('cancelled', { by: 'test' })
    await world.store.reopenRun('failed', { by: 'test' })
    expect(await claimRuns(world, 20)).toEqual([
      ...Array<string>(3).fill('paused'),
      ...Array<string>(3).fill('cancelled'),
      ...Array<string>(3).fill('failed'),
    ])
  })

  it('a task that comes back is found again: given back, retried at once, retried later, left by a dead worker', async () => {
    const world = await open()
    await planned(world, 'run-1', 4)
    await world.worker('worker-1')
    const [back, retried, later, lost] = await world.claim(10)
    if (back === undefined || retried === undefined || later === undefined || lost === undefined)
      throw new Error('expected four tasks')
    expect(await world.claim(10)).toEqual([])
    const error = { code: 'USER_ERROR', message: 'again', retryable: true }
    await world.store.giveBack([back])
    expect((await world.claim(10)).map(({ taskId }) => taskId)).toEqual([back.taskId])
    await world.end(retried, { kind: 'retry', error, delayMs: 0 })
    expect((await world.claim(10)).map(({ taskId }) => taskId)).toEqual([retried.taskId])
    await world.end(later, { kind: 'retry', error, delayMs: 500 })
    expect(await world.claim(10)).toEqual([])
    world.clock.advance(501)
    expect((await world.claim(10)).map(({ taskId }) => taskId)).toEqual([later.taskId])
    await world.crash()
    // Each may be the one that its worker died of, and is had alone.
    for (const workerId of ['worker-2', 'worker-3', 'worker-4', 'worker-5']) {
      await world.worker(workerId)
      expect(await world.claim(10, workerId)).toHaveLength(1)
    }
  })

  it('many runs that each have one task are claimed to the last, by many workers at once', async () => {
    const world = (await open()).unwatched()
    const runs = Array.from({ length: 60 }, (_, index) => `run-${String(index).padStart(2, '0')}`)
    for (const runId of runs) await world.store.createRun(newRun(runId, [step('a')]))
    const workers = ['w1', 'w2', 'w3']
    for (const workerId of workers) await world.worker(workerId)
    const claimed: string[] = []
    for (let round = 0; claimed.length < runs.length && round < 40; round += 1) {
      const claims = await Promise.all(workers.map((workerId) => world.claim(7, workerId)))
      claimed.push(...claims.flat().map(({ run }) => run.runId))
    }
    expect(claimed.toSorted()).toEqual(runs)
    expect(await world.claim(7, 'w1')).toEqual([])
  })

  it('a step whose last task succeeded leaves nothing behind that a claim would look at again', async () => {
    const world = await open()
    await world.worker('worker-1')
    await planned(world, 'run-1', 2, { pool: 'db' })
    await world.store.setPool('db', { slots: 1 }, 'test')
    const [first] = await world.claim(5)
    if (first === undefined) throw new Error('expected a task')
    expect((await world.store.listPools())[0]).toMatchObject({ inUse: 1, waiting: 1 })
    await world.end(first, { kind: 'succeeded', output: output() })
    const [second] = await world.claim(5)
    if (second === undefined) throw new Error('expected another task')
    await world.end(second, { kind: 'succeeded', output: output() })
    await world.workAll()
    expect(await world.runState()).toBe('succeeded')
    expect((await world.store.listPools())[0]).toMatchObject({ inUse: 0, waiting: 0 })
  })
}
