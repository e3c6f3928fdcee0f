import { expect, it } from 'vitest'
import type { OpenWorld } from './index.ts'
import { checkpoint, LEASE_MS, step, type World } from './world.ts'

async function leased(world: World, count = 2): Promise<Awaited<ReturnType<World['claim']>>> {
  await world.start([step('a')])
  await world.succeed(await world.claimOne(), count)
  return world.claim()
}

export function leaseRules(open: OpenWorld): void {
  it("a renewal extends the worker's one lease by its length, by the store's clock", async () => {
    const world = await open()
    await world.worker('worker-1')
    world.clock.advance(LEASE_MS - 1)
    expect(await world.store.renew('worker-1', [])).toEqual({ state: 'alive', lost: [], pausedRuns: [] })
    expect((await world.store.listWorkers())[0]).toMatchObject({
      state: 'alive',
      expiresAt: world.clock.now() + LEASE_MS,
    })
  })

  it('a lease that has run out is still owned until the worker is reaped', async () => {
    const world = await open()
    const [task] = await leased(world, 1)
    if (task === undefined) throw new Error('expected a task')
    world.clock.advance(LEASE_MS * 3)
    expect(await world.store.checkpoint([{ ...task, checkpoint: checkpoint(1) }])).toEqual(['done'])
    expect((await world.store.renew('worker-1', [task])).state).toBe('alive')
    expect((await world.store.reap([], { crashes: 3 })).workers).toEqual([])
  })

  it('only workers whose lease has run out are reaped, and those known to be dead at once', async () => {
    const world = await open()
    for (const name of ['expired', 'renewed', 'known']) await world.worker(name)
    world.clock.advance(LEASE_MS)
    await world.store.renew('renewed', [])
    await world.store.renew('known', [])
    const reaped = await world.store.reap(['known', 'never heard of'], { crashes: 3 })
    expect([...reaped.workers].sort()).toEqual(['expired', 'known'])
  })

  it('in the grace after an outage only those known to be dead are buried', async () => {
    const world = await open()
    for (const name of ['expired', 'known']) await world.worker(name)
    world.clock.advance(LEASE_MS * 2)
    expect((await world.store.reap(['known'], { crashes: 3, onlyKnown: true })).workers).toEqual(['known'])
  })

  it('a dead worker is told so, loses everything, and never revives', async () => {
    const world = await open()
    const tasks = await leased(world)
    await world.crash()
    const lost = tasks.map(({ taskId }) => taskId)
    expect(await world.store.renew('worker-1', tasks)).toEqual({ state: 'dead', lost, pausedRuns: [] })
    await world.worker('worker-1')
    expect((await world.store.renew('worker-1', [])).state).toBe('dead')
    expect(await world.claim()).toEqual([])
  })

  it('registering again after an unknown outcome changes nothing', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.worker('worker-1')
    expect(await world.store.listWorkers()).toHaveLength(1)
  })

  it('a task absent from two renewals in a row returns to ready, unspent', async () => {
    const world = await open()
    const [kept, absent] = await leased(world)
    if (kept === undefined || absent === undefined) throw new Error('expected two tasks')
    expect(await world.store.renew('worker-1', [kept])).toMatchObject({ lost: [] })
    expect(await world.store.claimed('worker-1', 'claim-2')).toHaveLength(2)
    await world.store.renew('worker-1', [kept])
    expect(await world.store.claimed('worker-1', 'claim-2')).toHaveLength(1)
    expect(await world.store.start([absent])).toEqual(['fenced'])
    expect(await world.claimOne()).toMatchObject({ taskId: absent.taskId, attemptsUsed: 0, crashCount: 0 })
  })

  it('a renewal that names the task begins the count of absences anew', async () => {
    const world = await open()
    const tasks = await leased(world)
    for (const held of [[], tasks, [], tasks, []]) await world.store.renew('worker-1', held)
    expect(await world.store.start(tasks)).toEqual(['done', 'done'])
  })

  it('a renewal names the tasks that are lost', async () => {
    const world = await open()
    const [first, second] = await leased(world)
    if (first === undefined || second === undefined) throw new Error('expected two tasks')
    await world.store.giveBack([first])
    expect((await world.store.renew('worker-1', [first, second])).lost).toEqual([first.taskId])
    await world.store.cancelRun('run-1', { by: 'test', why: 'a test' })
    expect((await world.store.renew('worker-1', [second])).lost).toEqual([second.taskId])
  })

  it('a renewal names the paused runs whose tasks the worker holds', async () => {
    const world = await open()
    const tasks = await leased(world)
    await world.store.pauseRun('run-1', true, 'test')
    expect((await world.store.renew('worker-1', tasks)).pausedRuns).toEqual(['run-1'])
    await world.store.pauseRun('run-1', false, 'test')
    expect((await world.store.renew('worker-1', tasks)).pausedRuns).toEqual([])
  })

  it('a reap raises the crash count of all tasks that were held: a start is written late, so any of them may have begun', async () => {
    const world = await open()
    const [started, prefetched] = await leased(world)
    if (started === undefined || prefetched === undefined) throw new Error('expected two tasks')
    await world.store.start([started])
    world.clock.advance(LEASE_MS)
    expect(await world.store.reap([], { crashes: 3 })).toEqual({ workers: ['worker-1'], released: 2, failed: 0 })
    const rows = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(rows.map(({ state, crashCount, attemptsUsed }) => [state, crashCount, attemptsUsed])).toEqual([
      ['ready', 1, 1],
      ['ready', 1, 0],
    ])
  })

  it('a task at the crash limit fails, with its step and run, and its neighbours go back', async () => {
    const world = await open()
    const [started] = await leased(world)
    if (started === undefined) throw new Error('expected a task')
    await world.store.start([started])
    world.clock.advance(LEASE_MS)
    expect(await world.store.reap([], { crashes: 1 })).toEqual({ workers: ['worker-1'], released: 1, failed: 1 })
    expect(await world.store.getRun('run-1')).toMatchObject({
      state: 'failed',
      failure: { code: 'CRASH_LIMIT', step: 'a', index: 0 },
    })
    const rows = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(rows.map(({ state, crashCount }) => [state, crashCount])).toEqual([
      ['failed', 1],
      ['ready', 1],
    ])
  })

  it('a task that got further before its worker died is not one that cannot be done: its crashes begin anew', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 1)
    for (let sequence = 1; sequence <= 5; sequence += 1) {
      await world.worker(`mortal-${sequence}`)
      const task = await world.claimOne(`mortal-${sequence}`)
      await world.store.start([task])
      expect(await world.store.checkpoint([{ ...task, checkpoint: checkpoint(sequence) }])).toEqual(['done'])
      // The same checkpoint again is no progress, and takes nothing back.
      await world.store.checkpoint([{ ...task, checkpoint: checkpoint(sequence) }])
      expect(await world.store.reap([`mortal-${sequence}`], { crashes: 2 })).toMatchObject({ failed: 0 })
    }
    const [row] = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(row).toMatchObject({ state: 'ready', crashCount: 1 })
    await world.worker('last')
    const task = await world.claimOne('last')
    await world.store.start([task])
    await world.store.checkpoint([{ ...task, checkpoint: checkpoint(5) }])
    expect(await world.store.reap(['last'], { crashes: 2 })).toMatchObject({ failed: 1 })
  })

  it('crashes of one task add up over workers until the limit', async () => {
    const world = await open()
    await leased(world, 1)
    await world.store.retireWorker('worker-1')
    for (const name of ['w1', 'w2', 'w3']) {
      await world.worker(name)
      await world.store.start(await world.claim(1, name))
      await world.store.reap([name], { crashes: 3 })
    }
    expect(await world.runState()).toBe('failed')
  })

  it("a zombie's late writes are refused while the new owner's count", async () => {
    const world = await open()
    const [zombie] = await leased(world, 1)
    if (zombie === undefined) throw new Error('expected a task')
    await world.store.checkpoint([{ ...zombie, checkpoint: checkpoint(1) }])
    await world.crash()
    await world.worker('worker-2')
    const owner = await world.claimOne('worker-2')
    expect(owner).toMatchObject({ taskId: zombie.taskId, checkpoint: checkpoint(1) })
    expect(await world.store.checkpoint([{ ...zombie, checkpoint: checkpoint(2, 99) }])).toEqual(['fenced'])
    expect(await world.store.checkpoint([{ ...owner, checkpoint: checkpoint(2, 7) }])).toEqual(['done'])
    const [row] = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(row?.checkpoint).toEqual(checkpoint(2, 7))
  })

  it('a worker that retires hands its tasks back unspent', async () => {
    const world = await open()
    const tasks = await leased(world)
    await world.store.start(tasks)
    await world.store.retireWorker('worker-1')
    expect((await world.store.listWorkers())[0]?.state).toBe('retired')
    const rows = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(rows.map(({ state, attemptsUsed, crashCount }) => [state, attemptsUsed, crashCount])).toEqual([
      ['ready', 0, 0],
      ['ready', 0, 0],
    ])
  })
}
