/** Who gets the next free slot, from the command line. */
import { describe, expect, test } from 'vitest'
import { orders } from './fixtures/project.ts'
import { DAY, shop, type ErrorJson, type RunJson } from './fixtures/shop.ts'

interface PoolJson {
  readonly pool: { readonly name: string; readonly slots: number | null; readonly open: boolean }
}

describe('pools and tenants', () => {
  test('are set, closed and listed; what is no number of places is refused', async () => {
    const project = shop({ [DAY]: orders(10) })
    expect(await project.json<PoolJson>('pools', 'set', 'db', '--slots', '8')).toMatchObject({
      code: 0,
      value: { pool: { name: 'db', slots: 8, open: true, inUse: 0, waitingSteps: 0 } },
    })
    await project.cli('pools', 'close', 'db')
    const listed = await project.cli('pools')
    expect(listed.stdout).toMatch(/db\s+closed\s+0\s+8\s+0/)
    expect(await project.json<PoolJson>('pools', 'set', 'db', '--slots', 'none')).toMatchObject({
      value: { pool: { slots: null, open: false } },
    })
    expect(await project.json<PoolJson>('pools', 'open', 'db')).toMatchObject({ value: { pool: { open: true } } })
    expect((await project.cli('pools', 'set', 'db', '--slots', '0')).code).toBe(2)
    const refused = await project.json<ErrorJson>('pools', 'set', 'no name', '--slots', '1')
    expect(refused).toMatchObject({ value: { error: { code: 'POOL_INVALID' } } })
  })

  test('a run names its tenant and priority; the configuration names shares, and stays behind what is set by hand', async () => {
    const project = shop({ [DAY]: orders(10) })
    project.write('batchwright.config.json', JSON.stringify({ jobs: 'jobs/*.ts', tenants: { acme: { weight: 3 } } }))
    const run = await project.json<RunJson>('run', 'orders', '--window', DAY, '--tenant', 'acme', '--priority', '7')
    expect(run).toMatchObject({ code: 0, value: { state: 'succeeded', tenant: 'acme', priority: 7 } })
    expect((await project.cli('tenants')).stdout).toMatch(/acme\s+3\s+0\s+no limit/)
    await project.cli('tenants', 'set', 'acme', '--weight', '5', '--slots', '4')
    expect((await project.cli('tenants')).stdout).toMatch(/acme\s+5\s+0\s+4/)
    expect((await project.cli('run', 'orders', '--window', DAY, '--priority', 'high')).code).toBe(2)
  })
})
