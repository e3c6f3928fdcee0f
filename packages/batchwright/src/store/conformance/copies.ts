import { expect, it } from 'vitest'
import type { ClaimedTask } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { checkpoint, FAILURE, LEASE_MS, output, partitions, plan, snapshot, step, type World } from './world.ts'

const RULE = { after: 0.5, slowerThan: 2, atLeastMs: 0 }
const RATE = { ...step('rate'), speculation: RULE }
const WHY = { runningMs: 9_000, expectedMs: 3_000, leftMs: null }

interface Pair {
  readonly world: World
  readonly original: ClaimedTask
  readonly copy: ClaimedTask
}

/** A run whose first partition worker-1 works on, with one checkpoint; other partitions wait. */
async function running(open: OpenWorld, count = 1): Promise<{ readonly world: World; readonly original: ClaimedTask }> {
  const world = await open()
  await world.start([RATE])
  await world.worker('worker-2')
  const planning = await world.claimOne()
  await world.store.addPartitions(planning, partitions(count))
  await world.end(planning, { kind: 'planned', plan: plan(count, snapshot()) })
  const original = await world.claimOne()
  await world.store.start([original])
  await world.store.checkpoint([{ ...original, checkpoint: checkpoint(3, 30) }])
  return { world, original }
}

/** The same with a copy that worker-2 works on. */
async function copied(open: OpenWorld): Promise<Pair> {
  const { world, original } = await running(open)
  expect(await world.store.askCopy(original, WHY)).toBe('asked')
  const copy = await world.claimOne('worker-2')
  await world.store.start([copy])
  return { world, original, copy }
}

async function succeed(world: World, task: ClaimedTask, path: string): Promise<string> {
  const main = [{ path, format: 'jsonl', bytes: 1, records: 1, sha256: 'x', codeVersion: 'c' } as const]
  return await world.end(task, { kind: 'succeeded', output: { ...output(5), outputs: { main } } })
}

async function mainParts(world: World): Promise<readonly string[]> {
  const { tasks } = await world.store.stepOutput('run-1', 'rate')
  return tasks.flatMap(({ output: { outputs } }) => (outputs['main'] ?? []).map(({ path }) => path))
}

async function told(world: World, type: string): Promise<readonly unknown[]> {
  const events = await world.store.listEvents({ after: 0, runId: 'run-1' })
  return events.filter((event) => event.type === type).map(({ data }) => data)
}

export function copyRules(open: OpenWorld): void {
  it('is a second task of the partition that goes on from its last checkpoint, at a place of its own', async () => {
    const { world, original, copy } = await copied(open)
    expect(copy.taskId).not.toBe(original.taskId)
    expect(copy.checkpoint).toEqual(checkpoint(3, 30))
    expect(copy.partition).toMatchObject({ payload: original.partition?.payload, label: 'slice 0' })
    expect(copy.partition?.index).not.toBe(0)
    expect(await told(world, 'task.copied')).toMatchObject([{ partition: 0, ...WHY }])
  })

  it('is not claimed by the worker of the first, as long as another is alive', async () => {
    const { world, original } = await running(open)
    await world.store.askCopy(original, WHY)
    expect(await world.claim(10, 'worker-1')).toEqual([])
    expect(await world.claim(10, 'worker-2')).toHaveLength(1)
  })

  it('may be claimed by the worker of the first where it is the only one', async () => {
    const { world, original } = await running(open)
    await world.store.retireWorker('worker-2')
    await world.store.askCopy(original, WHY)
    expect(await world.claim(10, 'worker-1')).toHaveLength(1)
  })

  it('is no task of its own: the step counts originals, and checkpoints of winners alone', async () => {
    const { world, copy } = await copied(open)
    await world.store.checkpoint([{ ...copy, checkpoint: checkpoint(4, 90) }])
    const [rate] = await world.store.listSteps('run-1')
    expect(rate).toMatchObject({ tasks: 1, tasksDone: 0, counters: { read: 30 } })
    expect(await world.store.listTasks('run-1', { kind: 'partition' })).toHaveLength(1)
  })

  it('moves its original with its own output when it is first; the late first attempt is fenced', async () => {
    const { world, original, copy } = await copied(open)
    expect(await succeed(world, copy, 'by the copy')).toBe('done')
    expect(await world.stepState('rate')).toBe('verifying')
    const [row] = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(row).toMatchObject({ taskId: original.taskId, index: 0, state: 'succeeded', counters: { read: 5 } })
    expect(await succeed(world, original, 'by the original')).toBe('fenced')
    expect((await world.store.checkpoint([{ ...original, checkpoint: checkpoint(9) }]))[0]).toBe('fenced')
    expect(await mainParts(world)).toEqual(['by the copy'])
    const [rate] = await world.store.listSteps('run-1')
    expect(rate).toMatchObject({ tasks: 1, tasksDone: 1, counters: { read: 5 } })
    expect((await world.store.lookAt([original])).lost).toHaveLength(1)
    const attempts = await world.store.listAttempts('run-1', { kind: 'partition' })
    expect(attempts.map(({ index, worker, outcome }) => [index, worker.workerId, outcome])).toEqual([
      [0, 'worker-1', 'cancelled'],
      [0, 'worker-2', 'succeeded'],
    ])
    expect(await told(world, 'copy.won')).toMatchObject([{ partition: 0 }])
  })

  it('goes when the first attempt finishes; its late finish is fenced and nothing of it is counted', async () => {
    const { world, original, copy } = await copied(open)
    expect(await succeed(world, original, 'by the original')).toBe('done')
    expect((await world.store.lookAt([copy])).lost).toHaveLength(1)
    expect(await succeed(world, copy, 'by the copy')).toBe('fenced')
    expect(await mainParts(world)).toEqual(['by the original'])
    const [rate] = await world.store.listSteps('run-1')
    expect(rate).toMatchObject({ tasks: 1, tasksDone: 1, counters: { read: 5 } })
    expect(await told(world, 'copy.dropped')).toMatchObject([
      { outcome: 'cancelled', reason: 'the original was first' },
    ])
    await world.workAll()
    expect(await world.runState()).toBe('succeeded')
  })

  it('that never was claimed goes with its original too', async () => {
    const { world, original } = await running(open)
    await world.store.askCopy(original, WHY)
    await succeed(world, original, 'by the original')
    const next = await world.claim(10, 'worker-2')
    expect(next.map(({ kind }) => kind)).toEqual(['verify'])
  })

  it('finishes for an original whose worker has died, ready or leased again', async () => {
    for (const again of [false, true]) {
      const { world, original, copy } = await copied(open)
      world.clock.advance(LEASE_MS - 1)
      await world.store.renew('worker-2', [copy])
      world.clock.advance(2)
      expect(await world.store.reap([], { crashes: 9 })).toMatchObject({ workers: ['worker-1'] })
      await world.worker('worker-3')
      const second = again ? await world.claimOne('worker-3') : null
      if (second !== null) expect(second.taskId).toBe(original.taskId)
      expect(await succeed(world, copy, 'by the copy')).toBe('done')
      expect(await world.stepState('rate')).toBe('verifying')
      if (second !== null) expect(await succeed(world, second, 'late')).toBe('fenced')
      expect(await mainParts(world)).toEqual(['by the copy'])
    }
  })

  it('that fails, is given back or loses its worker goes, and its original goes on', async () => {
    const ends: ((world: World, copy: ClaimedTask) => Promise<unknown>)[] = [
      (world, copy) => world.end(copy, { kind: 'failed', error: FAILURE }),
      (world, copy) => world.end(copy, { kind: 'retry', error: FAILURE, delayMs: 5 }),
      (world, copy) => world.store.giveBack([{ ...copy, why: 'preempted' }]),
      (world) => world.store.retireWorker('worker-2'),
      (world) => world.store.reap(['worker-2'], { crashes: 1, onlyKnown: true }),
    ]
    for (const end of ends) {
      const { world, original, copy } = await copied(open)
      await end(world, copy)
      expect((await world.store.lookAt([copy, original])).lost).toHaveLength(1)
      expect(await world.runState()).toBe('running')
      expect(await told(world, 'copy.dropped')).toHaveLength(1)
      const [rate] = await world.store.listSteps('run-1')
      expect(rate).toMatchObject({ tasks: 1, retries: 0 })
      expect(await succeed(world, original, 'by the original')).toBe('done')
      expect(await world.stepState('rate')).toBe('verifying')
    }
  })

  it('ends with its run: failed or cancelled', async () => {
    for (const how of ['failed', 'cancelled'] as const) {
      const { world, original, copy } = await copied(open)
      if (how === 'failed') await world.fail(original)
      else await world.store.cancelRun('run-1', { by: 'test', why: 'enough' })
      expect((await world.store.lookAt([copy])).lost).toHaveLength(1)
      await world.store.reopenRun('run-1', { by: 'test' })
      const tasks = await world.claim(10)
      expect(tasks.map(({ taskId }) => taskId)).toEqual([original.taskId])
      await succeed(world, tasks[0]!, 'in the end')
      await world.workAll()
      expect(await world.runState()).toBe('succeeded')
    }
  })

  it('is never split, nor is a task that has one; an ask that was open is withdrawn', async () => {
    const { world, original } = await running(open)
    expect(await world.store.askSplit(original, 2)).toBe('asked')
    expect(await world.store.askCopy(original, WHY)).toBe('asked')
    expect(await world.store.askCopy(original, WHY)).toBe('refused')
    expect((await world.store.lookAt([original])).splits).toEqual([])
    expect(await world.store.askSplit(original, 2)).toBe('refused')
    const copy = await world.claimOne('worker-2')
    expect(await world.store.askSplit(copy, 2)).toBe('refused')
    expect(await world.store.askCopy(copy, WHY)).toBe('refused')
    const piece = { payload: null, label: 'piece', records: 1, bytes: null }
    const split = { own: piece, rest: [piece] }
    for (const task of [original, copy]) {
      expect(await world.store.checkpoint([{ ...task, checkpoint: checkpoint(9), split }])).toEqual(['whole'])
    }
    expect(await world.store.listTasks('run-1', { kind: 'partition' })).toHaveLength(1)
    expect((await world.store.listTasks('run-1', { kind: 'partition' }))[0]).toMatchObject({ label: 'slice 0' })
  })

  it('may follow another of the same partition, with attempts of its own', async () => {
    const { world, original, copy } = await copied(open)
    await world.store.giveBack([copy])
    expect(await world.store.askCopy(original, WHY)).toBe('asked')
    const second = await world.claimOne('worker-2')
    expect(second.fence).toBeGreaterThan(copy.fence)
    await succeed(world, second, 'by the second')
    expect(await mainParts(world)).toEqual(['by the second'])
    const attempts = await world.store.listAttempts('run-1', { kind: 'partition' })
    expect(attempts.map(({ outcome }) => outcome).toSorted()).toEqual(['cancelled', 'returned', 'succeeded'])
  })

  it('is listed among what runs, as what it is', async () => {
    const { world } = await copied(open)
    world.clock.advance(10)
    const rows = await world.store.listRunning({ minMs: 5 })
    expect(rows.map(({ index, isCopy, hasCopy, workerId }) => ({ index, isCopy, hasCopy, workerId }))).toEqual([
      { index: 0, isCopy: false, hasCopy: true, workerId: 'worker-1' },
      { index: 0, isCopy: true, hasCopy: false, workerId: 'worker-2' },
    ])
    expect(rows[0]?.speculation).toEqual(RULE)
  })

  it('has siblings that say how long such a partition takes', async () => {
    const { world, original } = await running(open, 2)
    const other = await world.claimOne('worker-2')
    await world.store.start([other])
    world.clock.advance(1_500)
    await world.end(other, { kind: 'succeeded', output: output(7) })
    expect(await world.store.siblingTimes('run-1', 'rate')).toEqual([{ ms: 1_500, read: 7 }])
    expect(await world.store.askCopy({ ...original, fence: original.fence + 2 }, WHY)).toBe('refused')
  })
}
