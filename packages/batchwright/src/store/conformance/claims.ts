import { expect, it } from 'vitest'
import type { OpenWorld } from './index.ts'
import { newRun, plan, partitions, step, type World } from './world.ts'

/** A run whose step `a` has these many partitions ready. */
async function planned(world: World, count: number, runId = 'run-1'): Promise<void> {
  await world.store.createRun(newRun(runId, [step('a')]))
  await world.worker('worker-1')
  const [task] = await world.store.claim({ workerId: 'worker-1', claimId: `plan ${runId}`, limit: 1, runs: [runId] })
  if (task === undefined) throw new Error('expected the plan task')
  await world.succeed(task, count)
}

export function claimRules(open: OpenWorld): void {
  it('the first claim moves the run from queued to running', async () => {
    const world = await open()
    await world.start([step('a')])
    world.clock.advance(5)
    await world.claimOne()
    expect(await world.store.getRun('run-1')).toMatchObject({ state: 'running', startedAt: world.clock.now() })
  })

  it('a claimed task brings all that its attempt needs', async () => {
    const world = await open()
    await planned(world, 1)
    expect(await world.claimOne()).toMatchObject({
      kind: 'partition',
      run: { runId: 'run-1', job: 'billing', revision: 1, window: null, parameters: { rate: '1.5' }, seed: 7 },
      codeVersion: 'code-1',
      artifactPath: '/artifacts/code-1.mjs',
      step: 'a',
      stepKind: 'records',
      partition: partitions(1)[0],
      checkpoint: null,
      attemptsUsed: 0,
      crashCount: 0,
      replay: null,
      expectedSnapshot: null,
    })
  })

  it('tasks are claimed oldest run first, then by step, then by index', async () => {
    const world = await open()
    await planned(world, 2, 'run-1')
    await planned(world, 3, 'run-2')
    const order = [...(await world.claim(3)), ...(await world.claim(100))].map(
      ({ run, partition }) => `${run.runId} ${partition?.index ?? ''}`,
    )
    expect(order).toEqual(['run-1 0', 'run-1 1', 'run-2 0', 'run-2 1', 'run-2 2'])
  })

  it('a claim for named runs takes from no other', async () => {
    const world = await open()
    await planned(world, 2, 'run-1')
    await planned(world, 2, 'run-2')
    const tasks = await world.store.claim({ workerId: 'worker-1', claimId: 'named', limit: 10, runs: ['run-2'] })
    expect(tasks.map(({ run }) => run.runId)).toEqual(['run-2', 'run-2'])
  })

  it('a claim whose answer was lost is found by its id, and asking again claims nothing more', async () => {
    const world = await open()
    await planned(world, 4)
    const request = { workerId: 'worker-1', claimId: 'lost', limit: 2 }
    const tasks = await world.store.claim(request)
    expect(await world.store.claimed('worker-1', 'lost')).toEqual(tasks)
    expect(await world.store.claim(request)).toEqual(tasks)
    expect(await world.store.claimed('worker-1', 'never asked')).toEqual([])
    expect(await world.store.claimed('worker-2', 'lost')).toEqual([])
  })

  it('tasks that were ended are not found under their claim any more', async () => {
    const world = await open()
    await planned(world, 2)
    const [first, second] = await world.store.claim({ workerId: 'worker-1', claimId: 'one', limit: 2 })
    if (first === undefined || second === undefined) throw new Error('expected two tasks')
    await world.succeed(first)
    expect((await world.store.claimed('worker-1', 'one')).map(({ taskId }) => taskId)).toEqual([second.taskId])
  })

  it('two workers racing never claim the same task', async () => {
    const world = await open()
    await planned(world, 200)
    await world.worker('worker-2')
    const other = await world.again()
    const claims = Array.from({ length: 40 }, (_, number) =>
      number % 2 === 0
        ? world.store.claim({ workerId: 'worker-1', claimId: `first ${number}`, limit: 7 })
        : other.claim({ workerId: 'worker-2', claimId: `second ${number}`, limit: 7 }),
    )
    const ids = (await Promise.all(claims)).flat().map(({ taskId }) => taskId)
    expect(ids).toHaveLength(200)
    expect(new Set(ids).size).toBe(200)
  })

  it('a worker that is dead, retired or unknown claims nothing', async () => {
    const world = await open()
    await planned(world, 3)
    await world.worker('retired')
    await world.store.retireWorker('retired')
    expect(await world.claim(1, 'retired')).toEqual([])
    expect(await world.claim(1, 'unknown')).toEqual([])
    await world.crash()
    expect(await world.claim(1, 'worker-1')).toEqual([])
  })

  it('partitions of a plan that is not sealed cannot be claimed', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.claimOne()
    await world.store.addPartitions(task, partitions(3))
    expect(await world.claim()).toEqual([])
    await world.end(task, { kind: 'planned', plan: plan(3) })
    expect(await world.claim()).toHaveLength(3)
  })

  it('a task that crashed a worker is claimed alone, and in its turn', async () => {
    const world = await open()
    await planned(world, 3)
    const task = await world.claimOne()
    await world.store.start([task])
    await world.crash()
    await world.worker('worker-2')
    const alone = await world.claim(10, 'worker-2')
    expect(alone.map(({ partition, crashCount }) => [partition?.index, crashCount])).toEqual([[0, 1]])
    expect(await world.claim(10, 'worker-2')).toEqual([])
    for (const one of alone) await world.succeed(one)
    expect(await world.claim(10, 'worker-2')).toHaveLength(2)
  })

  it('a worker that holds other tasks does not get one that crashed a worker', async () => {
    const world = await open()
    await planned(world, 3)
    await world.worker('worker-2')
    const suspect = await world.claimOne('worker-1')
    await world.store.start([suspect])
    const neighbour = await world.claimOne('worker-2')
    await world.store.reap(['worker-1'], { crashes: 99 })
    expect(await world.claim(10, 'worker-2')).toEqual([])
    await world.succeed(neighbour)
    expect((await world.claim(10, 'worker-2')).map(({ taskId }) => taskId)).toEqual([suspect.taskId])
  })

  it('nothing of a later run overtakes a task that waits to be claimed alone', async () => {
    const world = await open()
    await planned(world, 1, 'run-1')
    const suspect = await world.claimOne()
    await world.store.start([suspect])
    await world.worker('worker-2')
    await world.store.createRun(newRun('run-2', [step('a'), step('b')]))
    const neighbour = await world.claimOne('worker-2')
    await world.store.reap(['worker-1'], { crashes: 99 })
    expect(await world.claim(10, 'worker-2')).toEqual([])
    await world.store.giveBack([neighbour])
    expect((await world.claim(10, 'worker-2')).map(({ taskId }) => taskId)).toEqual([suspect.taskId])
  })

  it('no more than the limit is claimed', async () => {
    const world = await open()
    await planned(world, 10)
    expect(await world.claim(4)).toHaveLength(4)
    expect(await world.claim(100)).toHaveLength(6)
  })
}
