/** Published versions of a dataset, as commands make, list, print and roll them back. */
import { rmSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { orders } from './fixtures/project.ts'
import { DAY, shop } from './fixtures/shop.ts'
import type { ErrorJson, ListJson, RunJson } from './fixtures/shop.ts'

describe('versions of a dataset', () => {
  test('a store made anew beside published versions goes on above their numbers', async () => {
    const project = shop({ [DAY]: orders(2) })
    const loseStore = () => {
      for (const file of project.files('.batchwright/store.db*')) rmSync(path.join(project.folder, file))
    }
    await project.cli('run', 'orders', '--window', DAY)
    loseStore()
    project.write(`in/${DAY}.csv`, orders(3))
    const again = await project.json<RunJson>('run', 'orders', '--window', DAY)
    expect(again.value).toMatchObject({ state: 'succeeded', published: [{ version: 2 }] })
    expect((await project.cli('datasets', 'cat', 'clean_orders')).stdout).toContain('o3')
    loseStore()
    const rolled = await project.json('rollback', 'clean_orders', '--window', DAY)
    expect(rolled.value).toMatchObject({ version: 3, showsVersion: 1 })
  })

  test('rerun publishes the next; rollback shows the former again as a new one; each can be printed', async () => {
    const project = shop({ [DAY]: orders(2) })
    await project.cli('run', 'orders', '--window', DAY)
    project.write(`in/${DAY}.csv`, orders(3))
    expect((await project.json<RunJson>('rerun', 'orders', '--window', DAY)).value).toMatchObject({
      revision: 2,
      published: [{ version: 2 }],
    })
    const rolled = await project.json('rollback', 'clean_orders', '--window', DAY)
    expect(rolled.value).toEqual({ dataset: 'clean_orders', window: DAY, version: 3, showsVersion: 1 })
    expect((await project.cli('datasets', 'cat', 'clean_orders')).stdout).toBe('id,qty,price\no2,1,1.50\n')
    expect((await project.cli('datasets', 'cat', 'clean_orders', '--version', '2')).stdout).toBe(
      'id,qty,price\no2,1,1.50\no3,2,1.50\n',
    )
    const { value } = await project.json<{ versions: ListJson }>('datasets', 'show', 'clean_orders')
    expect(value.versions).toMatchObject({
      total: 3,
      items: [
        { number: 3, current: true, rollbackTo: 1 },
        { number: 2, current: false, rows: 2 },
        { number: 1, current: false, rows: 1 },
      ],
    })
    expect((await project.json<ErrorJson>('rollback', 'clean_orders', '--to', '1')).value.error.code).toBe(
      'ALREADY_CURRENT',
    )
    expect((await project.json<ErrorJson>('rollback', 'clean_orders')).value.error.code).toBe('NO_EARLIER_VERSION')
    expect((await project.json<ErrorJson>('datasets', 'cat', 'clean_orders', '--version', '9')).value.error.code).toBe(
      'VERSION_NOT_FOUND',
    )
  })

  test('a part that was changed is not printed', async () => {
    const project = shop({ [DAY]: orders(2) })
    await project.cli('run', 'orders', '--window', DAY)
    project.write(`out/clean/${DAY}/v000001/part-00000.csv`, 'id,qty,price\no2,9,9.99\n')
    const { code, value } = await project.json<ErrorJson>('datasets', 'cat', 'clean_orders')
    expect(code).toBe(1)
    expect(value.error.code).toBe('CHECKSUM_MISMATCH')
  })
})
