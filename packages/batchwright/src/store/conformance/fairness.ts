import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { OpenWorld } from './index.ts'
import { claimRuns, planned } from './lanes.ts'
import { output } from './world.ts'

export function fairnessRules(open: OpenWorld): void {
  it('a tenant that comes late to a long queue of another is served at once', async () => {
    const world = (await open()).unwatched()
    await world.worker('worker-1')
    await planned(world, 'huge', 400, { tenant: 'huge' })
    for (let claims = 0; claims < 10; claims += 1) await world.claim(20)
    await planned(world, 'small', 5, { tenant: 'small' })
    const runs = await claimRuns(world, 10)
    expect(runs.filter((run) => run === 'small')).toHaveLength(5)
  })

  it('slots are shared by weight, whatever the size of the claims', async () => {
    const world = (await open()).unwatched()
    await world.worker('worker-1')
    await world.store.setTenant('heavy', { weight: 3 }, 'test')
    await planned(world, 'light', 300, { tenant: 'light' })
    await planned(world, 'heavy', 300, { tenant: 'heavy' })
    for (const limit of [1, 4, 40]) {
      const runs: string[] = []
      while (runs.length < 40) runs.push(...(await claimRuns(world, limit)))
      const heavy = runs.filter((run) => run === 'heavy').length
      expect(heavy, `claims of ${limit}`).toBeGreaterThanOrEqual(29)
      expect(heavy, `claims of ${limit}`).toBeLessThanOrEqual(31)
    }
  })

  it('a tenant that had nothing to do saves nothing up', async () => {
    const world = (await open()).unwatched()
    await world.worker('worker-1')
    await planned(world, 'idle', 2, { tenant: 'idle' })
    await planned(world, 'busy', 300, { tenant: 'busy' })
    await planned(world, 'other', 300, { tenant: 'other' })
    await world.claim(4)
    for (let claims = 0; claims < 20; claims += 1) await world.claim(10)
    await planned(world, 'back', 50, { tenant: 'idle' })
    const runs: string[] = []
    for (let claims = 0; claims < 30; claims += 1) runs.push(...(await claimRuns(world, 1)))
    for (const run of ['back', 'busy', 'other']) {
      expect(runs.filter((one) => one === run).length, run).toBeGreaterThanOrEqual(9)
    }
  })

  it('the share of a tenant that can use none of it goes to the others', async () => {
    const world = (await open()).unwatched()
    await world.worker('worker-1')
    await planned(world, 'short', 3, { tenant: 'short' })
    await planned(world, 'long', 100, { tenant: 'long' })
    await planned(world, 'closed', 100, { tenant: 'closed', pool: 'shut' })
    await world.store.setPool('shut', { open: false }, 'test')
    const runs = await claimRuns(world, 50)
    expect(runs).toHaveLength(50)
    expect(runs.filter((run) => run === 'short')).toHaveLength(3)
  })

  it('whatever tenants with whatever weights want, limits hold, none waits for ever, and the shares are fair', async () => {
    const tenants = fc.array(
      fc.record({
        weight: fc.integer({ min: 1, max: 5 }),
        pooled: fc.boolean(),
        priority: fc.integer({ min: -2, max: 2 }),
        tasks: fc.integer({ min: 15, max: 30 }),
      }),
      { minLength: 2, maxLength: 4 },
    )
    const claims = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 5, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(tenants, claims, fc.integer({ min: 1, max: 4 }), async (wanted, limits, places) => {
        const world = (await open()).unwatched()
        await world.worker('worker-1')
        await world.store.setPool('db', { slots: places }, 'test')
        for (const [index, { weight, pooled, priority, tasks }] of wanted.entries()) {
          const tenant = `tenant-${index}`
          await world.store.setTenant(tenant, { weight }, 'test')
          await planned(world, `run-${index}`, tasks, { tenant, priority, ...(pooled ? { pool: 'db' } : {}) })
        }
        const given = wanted.map(() => 0)
        for (const limit of limits) {
          const tasks = await world.claim(limit)
          const pool = (await world.store.listPools())[0]
          expect(pool?.inUse ?? 0).toBeLessThanOrEqual(places)
          for (const { run, kind } of tasks) {
            if (kind !== 'partition') continue
            const index = Number(run.runId.slice('run-'.length))
            given[index] = (given[index] ?? 0) + 1
          }
          await world.store.finish(
            tasks.map(({ taskId, fence }) => ({ taskId, fence, end: { kind: 'succeeded', output: output() } })),
          )
        }
        // Between two that always had more and no limit, nobody is further ahead than one claim, by weight.
        const free = wanted.flatMap(({ weight, pooled, tasks }, index) => {
          const had = given[index] ?? 0
          return pooled || had >= tasks - Math.max(...limits) ? [] : [had / weight]
        })
        if (free.length > 1) expect(Math.max(...free) - Math.min(...free)).toBeLessThanOrEqual(2)
        await world.workAll()
        for (const index of wanted.keys()) expect(await world.runState(`run-${index}`)).toBe('succeeded')
      }),
      { numRuns: 10 },
    )
  })
}
