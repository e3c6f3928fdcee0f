import { expect, it } from 'vitest'
import type { ServiceRules } from '../../protocol/index.ts'
import type { Consultation, ServiceAnswer } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { FAILURE, LEASE_MS, newWorker, partitions, plan, step, type World } from './world.ts'

const RULES: ServiceRules = {
  service: 'mail',
  rate: { count: 10, perMs: 1_000, burst: 1 },
  concurrency: 8,
  breaker: { failures: 0.5, calls: 10, windowMs: 10_000, openMs: 1_000, longestMs: 60_000 },
  probe: { everyMs: 5_000, latencyMs: 100, lagMs: null, load: null },
}

const ASK: Consultation = {
  rules: RULES,
  calls: { answered: 0, failed: 0 },
  trial: null,
  wantsTrial: false,
  pauseMs: null,
  slots: 0,
  leadMs: 0,
  horizonMs: 10_000,
  using: 0,
  wanted: 0,
  reading: undefined,
}

async function ask(world: World, workerId: string, parts: Partial<Consultation>): Promise<ServiceAnswer> {
  const { answers } = await world.store.consult(workerId, [{ ...ASK, ...parts }])
  const [answer] = answers
  if (answer === undefined) throw new Error('expected an answer, found none')
  return answer
}

async function twoWorkers(open: OpenWorld): Promise<World> {
  const world = await open()
  await world.worker('left')
  await world.worker('right')
  return world
}

/** Lets the breaker of the service open. */
async function breakIt(world: World): Promise<void> {
  expect((await ask(world, 'left', { calls: { answered: 5, failed: 15 } })).breaker.state).toBe('open')
}

export function serviceRules(open: OpenWorld): void {
  it('slots of a rate are given out once, spaced, to whichever worker asks', async () => {
    const world = await twoWorkers(open)
    const answers = [
      await ask(world, 'left', { slots: 3 }),
      await ask(world, 'right', { slots: 3 }),
      await ask(world, 'left', { slots: 3 }),
    ]
    const slots = answers.flatMap((answer) => answer.slots)
    expect(slots[0]).toBe(world.clock.now())
    const gaps = slots.slice(1).map((slot, place) => slot - (slots[place] ?? 0))
    expect(new Set(gaps.map((gap) => Math.round(gap)))).toEqual(new Set([105]))
    expect(answers[0]?.validMs).toBe(50)
  })

  it('slots beyond the horizon are kept back: the answer says when to come again', async () => {
    const world = await twoWorkers(open)
    const answer = await ask(world, 'left', { slots: 20, horizonMs: 200 })
    expect(answer.slots).toHaveLength(2)
    expect(answer.nextMs).toBeGreaterThan(0)
    world.clock.advance(Math.ceil(answer.nextMs))
    expect((await ask(world, 'left', { slots: 1, horizonMs: 200 })).slots).toHaveLength(1)
  })

  it('a dead worker is granted nothing', async () => {
    const world = await twoWorkers(open)
    await world.crash()
    expect(await ask(world, 'left', { slots: 3, wanted: 3 })).toMatchObject({ slots: [], held: 0, probe: false })
  })

  it('calls at once are shared, and come back when a worker dies or wants less', async () => {
    const world = await twoWorkers(open)
    expect((await ask(world, 'left', { wanted: 20 })).held).toBe(8)
    expect(await ask(world, 'right', { wanted: 20 })).toMatchObject({ held: 0 })
    expect(await ask(world, 'left', { wanted: 20, using: 6 })).toMatchObject({ held: 6, pressed: true })
    expect((await ask(world, 'right', { wanted: 20 })).held).toBe(2)
    expect((await ask(world, 'left', { wanted: 0 })).held).toBe(0)
    expect((await ask(world, 'right', { wanted: 20, using: 2 })).held).toBe(8)
    world.clock.advance(LEASE_MS)
    await world.store.renew('left', [])
    world.clock.advance(1)
    await world.store.reap([], { crashes: 99 })
    expect((await ask(world, 'left', { wanted: 20 })).held).toBe(8)
  })

  it('a breaker opens for the whole fleet, lets one worker try, and closes when that succeeds', async () => {
    const world = await twoWorkers(open)
    await breakIt(world)
    expect(await ask(world, 'right', { slots: 1, wantsTrial: true })).toMatchObject({
      slots: [],
      breaker: { state: 'open', forMs: 1_000, why: '15 of 20 calls failed', trial: false },
    })
    world.clock.advance(1_000)
    expect((await ask(world, 'right', { wantsTrial: true })).breaker).toMatchObject({ state: 'half-open', trial: true })
    expect((await ask(world, 'left', { wantsTrial: true })).breaker).toMatchObject({ state: 'half-open', trial: false })
    expect((await ask(world, 'right', { trial: 'answered' })).breaker.state).toBe('closed')
    const types = (await world.store.listEvents({ after: 0 })).map(({ type }) => type)
    expect(types.filter((type) => type.startsWith('service.'))).toEqual(['service.opened', 'service.closed'])
  })

  it('a failed trial opens it for longer', async () => {
    const world = await twoWorkers(open)
    await breakIt(world)
    world.clock.advance(1_000)
    await ask(world, 'right', { wantsTrial: true })
    expect((await ask(world, 'right', { trial: 'failed' })).breaker).toMatchObject({ state: 'open', forMs: 2_000 })
  })

  it('while a service asks to be left alone nothing of it is granted to anybody', async () => {
    const world = await twoWorkers(open)
    await ask(world, 'left', { pauseMs: 700 })
    expect(await ask(world, 'right', { slots: 1 })).toMatchObject({ slots: [], pausedMs: 700 })
    world.clock.advance(700)
    expect((await ask(world, 'right', { slots: 1 })).slots).toHaveLength(1)
  })

  it('one worker probes in each period; what it finds lowers and raises calls at once for all', async () => {
    const world = await twoWorkers(open)
    expect((await ask(world, 'left', { wanted: 20 })).probe).toBe(true)
    expect((await ask(world, 'right', { wanted: 0 })).probe).toBe(false)
    const slow = { latencyMs: 500, lagMs: null, load: null }
    expect((await ask(world, 'left', { wanted: 20, reading: slow })).held).toBe(4)
    expect((await world.store.listServices())[0]).toMatchObject({
      service: 'mail',
      allowed: 4,
      complaint: 'latency 500 ms, expected at most 100 ms',
    })
    world.clock.advance(5_000)
    expect((await ask(world, 'right', { wanted: 1 })).probe).toBe(true)
    await ask(world, 'right', { wanted: 0, reading: { ...slow, latencyMs: 5 } })
    expect((await ask(world, 'left', { wanted: 20 })).held).toBe(5)
  })

  it('services are listed with what stands in their way', async () => {
    const world = await twoWorkers(open)
    await ask(world, 'left', { wanted: 3 })
    await breakIt(world)
    const now = world.clock.now()
    expect(await world.store.listServices()).toEqual([
      {
        service: 'mail',
        rules: RULES,
        breaker: 'open',
        breakerUntil: now + 1_000,
        breakerWhy: '15 of 20 calls failed',
        allowed: null,
        complaint: null,
        pausedUntil: null,
        held: 0,
        wanted: 0,
        workers: 1,
        askedAt: now,
      },
    ])
  })

  it('a task that is given back until later has used no attempt, and is due then', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.workUntil('partition')
    await world.store.start([task])
    await world.store.giveBack([{ ...task, why: 'service mail: its breaker is open', delayMs: 700 }])
    expect(await world.store.nextDue()).toBe(700)
    world.clock.advance(700)
    expect((await world.claim()).find(({ taskId }) => taskId === task.taskId)).toMatchObject({ attemptsUsed: 0 })
  })

  it('with everything failing no second has more retries than the budget of the run', async () => {
    const world = await open()
    await world.start([step('a')])
    const planning = await world.claimOne()
    await world.store.addPartitions(planning, partitions(40))
    await world.end(planning, { kind: 'planned', plan: plan(40) })
    const budget = { count: 10, perMs: 1_000, beyond: 'wait' as const }
    const retried: number[] = []
    for (let round = 0; retried.length < 120; round += 1) {
      const tasks = await world.claim()
      for (const { attemptsUsed } of tasks) if (attemptsUsed > 0) retried.push(world.clock.now())
      const end = { kind: 'retry' as const, error: FAILURE, delayMs: 100, budget }
      await world.store.finish(tasks.map((task) => ({ taskId: task.taskId, fence: task.fence, end })))
      world.clock.advance(50)
      await world.store.renew('worker-1', [])
      expect(round).toBeLessThan(1_000)
    }
    for (const from of retried) {
      expect(retried.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(10)
    }
  })

  it('a run whose budget says so fails when its retries are more', async () => {
    const world = await open()
    await world.start([step('a')])
    const planning = await world.claimOne()
    await world.store.addPartitions(planning, partitions(3))
    await world.end(planning, { kind: 'planned', plan: plan(3) })
    const budget = { count: 2, perMs: 60_000, beyond: 'fail' as const }
    const end = { kind: 'retry' as const, error: FAILURE, delayMs: 0, budget }
    const tasks = await world.claim()
    const ends = tasks.map((task) => ({ taskId: task.taskId, fence: task.fence, end }))
    await world.store.finish(ends.slice(0, 1))
    expect(await world.runState()).toBe('running')
    await world.store.finish(ends.slice(1))
    expect((await world.store.getRun('run-1'))?.failure).toMatchObject({
      code: 'RETRY_BUDGET_SPENT',
      cause: { code: FAILURE.code },
    })
  })

  it('a second worker of the same name space of services sees what the first has done', async () => {
    const world = await twoWorkers(open)
    await breakIt(world)
    const other = await world.again()
    await other.registerWorker(newWorker('another'))
    const { answers } = await other.consult('another', [ASK])
    expect(answers[0]?.breaker.state).toBe('open')
  })
}
