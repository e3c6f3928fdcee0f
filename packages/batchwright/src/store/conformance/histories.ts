import { expect, it } from 'vitest'
import type { AttemptRow } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { checkpoint, FAILURE, LEASE_MS, newRun, output, step, type World } from './world.ts'

/** A run of one step whose plan is sealed: `count` partitions are ready. */
async function planned(world: World, count: number): Promise<void> {
  await world.start([step('a')])
  await world.succeed(await world.claimOne(), count)
}

async function attemptsOf(world: World, index: number): Promise<readonly AttemptRow[]> {
  return world.store.listAttempts('run-1', { step: 'a', kind: 'partition', index })
}

export function historyRules(open: OpenWorld): void {
  it('an attempt is kept with its worker, its slot, its times, and how it ended', async () => {
    const world = await open()
    await planned(world, 1)
    const leasedAt = await world.store.now()
    const task = await world.claimOne()
    world.clock.advance(10)
    await world.store.start([{ ...task, slot: 2 }])
    expect(await attemptsOf(world, 0)).toMatchObject([{ startedAt: leasedAt + 10, endedAt: null, outcome: null }])
    world.clock.advance(90)
    await world.end(task, { kind: 'succeeded', output: output(7) })
    expect(await attemptsOf(world, 0)).toEqual([
      {
        taskId: task.taskId,
        fence: task.fence,
        step: 'a',
        kind: 'partition',
        index: 0,
        label: 'slice 0',
        worker: { workerId: 'worker-1', host: 'host', pid: 1, lastSeenAt: leasedAt },
        slot: 2,
        leasedAt,
        startedAt: leasedAt + 10,
        endedAt: leasedAt + 100,
        workedMs: 90,
        outcome: 'succeeded',
        reason: null,
        delayMs: null,
        from: { sequence: 0, read: 0 },
        checkpoints: 0,
        checkpointedAt: null,
        read: 7,
      },
    ])
  })

  it('an attempt whose start was never written began as long before its end as the end says, and counts', async () => {
    const world = await open()
    await planned(world, 2)
    const [short, long] = [await world.claimOne(), await world.claimOne()]
    world.clock.advance(1_000)
    await world.store.start([{ ...long, slot: 1 }])
    world.clock.advance(200)
    const began = { slot: 2, ranMs: 30 }
    const outcomes = await world.store.finish([
      { ...short, end: { kind: 'succeeded', output: output(1) }, began },
      // One whose start was written: what the end says of it is not needed.
      { ...long, end: { kind: 'succeeded', output: output(1) }, began },
    ])
    expect(outcomes).toEqual(['done', 'done'])
    const now = await world.store.now()
    expect(await attemptsOf(world, 0)).toMatchObject([{ slot: 2, startedAt: now - 30, workedMs: 30 }])
    expect(await attemptsOf(world, 1)).toMatchObject([{ slot: 1, startedAt: now - 200, workedMs: 200 }])
    const rows = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(rows.map(({ attemptsUsed }) => attemptsUsed)).toEqual([1, 1])
  })

  it('an attempt that failed before its start was written counts like one whose start was', async () => {
    const world = await open()
    await planned(world, 1)
    const task = await world.claimOne()
    const end = { kind: 'retry', error: FAILURE, delayMs: 0 } as const
    expect(await world.store.finish([{ ...task, end, began: { slot: null, ranMs: 5 } }])).toEqual(['done'])
    expect(await world.claimOne()).toMatchObject({ attemptsUsed: 1 })
    expect(await attemptsOf(world, 0)).toMatchObject([
      { outcome: 'retried', workedMs: 5, slot: null },
      { outcome: null },
    ])
  })

  it('an attempt after a crash names the checkpoint it goes on from, and the crashed one how far it was safe', async () => {
    const world = await open()
    await planned(world, 1)
    const first = await world.claimOne()
    await world.store.start([first])
    world.clock.advance(50)
    await world.store.checkpoint([{ ...first, checkpoint: checkpoint(3, 30) }])
    await world.store.checkpoint([{ ...first, checkpoint: checkpoint(3, 99) }])
    const safeAt = await world.store.now()
    await world.crash()
    await world.worker('worker-2')
    await world.claimOne('worker-2')
    expect(await attemptsOf(world, 0)).toMatchObject([
      { outcome: 'crashed', reason: 'its lease ran out', checkpoints: 1, checkpointedAt: safeAt, read: 30 },
      { outcome: null, from: { sequence: 3, read: 30 }, read: 30, worker: { workerId: 'worker-2' } },
    ])
  })

  it('an attempt whose worker died was at work until its last sign of life, however much later that is found', async () => {
    const world = await open()
    await planned(world, 1)
    const from = await world.store.now()
    const task = await world.claimOne()
    await world.store.start([task])
    world.clock.advance(50)
    await world.store.checkpoint([{ ...task, checkpoint: checkpoint(3, 30) }])
    world.clock.advance(8 * 3_600_000)
    await world.store.reap([], { crashes: 9 })
    const to = await world.store.now()
    expect(await attemptsOf(world, 0)).toMatchObject([{ outcome: 'crashed', endedAt: to, workedMs: 50 }])
    expect((await world.store.totalAttempts(['run-1']))[1]).toMatchObject({ busyMs: 50, longest: { index: 0, ms: 50 } })
    const activity = await world.store.runActivity('run-1', { from, to, buckets: 2 })
    expect(activity.idle).toEqual([{ from: from + 50, to }])
  })

  it('every way in which a lease ends is the outcome of its attempt, with the reason', async () => {
    const world = await open()
    await planned(world, 1)
    await world.store.giveBack([{ ...(await world.claimOne()), why: 'paused' }])
    await world.end(await world.claimOne(), { kind: 'retry', error: FAILURE, delayMs: 0 })
    await world.claimOne()
    await world.store.renew('worker-1', [])
    await world.store.renew('worker-1', [])
    await world.claimOne()
    await world.store.retireWorker('worker-1')
    await world.worker('worker-2')
    await world.claimOne('worker-2')
    await world.store.reap(['worker-2'], { crashes: 9, onlyKnown: true })
    await world.worker('worker-3')
    await world.fail(await world.claimOne('worker-3'))
    await world.store.reopenRun('run-1', { by: 'test' })
    await world.claimOne('worker-3')
    await world.store.cancelRun('run-1', { by: 'test', why: 'enough' })
    expect((await attemptsOf(world, 0)).map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['returned', 'paused'],
      ['retried', 'USER_ERROR'],
      ['returned', 'absent from two renewals'],
      ['returned', 'worker retired'],
      ['crashed', 'its process is gone'],
      ['failed', 'USER_ERROR'],
      ['cancelled', 'run cancelled'],
    ])
    expect(await world.store.listAttempts('run-1', { step: 'a', kind: 'plan' })).toHaveLength(1)
  })

  it('a sibling of the task that failed the run is returned', async () => {
    const world = await open()
    await planned(world, 2)
    const [first] = await world.claim()
    if (first === undefined) throw new Error('expected a task')
    await world.fail(first)
    expect((await attemptsOf(world, 1)).map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['returned', 'run failed'],
    ])
  })

  it('the attempts of a step that starts again stay, before those of its new tasks', async () => {
    const world = await open()
    await planned(world, 1)
    await world.fail(await world.claimOne())
    await world.store.reopenRun('run-1', { by: 'test', from: 'a' })
    await world.succeed(await world.claimOne(), 1)
    await world.succeed(await world.claimOne())
    const attempts = await attemptsOf(world, 0)
    expect(attempts.map(({ outcome, label }) => [outcome, label])).toEqual([
      ['failed', ''],
      ['succeeded', 'slice 0'],
    ])
    expect(attempts[0]?.taskId).not.toBe(attempts[1]?.taskId)
  })

  it('the longest attempts are listed first, those under way by their time until now', async () => {
    const world = await open()
    await planned(world, 3)
    for (const [position, task] of (await world.claim()).entries()) {
      world.clock.advance(10)
      if (position < 2) await world.end(task, { kind: 'succeeded', output: output() })
    }
    world.clock.advance(100)
    const listed = await world.store.listAttempts('run-1', { kind: 'partition', order: 'longest', limit: 2 })
    expect(listed.map(({ index }) => index)).toEqual([2, 1])
    expect(await world.store.listAttempts('run-1')).toHaveLength(4)
    expect(await world.store.listAttempts('another')).toEqual([])
  })

  it('attempts are summed up by step and kind', async () => {
    const world = await open()
    await planned(world, 2)
    const began = await world.store.now()
    const [first, second] = await world.claim()
    if (first === undefined || second === undefined) throw new Error('expected two tasks')
    world.clock.advance(10)
    await world.end(second, { kind: 'succeeded', output: output(5) })
    world.clock.advance(200)
    await world.end(first, { kind: 'retry', error: FAILURE, delayMs: 0 })
    const again = await world.claimOne()
    world.clock.advance(100)
    expect((await world.store.totalAttempts(['run-1']))[1]).toMatchObject({ attempts: 3, lastEndedAt: null })
    await world.end(again, { kind: 'succeeded', output: output(6) })
    expect(await world.store.totalAttempts(['run-1', 'another'])).toMatchObject([
      { step: 'a', kind: 'plan', attempts: 1, tasks: 1 },
      {
        runId: 'run-1',
        step: 'a',
        kind: 'partition',
        attempts: 3,
        tasks: 2,
        outcomes: { retried: 1, succeeded: 2 },
        firstLeasedAt: began,
        lastLeasedAt: began + 210,
        lastEndedAt: began + 310,
        busyMs: 320,
        succeededMs: 110,
        read: 11,
        longest: { index: 0, ms: 100 },
        last: { index: 0, ms: 100 },
      },
    ])
  })

  it('activity tells how many attempts there were at once, when there were none, and how long the last was alone', async () => {
    const world = await open()
    const from = await world.store.now()
    world.clock.advance(100)
    await planned(world, 2)
    const tasks = await world.claim()
    for (const task of tasks) {
      world.clock.advance(100)
      await world.end(task, { kind: 'succeeded', output: output() })
    }
    world.clock.advance(100)
    const to = await world.store.now()
    const activity = await world.store.runActivity('run-1', { from, to, buckets: 4 })
    expect(activity.lanes.find(({ kind }) => kind === 'partition')).toEqual({
      step: 'a',
      kind: 'partition',
      mean: [0, 2, 1, 0],
      most: 2,
      aloneMs: 100,
    })
    expect(activity.most).toBe(2)
    expect(activity.idle).toEqual([
      { from, to: from + 100 },
      { from: from + 300, to },
    ])
    expect((await world.store.runActivity('another', { from, to, buckets: 2 })).lanes).toEqual([])
  })

  it('what was decided is counted by type, step, code and reason, without the ordinary course of work', async () => {
    const world = await open()
    await planned(world, 2)
    for (let turn = 0; turn < 2; turn += 1) {
      for (const task of await world.claim()) await world.end(task, { kind: 'retry', error: FAILURE, delayMs: 0 })
    }
    world.clock.advance(LEASE_MS)
    await world.store.giveBack((await world.claim()).map((task) => ({ ...task, why: 'paused' })))
    const counted = await world.store.countEvents('run-1')
    expect(counted.map(({ type }) => type)).not.toContain('tasks.leased')
    expect(counted.find(({ type }) => type === 'task.retried')).toMatchObject({
      step: 'a',
      code: 'USER_ERROR',
      count: 4,
      tasks: 4,
      delayMs: 0,
    })
    expect(counted.find(({ type }) => type === 'tasks.released')).toMatchObject({
      reason: 'given back',
      why: 'paused',
      count: 1,
      tasks: 2,
    })
  })

  it('events are listed by type, in order, in pages', async () => {
    const world = await open()
    await planned(world, 1)
    await world.store.createRun(newRun('run-2', [step('b')]))
    await world.workAll()
    const types = ['step.running', 'run.created']
    const mine = await world.store.listEvents({ after: 0, runId: 'run-1', types })
    expect(mine.map(({ type }) => type)).toEqual(['run.created', 'step.running'])
    const first = await world.store.listEvents({ after: 0, runId: 'run-1', types, limit: 1 })
    expect(first).toEqual(mine.slice(0, 1))
    const rest = await world.store.listEvents({ after: first[0]?.sequence ?? 0, runId: 'run-1', types })
    expect(rest).toEqual(mine.slice(1))
    expect(await world.store.listEvents({ after: 0, types: ['run.created'] })).toHaveLength(2)
    const leased = await world.store.listEvents({ after: 0, runId: 'run-1', types: ['tasks.leased'] })
    expect(leased).toHaveLength(4)
  })
}
