import { expect, it } from 'vitest'
import type { Store } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { claimRuns, planned } from './lanes.ts'
import { output } from './world.ts'

export function poolRules(open: OpenWorld): void {
  it('a pool gives out as many leases as it has places, and another when one ends', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.worker('worker-2')
    await world.store.setPool('db', { slots: 3 }, 'test')
    await planned(world, 'run-1', 10, { pool: 'db' })
    await planned(world, 'free', 2)
    expect(await claimRuns(world, 10)).toEqual(['run-1', 'run-1', 'run-1', 'free', 'free'])
    expect(await claimRuns(world, 10, 'worker-2')).toEqual([])
    const [task] = await world.store.claimed('worker-1', 'claim-1')
    if (task === undefined) throw new Error('expected a task')
    await world.end(task, { kind: 'succeeded', output: output() })
    expect(await claimRuns(world, 10, 'worker-2')).toEqual(['run-1'])
  })

  it('places are those of all runs, tenants and priorities together', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.store.setPool('db', { slots: 4 }, 'test')
    await planned(world, 'one', 10, { pool: 'db' })
    await planned(world, 'two', 10, { pool: 'db', tenant: 'acme', priority: 2 })
    await planned(world, 'three', 10, { pool: 'db', tenant: 'other' })
    expect(await world.claim(100)).toHaveLength(4)
    expect(await world.claim(100)).toEqual([])
    expect(await world.store.listPools()).toMatchObject([{ name: 'db', slots: 4, open: true, inUse: 4, waiting: 3 }])
  })

  it('a closed pool gives out nothing and stops nobody else; what it gave out goes on', async () => {
    const world = await open()
    await world.worker('worker-1')
    await planned(world, 'run-1', 3, { pool: 'db' })
    const held = await world.claimOne()
    await world.store.setPool('db', { open: false }, 'test')
    await planned(world, 'free', 2)
    expect(await claimRuns(world, 10)).toEqual(['free', 'free'])
    expect(await world.end(held, { kind: 'succeeded', output: output() })).toBe('done')
    await world.store.setPool('db', { open: true }, 'test')
    expect(await claimRuns(world, 10)).toEqual(['run-1', 'run-1'])
  })

  it('a limit that is lowered ends no lease, and gives out nothing until enough have ended', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.store.setPool('db', { slots: 5 }, 'test')
    await planned(world, 'run-1', 10, { pool: 'db' })
    const tasks = await world.claim(10)
    await world.store.setPool('db', { slots: 2 }, 'test')
    for (const task of tasks.slice(0, 3)) await world.end(task, { kind: 'succeeded', output: output() })
    expect(await world.claim(10)).toEqual([])
    expect(await world.store.listPools()).toMatchObject([{ slots: 2, inUse: 2 }])
    await world.store.setPool('db', { slots: null }, 'test')
    expect(await world.claim(10)).toHaveLength(5)
  })

  it('a place comes back however its lease ends: given back, worker dead, run cancelled', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.store.setPool('db', { slots: 2 }, 'test')
    await planned(world, 'run-1', 10, { pool: 'db' })
    await world.store.giveBack(await world.claim(10))
    expect(await world.store.listPools()).toMatchObject([{ inUse: 0 }])
    expect(await world.claim(10)).toHaveLength(2)
    await world.crash()
    expect(await world.store.listPools()).toMatchObject([{ inUse: 0 }])
    // Each may be the one that its worker died of, and is had alone.
    for (const workerId of ['worker-2', 'worker-3']) {
      await world.worker(workerId)
      expect(await world.claim(10, workerId)).toHaveLength(1)
    }
    await world.store.cancelRun('run-1', { by: 'test', why: 'test' })
    expect(await world.store.listPools()).toMatchObject([{ inUse: 0, waiting: 0 }])
  })

  it('many workers claiming at once never hold more than the pool has places', async () => {
    const world = (await open()).unwatched()
    await world.store.setPool('db', { slots: 5 }, 'test')
    await planned(world, 'run-1', 120, { pool: 'db' })
    const stores = [await world.again(), await world.again()]
    const workers = Array.from({ length: 8 }, (_, index) => `w${index}`)
    for (const workerId of workers) await world.worker(workerId)
    let done = 0
    const work = async (store: Store, workerId: string): Promise<void> => {
      for (let round = 0; done < 120 && round < 400; round += 1) {
        const tasks = await store.claim({ workerId, claimId: `${workerId} ${round}`, limit: 1 + (round % 3) })
        expect((await store.listPools())[0]?.inUse).toBeLessThanOrEqual(5)
        const own = tasks.filter(({ kind }) => kind === 'partition')
        const end = { kind: 'succeeded' as const, output: output() }
        await store.finish(own.map(({ taskId, fence }) => ({ taskId, fence, end })))
        done += own.length
      }
    }
    await Promise.all(
      workers.flatMap((workerId, index) =>
        stores.slice(index % 2, (index % 2) + 1).map((store) => work(store, workerId)),
      ),
    )
    expect(done).toBe(120)
  })

  it('a tenant with a quota holds no more than it, over all its runs and pools', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.store.setTenant('acme', { slots: 3 }, 'test')
    await planned(world, 'one', 10, { tenant: 'acme' })
    await planned(world, 'two', 10, { tenant: 'acme', pool: 'db' })
    await planned(world, 'free', 2)
    expect(await world.claim(100)).toHaveLength(5)
    expect(await world.claim(100)).toEqual([])
    const acme = (await world.store.listTenants()).find(({ name }) => name === 'acme')
    expect(acme).toMatchObject({ slots: 3, inUse: 3, waiting: 2 })
  })

  it('a run says which of its steps wait for a place, in what, and how much of it is in use', async () => {
    const world = await open()
    await world.worker('worker-1')
    await world.store.setPool('db', { slots: 2 }, 'test')
    await planned(world, 'run-1', 5, { pool: 'db' })
    expect(await world.store.waitingSteps('run-1')).toEqual([])
    await world.claim(10)
    expect(await world.store.waitingSteps('run-1')).toEqual([
      { step: 'a', cause: { kind: 'pool-full', pool: 'db', slots: 2, inUse: 2 } },
    ])
    await world.store.setPool('db', { open: false }, 'test')
    expect(await world.store.waitingSteps('run-1')).toMatchObject([{ cause: { kind: 'pool-closed', pool: 'db' } }])
    await planned(world, 'run-2', 5, { tenant: 'acme' })
    await world.store.setTenant('acme', { slots: 1 }, 'test')
    await world.claim(10)
    expect(await world.store.waitingSteps('run-2')).toMatchObject([
      { cause: { kind: 'tenant-full', slots: 1, inUse: 1 } },
    ])
  })

  it('what the configuration says counts when it says something new, and leaves alone what was set by hand', async () => {
    const world = await open()
    const configured = (slots: number): Promise<unknown> =>
      world.store.setPool('db', { slots, configured: true }, 'configuration')
    await configured(4)
    await world.store.setPool('db', { slots: 9 }, 'somebody')
    await configured(4)
    expect(await world.store.listPools()).toMatchObject([{ slots: 9 }])
    await configured(5)
    expect(await world.store.listPools()).toMatchObject([{ slots: 5 }])
  })

  it('limits that are none are refused', async () => {
    const world = await open()
    for (const slots of [0, -1, 1.5, Number.NaN]) {
      await expect(world.store.setPool('db', { slots }, 'test')).rejects.toMatchObject({ code: 'POOL_INVALID' })
      await expect(world.store.setTenant('t', { weight: slots }, 'test')).rejects.toMatchObject({
        code: 'TENANT_INVALID',
      })
    }
    await expect(world.store.setPool('no name', {}, 'test')).rejects.toMatchObject({ code: 'POOL_INVALID' })
    await expect(world.store.setTenant('', { slots: 3 }, 'test')).rejects.toMatchObject({ code: 'TENANT_INVALID' })
    expect(await world.store.listPools()).toEqual([])
  })
}
