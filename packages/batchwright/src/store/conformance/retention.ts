import { expect, it } from 'vitest'
import type { ClaimedTask } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { FAILURE, newRun, step, type World } from './world.ts'

const DAY = 86_400_000

/** A run that has succeeded, published as `number` of its dataset. */
async function published(world: World, runId: string): Promise<void> {
  await world.store.createRun(newRun(runId, [step('a')]))
  for (let tasks = await world.claim(); tasks.length > 0; tasks = await world.claim()) {
    for (const task of tasks) {
      if (task.kind === 'publish') await intend(world, task)
      await world.succeed(task)
    }
  }
}

async function intend(world: World, task: ClaimedTask): Promise<void> {
  await world.store.intendPublication(task, [{ dataset: 'invoices', window: null, step: 'a' }])
}

async function pruneAll(world: World, olderThanMs: number, rows?: number): Promise<number> {
  let runs = 0
  for (;;) {
    const pruned = await world.store.prune(olderThanMs, rows)
    runs += pruned.runs
    if (!pruned.more) return runs
  }
}

export function retentionRules(open: OpenWorld): void {
  it('rows of runs that ended long ago go; the run, its steps and its publications stay', async () => {
    const world = await open()
    await world.worker('worker-1')
    await published(world, 'run-1')
    await published(world, 'run-2')
    world.clock.advance(DAY)
    expect(await pruneAll(world, DAY + 1)).toBe(0)
    expect(await pruneAll(world, DAY)).toBe(1)
    expect(await world.store.listTasks('run-1')).toEqual([])
    expect(await world.store.listAttempts('run-1')).toEqual([])
    expect((await world.store.stepOutput('run-1', 'a')).tasks).toEqual([])
    expect((await world.store.listEvents({ after: 0, runId: 'run-1' })).map(({ type }) => type)).toEqual([
      'retention.pruned',
    ])
    expect(await world.store.getRun('run-1')).toMatchObject({ state: 'succeeded', pruned: true })
    expect((await world.store.listSteps('run-1'))[0]).toMatchObject({ state: 'succeeded', tasksDone: 2 })
    expect((await world.store.listPublications({ dataset: 'invoices' })).map(({ runId }) => runId)).toEqual([
      'run-1',
      'run-2',
    ])
  })

  it('the run whose version readers see is left whole', async () => {
    const world = await open()
    await world.worker('worker-1')
    await published(world, 'run-1')
    await published(world, 'run-2')
    world.clock.advance(DAY)
    await pruneAll(world, 0)
    expect(await world.store.getRun('run-2')).toMatchObject({ pruned: false })
    expect((await world.store.stepOutput('run-2', 'a')).tasks).toHaveLength(2)
  })

  it('what has not ended is left alone, however old it is', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 3)
    const before = await world.store.listTasks('run-1')
    world.clock.advance(1000 * DAY)
    expect(await pruneAll(world, 0)).toBe(0)
    expect(await world.store.listTasks('run-1')).toEqual(before)
  })

  it('a run that an unfinished run replays is left whole until that one has ended', async () => {
    const world = await open()
    await world.worker('worker-1')
    await published(world, 'run-1')
    await published(world, 'run-2')
    await world.store.createRun(
      newRun('run-3', [step('a')], {
        revision: 'next',
        replay: { ofRunId: 'run-1', step: 'a', file: '/letters', deadLetters: ['x'], partitions: [0], adopted: [] },
      }),
    )
    world.clock.advance(DAY)
    await pruneAll(world, 0)
    expect(await world.store.getRun('run-1')).toMatchObject({ pruned: false })
    await world.workAll()
    world.clock.advance(DAY)
    await pruneAll(world, 0)
    expect(await world.store.getRun('run-1')).toMatchObject({ pruned: true })
  })

  it('a failed run that was pruned cannot be taken up again, and says so', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.fail(await world.claimOne())
    world.clock.advance(DAY)
    expect(await pruneAll(world, DAY)).toBe(1)
    await expect(world.store.reopenRun('run-1', { by: 'test' })).rejects.toMatchObject({ code: 'RUN_PRUNED' })
  })

  it('goes in small transactions, and from the first on the run cannot be taken up', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 20)
    const [task] = await world.claim(1)
    if (task === undefined) throw new Error('expected a partition')
    await world.store.finish([{ ...task, end: { kind: 'failed', error: FAILURE } }])
    world.clock.advance(DAY)
    const first = await world.store.prune(DAY, 7)
    expect(first).toEqual({ runs: 0, rows: 7, more: true })
    await expect(world.store.reopenRun('run-1', { by: 'test' })).rejects.toMatchObject({ code: 'RUN_PRUNED' })
    expect(await pruneAll(world, DAY, 7)).toBe(1)
    expect(await world.store.listTasks('run-1')).toEqual([])
    expect(await world.store.prune(DAY)).toEqual({ runs: 0, rows: 0, more: false })
  })

  it('a pruned run cannot be replayed', async () => {
    const world = await open()
    await world.worker('worker-1')
    await published(world, 'run-1')
    await published(world, 'run-2')
    world.clock.advance(DAY)
    await pruneAll(world, 0)
    const replay = { ofRunId: 'run-1', step: 'a', file: '/letters', deadLetters: ['x'], partitions: [0], adopted: [] }
    await expect(
      world.store.createRun(newRun('run-3', [step('a')], { revision: 'next', replay })),
    ).rejects.toMatchObject({ code: 'RUN_NOT_REPLAYABLE' })
  })

  it('workers that are gone go after as long, those that live stay', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.worker('worker-2')
    await world.store.retireWorker('worker-1')
    world.clock.advance(DAY)
    await world.store.renew('worker-2', [])
    await pruneAll(world, DAY / 2)
    expect((await world.store.listWorkers()).map(({ workerId }) => workerId)).toEqual(['worker-2'])
  })
}
