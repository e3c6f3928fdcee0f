import { expect, it } from 'vitest'
import type { WindowValue } from '../../protocol/index.ts'
import type { OpenWorld } from './index.ts'
import { newRun, step } from './world.ts'

const JANUARY: WindowValue = {
  kind: 'month',
  key: '2011-01',
  start: '2011-01-01T00:00:00Z',
  end: '2011-02-01T00:00:00Z',
  timezone: 'UTC',
}

export function publicationRules(open: OpenWorld): void {
  it('numbers grow by one for each dataset window, from one', async () => {
    const world = await open()
    await world.start([step('a')])
    const targets = [
      { dataset: 'invoices', window: JANUARY, step: 'a' },
      { dataset: 'invoices', window: null, step: 'a' },
      { dataset: 'totals', window: JANUARY, step: 'a' },
    ]
    const intents = await world.store.intendPublication(await world.workUntil('publish'), targets)
    expect(intents).toEqual(targets.map((target) => ({ ...target, number: 1 })))
    await world.workAll()
    expect(await world.store.intendRollback('invoices', '2011-01', 1, 'test')).toBe(2)
    expect(await world.store.intendRollback('invoices', null, 1, 'test')).toBe(2)
  })

  it('asked again, by a later attempt too, the recorded numbers are answered', async () => {
    const world = await open()
    await world.start([step('a')])
    const targets = [{ dataset: 'invoices', window: JANUARY, step: 'a' }]
    const task = await world.workUntil('publish')
    const first = await world.store.intendPublication(task, targets)
    expect(await world.store.intendPublication(task, targets)).toEqual(first)
    await world.crash()
    await world.worker('worker-2')
    const later = await world.claimOne('worker-2')
    expect(await world.store.intendPublication(later, targets)).toEqual(first)
    await world.fail(later)
    await world.store.reopenRun('run-1', { by: 'test' })
    expect(await world.store.intendPublication(await world.claimOne('worker-2'), targets)).toEqual(first)
    expect(await world.store.listPublications({})).toHaveLength(1)
  })

  it('a number found on disk is not given out again', async () => {
    const world = await open()
    await world.start([step('a')])
    const targets = [{ dataset: 'invoices', window: JANUARY, step: 'a', above: 41 }]
    const [intent] = (await world.store.intendPublication(await world.workUntil('publish'), targets)) ?? []
    expect(intent?.number).toBe(42)
    expect(await world.store.intendRollback('invoices', '2011-01', 7, 'test', 99)).toBe(100)
  })

  it('an intent is published when its task succeeds', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.workUntil('publish')
    const intendedAt = world.clock.now()
    await world.store.intendPublication(task, [{ dataset: 'invoices', window: JANUARY, step: 'a' }])
    const row = { dataset: 'invoices', window: JANUARY, number: 1, runId: 'run-1', step: 'a', rollbackTo: null }
    expect(await world.store.listPublications({})).toEqual([
      { ...row, state: 'intended', intendedAt, publishedAt: null },
    ])
    world.clock.advance(100)
    await world.succeed(task)
    expect(await world.store.listPublications({ dataset: 'invoices' })).toEqual([
      { ...row, state: 'published', intendedAt, publishedAt: intendedAt + 100 },
    ])
  })

  it('a run is not cancelled once a publication is intended', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.workUntil('publish')
    await world.store.intendPublication(task, [{ dataset: 'invoices', window: null, step: 'a' }])
    await expect(world.store.cancelRun('run-1', { by: 'test', why: 'a test' })).rejects.toMatchObject({
      code: 'RUN_PUBLISHING',
    })
    await world.succeed(task)
    expect(await world.runState()).toBe('succeeded')
  })

  it('a rollback is a new number, recorded once its manifest is there, as often as it is said', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.workUntil('publish')
    await world.store.intendPublication(task, [{ dataset: 'invoices', window: JANUARY, step: 'a' }])
    await world.succeed(task)
    const number = await world.store.intendRollback('invoices', '2011-01', 1, 'test')
    expect(await world.store.intendRollback('invoices', '2011-01', 1, 'test')).toBe(number)
    await world.store.recordRollback('invoices', '2011-01', number, 1)
    await world.store.recordRollback('invoices', '2011-01', number, 1)
    const rows = await world.store.listPublications({ dataset: 'invoices', windowKey: '2011-01' })
    expect(rows[1]).toMatchObject({
      number: 2,
      rollbackTo: 1,
      state: 'published',
      runId: null,
      step: null,
      window: JANUARY,
    })
    expect(await world.store.intendRollback('invoices', '2011-01', 1, 'test')).toBe(3)
    await expect(world.store.recordRollback('invoices', '2011-01', 77, 1)).rejects.toMatchObject({
      code: 'ROLLBACK_UNKNOWN',
    })
  })

  it('publications are listed by dataset, window and run', async () => {
    const world = await open()
    for (const runId of ['run-1', 'run-2']) {
      await world.store.createRun(newRun(runId, [step('a')]))
      await world.worker('worker-1')
      const task = await world.workUntil('publish')
      await world.store.intendPublication(task, [{ dataset: 'invoices', window: JANUARY, step: 'a' }])
      await world.succeed(task)
    }
    const numbers = async (filter: Parameters<typeof world.store.listPublications>[0]): Promise<readonly number[]> =>
      (await world.store.listPublications(filter)).map(({ number }) => number)
    expect(await numbers({ runId: 'run-2' })).toEqual([2])
    expect(await numbers({ dataset: 'invoices', windowKey: '2011-01' })).toEqual([1, 2])
    expect(await numbers({ windowKey: null })).toEqual([])
    expect(await numbers({ dataset: 'other' })).toEqual([])
  })
}
