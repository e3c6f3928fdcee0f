import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asAdministrator, createDatabase, type TestDatabase } from '../../../../../test/postgres/index.ts'
import { systemClock } from '../../kernel/clock.ts'
import { seededRandom } from '../../kernel/random.ts'
import { newRun, newWorker, step } from '../conformance/world.ts'
import type { Store } from '../contract/index.ts'
import { MIGRATIONS } from '../migrations/index.ts'
import { Connections } from './connections.ts'
import { openPostgresStore, type PostgresStoreOptions } from './open.ts'
import { readTarget } from './settings.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase({ durable: false })
})
afterAll(async () => {
  await database.drop()
})

async function opened(options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
  return await openPostgresStore({ url: database.url, clock: systemClock, ...options })
}

function changed(change: (url: URL) => void): string {
  const url = new URL(database.url)
  change(url)
  return url.href
}

/** The password of the test's database must not stand in anything that an error says. */
async function refusal(options: Partial<PostgresStoreOptions>): Promise<Record<string, unknown>> {
  const error: unknown = await opened(options).then(
    () => new Error('expected to be refused'),
    (thrown: unknown) => thrown,
  )
  const { code, retryable, message, hint, details } = error as Record<string, unknown>
  expect(JSON.stringify({ message, hint, details })).not.toContain(new URL(database.url).password)
  return { code, retryable, message }
}

describe('a store that cannot be opened says why, without its password', () => {
  it('nobody listens', async () => {
    const url = changed((each) => (each.port = '1'))
    expect(await refusal({ url })).toMatchObject({ code: 'STORE_UNREACHABLE', retryable: true })
  })

  it('the database does not exist', async () => {
    const url = changed((each) => (each.pathname = '/nowhere'))
    expect(await refusal({ url })).toMatchObject({ code: 'STORE_DATABASE_MISSING', retryable: false })
  })

  it('the user is not let in', async () => {
    const url = changed((each) => (each.username = 'nobody'))
    expect(await refusal({ url })).toMatchObject({ code: 'STORE_ACCESS_DENIED', retryable: false })
  })

  it('the address is none, or a setting is not what it may be', async () => {
    expect(await refusal({ url: 'mysql://host/db' })).toMatchObject({ code: 'STORE_ADDRESS_INVALID' })
    for (const wrong of ['pool=many', 'prepare=perhaps', 'schema=Robert;drop']) {
      const url = changed((each) => (each.search = wrong))
      expect(await refusal({ url }), wrong).toMatchObject({ code: 'STORE_ADDRESS_INVALID' })
    }
  })

  it('the schema holds tables of another program', async () => {
    await asAdministrator(database.url, async (client) => {
      await client.query('create schema recipes; create table recipes.soups (name text)')
    })
    expect(await refusal({ schema: 'recipes' })).toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('soups') as string,
    })
  })

  it('a newer version has migrated it; one that still admits this version is opened', async () => {
    await (await opened({ schema: 'versions' })).close()
    const newer = (MIGRATIONS.at(-1)?.version ?? 0) + 1
    const add = (oldest: number): Promise<void> =>
      asAdministrator(database.url, async (client) => {
        await client.query('delete from versions.migrations where version = $1', [newer])
        await client.query('insert into versions.migrations values ($1, $2, $3, 0)', [newer, 'more', oldest])
      })
    await add(1)
    await (await opened({ schema: 'versions' })).close()
    await add(newer)
    expect(await refusal({ schema: 'versions' })).toMatchObject({ code: 'STORE_NEWER_VERSION' })
    expect(await refusal({ schema: 'unmade', migrate: false })).toMatchObject({ code: 'STORE_OLDER_VERSION' })
  })
})

describe('an open store', () => {
  it('is migrated once by many who open it at the same moment', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => opened({ schema: 'together' })))
    for (const store of stores) await store.close()
    await asAdministrator(database.url, async (client) => {
      const { rowCount } = await client.query('select 1 from together.migrations')
      expect(rowCount).toBe(MIGRATIONS.length)
    })
  })

  it('goes on after its idle connections were cut, and is woken by what happens then', async () => {
    const [store, other] = [await opened({ schema: 'cut' }), await opened({ schema: 'cut' })]
    await store.waitForChange(0)
    await store.createRun(newRun('run-1', [step('a')]))
    expect(await database.cutConnections()).toBeGreaterThan(1)
    expect(await store.getRun('run-1')).toMatchObject({ runId: 'run-1' })
    await store.waitForChange(0)
    const woken = store.waitForChange(1e9)
    await other.createRun(newRun('run-2', [step('a')]))
    await woken
    await store.close()
    await other.close()
  })

  it('that is cut off between two statements of a verb fails the verb, and not its process', async () => {
    const random = seededRandom(1)
    const target = readTarget(database.url, {})
    const connections = await Connections.open({ target, clock: systemClock, random, pinned: false })
    const cut = connections.write(async (session) => {
      await session.get('select 1 as one')
      await database.cutConnections()
      // The server has hung up; another one's answers leave this connection the time to hear of it.
      for (let turn = 0; turn < 5; turn += 1) await asAdministrator(database.url, (client) => client.query('select 1'))
      return await session.get('select 1 as one')
    })
    await expect(cut).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', retryable: true })
    expect(await connections.read((session) => session.get('select 1 as one'))).toEqual({ one: 1 })
    await connections.end()
  })

  it('is closed also where nothing else keeps the process alive', async () => {
    const child = fileURLToPath(new URL('./goodbye.child.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [child, database.url])
    expect(stdout).toBe('closed')
  })

  it('without a connection that listens finds news by asking', async () => {
    const [store, other] = [await opened({ schema: 'polled', listen: 'off' }), await opened({ schema: 'polled' })]
    await store.waitForChange(0)
    const woken = store.waitForChange(1e9)
    await other.createRun(newRun('run-1', [step('a')]))
    await woken
    await store.close()
    await other.close()
  })

  it('works without prepared statements, in a schema of its own', async () => {
    const store = await opened({ schema: 'plain', prepare: false })
    await store.createRun(newRun('run-1', [step('a')]))
    await store.registerWorker(newWorker('w'))
    expect(await store.claim({ workerId: 'w', claimId: 'c', limit: 5 })).toHaveLength(1)
    await store.close()
    await expect(store.getRun('run-1')).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  })

  it('keeps what an error says, also characters that no database keeps', async () => {
    const store = await opened({ schema: 'strange' })
    await store.createRun(newRun('run-1', [step('a')]))
    await store.registerWorker(newWorker('w'))
    const [task] = await store.claim({ workerId: 'w', claimId: 'c', limit: 1 })
    if (task === undefined) throw new Error('expected the plan task')
    const error = { code: 'BAD\0CODE', message: 'a \0 and half a \ud83d character', retryable: false }
    await store.finish([{ ...task, end: { kind: 'failed', error } }])
    expect((await store.getRun('run-1'))?.failure?.message).toBe(error.message)
    expect((await store.countEvents('run-1')).length).toBeGreaterThan(0)
    await store.close()
  })
})
