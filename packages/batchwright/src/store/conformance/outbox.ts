import { expect, it } from 'vitest'
import type { OpenWorld } from './index.ts'
import { FAILURE, newRun, output, step } from './world.ts'

export function eventRules(open: OpenWorld): void {
  it('an undisturbed run tells its whole story, in order', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 2)
    await world.workAll()
    expect(await world.eventTypes()).toEqual([
      'run.created',
      'step.planning',
      'run.running',
      'tasks.leased',
      'tasks.succeeded',
      'step.running',
      'tasks.leased',
      'tasks.succeeded',
      'tasks.succeeded',
      'step.verifying',
      'tasks.leased',
      'tasks.succeeded',
      'step.publishing',
      'tasks.leased',
      'tasks.succeeded',
      'step.succeeded',
      'run.succeeded',
    ])
  })

  it('the tasks of one step that end in one call are one event', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 50)
    const tasks = await world.claim()
    await world.store.finish(tasks.map((task) => ({ ...task, end: { kind: 'succeeded', output: output() } })))
    const ended = (await world.store.listEvents({ after: 0 })).filter(({ type }) => type === 'tasks.succeeded')
    expect(ended.map(({ step: name, data }) => [name, data['kind'], data['count']])).toEqual([
      ['a', 'plan', 1],
      ['a', 'partition', 50],
    ])
    expect(ended[1]?.data['tasks']).toEqual(tasks.map(({ taskId }) => taskId))
  })

  it('whatever ends a lease is told: given back, retried, failed, absent, retired, dead, cancelled', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.store.giveBack([await world.claimOne()])
    await world.end(await world.claimOne(), { kind: 'retry', error: FAILURE, delayMs: 0 })
    await world.claimOne()
    await world.store.renew('worker-1', [])
    await world.store.renew('worker-1', [])
    await world.claimOne()
    await world.store.retireWorker('worker-1')
    await world.worker('worker-2')
    await world.claimOne('worker-2')
    await world.store.reap(['worker-2'], { crashes: 9 })
    await world.worker('worker-3')
    await world.claimOne('worker-3')
    await world.store.cancelRun('run-1', { by: 'test', why: 'enough' })
    const told = (await world.store.listEvents({ after: 0 }))
      .filter(({ type }) => type !== 'tasks.leased')
      .map(({ type, data }) =>
        type === 'tasks.released' ? `${type}: ${typeof data['reason'] === 'string' ? data['reason'] : ''}` : type,
      )
    expect(told.slice(4)).toEqual([
      'tasks.released: given back',
      'task.retried',
      'tasks.released: absent from two renewals',
      'tasks.released: worker retired',
      'worker.retired',
      'worker.registered',
      'worker.dead',
      'tasks.released: worker dead',
      'worker.registered',
      'step.cancelled',
      'run.cancelled',
    ])
  })

  it('a reader that goes on from the last sequence misses nothing and sees nothing twice', async () => {
    const world = await open()
    await world.start([step('a'), step('b', ['a'])])
    await world.workAll()
    const all = await world.store.listEvents({ after: 0 })
    const paged = []
    for (let after = 0; ;) {
      const page = await world.store.listEvents({ after, limit: 3 })
      const last = page.at(-1)
      if (last === undefined) break
      paged.push(...page)
      after = last.sequence
    }
    expect(paged).toEqual(all)
  })

  it("a run's events are its own", async () => {
    const world = await open()
    await world.store.createRun(newRun('run-1', [step('a')]))
    await world.store.createRun(newRun('run-2', [step('a')]))
    const events = await world.store.listEvents({ after: 0, runId: 'run-2' })
    expect(events.map(({ runId, type }) => `${runId ?? ''} ${type}`)).toEqual([
      'run-2 run.created',
      'run-2 step.planning',
    ])
  })

  it('a verb that is refused leaves no event', async () => {
    const world = await open()
    await world.start([step('a')])
    const before = await world.store.listEvents({ after: 0 })
    await expect(world.store.reopenRun('run-1', { by: 'test' })).rejects.toMatchObject({ code: 'RUN_NOT_RESUMABLE' })
    expect(await world.store.listEvents({ after: 0 })).toEqual(before)
  })

  it('who waits is woken by what happens, here or elsewhere', async () => {
    const world = await open()
    const other = await world.again()
    await world.store.waitForChange(0)
    for (const author of [world.store, other]) {
      const told = { woken: false }
      const wait = world.store.waitForChange(1e9).then(() => {
        told.woken = true
      })
      await author.createRun(newRun(`run by ${author === other ? 'other' : 'self'}`, [step('a')]))
      while (!told.woken) {
        world.clock.advance(1000)
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      await wait
    }
  })

  it('of several who wait, one that looks first does not keep the news from the others', async () => {
    const world = await open()
    const other = await world.again()
    await world.store.waitForChange(0)
    let woken = false
    const wait = world.store.waitForChange(60_000).then(() => {
      woken = true
    })
    await other.createRun(newRun('run-1', [step('a')]))
    await world.store.waitForChange(0)
    world.clock.advance(1000)
    for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
    expect(woken).toBe(true)
    world.clock.advance(60_000)
    await wait
  })

  it('who waits is woken after the time, and by an abort, without an error', async () => {
    const world = await open()
    await world.store.waitForChange(0)
    const timed = world.store.waitForChange(500)
    world.clock.advance(500)
    await timed
    const controller = new AbortController()
    const aborted = world.store.waitForChange(1e9, controller.signal)
    controller.abort()
    await aborted
    await world.store.waitForChange(1e9, controller.signal)
  })

  it('a claim that finds nothing wakes nobody', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.store.waitForChange(0)
    let woken = false
    const wait = world.store.waitForChange(1000).then(() => {
      woken = true
    })
    await world.claim()
    await world.store.renew('worker-1', [])
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(woken).toBe(false)
    world.clock.advance(1000)
    await wait
  })
}
