import { expect, it } from 'vitest'
import { NO_COUNTERS } from '../../protocol/index.ts'
import type { OpenWorld } from './index.ts'
import { partitions, plan, snapshot, step } from './world.ts'

export function planRules(open: OpenWorld): void {
  it('adding the same partitions again changes nothing', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.claimOne()
    for (let time = 0; time < 3; time += 1) await world.store.addPartitions(task, partitions(4))
    await world.end(task, { kind: 'planned', plan: plan(4) })
    expect((await world.store.listSteps('run-1'))[0]).toMatchObject({ state: 'running', tasks: 4, tasksDone: 0 })
    expect((await world.claim()).map(({ partition }) => partition)).toEqual(partitions(4))
  })

  it('a plan whose partitions are not all there is not sealed', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.claimOne()
    await world.store.addPartitions(task, partitions(2, 1))
    for (const count of [0, 1, 2, 3]) {
      await expect(world.end(task, { kind: 'planned', plan: plan(count) })).rejects.toMatchObject({
        code: 'PLAN_INCOMPLETE',
      })
    }
    await world.store.addPartitions(task, partitions(1))
    expect(await world.end(task, { kind: 'planned', plan: plan(3) })).toBe('done')
  })

  it('what an earlier attempt planned and did not seal is dropped when another attempt plans', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.store.addPartitions(await world.claimOne(), partitions(9))
    await world.crash()
    await world.worker('worker-2')
    const second = await world.claimOne('worker-2')
    await world.store.addPartitions(second, partitions(2))
    await world.end(second, { kind: 'planned', plan: plan(2) })
    expect(await world.claim(100, 'worker-2')).toHaveLength(2)
  })

  it('a plan without partitions goes straight to verifying, whatever an earlier attempt left', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.store.addPartitions(await world.claimOne(), partitions(9))
    await world.crash()
    await world.worker('worker-2')
    await world.end(await world.claimOne('worker-2'), { kind: 'planned', plan: plan(0) })
    expect(await world.stepState('a')).toBe('verifying')
    expect((await world.claim(100, 'worker-2')).map(({ kind }) => kind)).toEqual(['verify'])
    expect((await world.eventTypes()).slice(-3)).toEqual(['step.running', 'step.verifying', 'tasks.leased'])
  })

  it('the plan and its snapshot are kept', async () => {
    const world = await open()
    await world.start([step('a'), step('b')])
    await world.succeed(await world.claimOne())
    expect((await world.store.listSteps('run-1')).map((row) => row.plan)).toEqual([plan(2, snapshot()), null])
    expect(await world.store.listSnapshots('run-1')).toEqual([{ step: 'a', snapshot: snapshot() }])
  })

  it('a plan of ten thousand tasks is made, worked through and counted', async () => {
    const world = await open()
    await world.start([step('a')])
    const task = await world.claimOne()
    for (let from = 0; from < 10_000; from += 1000) await world.store.addPartitions(task, partitions(1000, from))
    await world.end(task, { kind: 'planned', plan: plan(10_000) })
    let done = 0
    for (let tasks = await world.claim(2500); tasks.length > 0; tasks = await world.claim(2500)) {
      const output = {
        counters: NO_COUNTERS,
        controls: { amount: '0.001' },
        outputs: {},
        deadLetters: [],
        result: null,
      }
      await world.store.finish(tasks.map((one) => ({ ...one, end: { kind: 'succeeded', output } })))
      done += tasks.filter(({ kind }) => kind === 'partition').length
    }
    expect(done).toBe(10_000)
    expect((await world.store.listSteps('run-1'))[0]).toMatchObject({
      state: 'succeeded',
      tasks: 10_000,
      tasksDone: 10_000,
      controls: { amount: '10' },
    })
    expect(await world.runState()).toBe('succeeded')
  })
}
