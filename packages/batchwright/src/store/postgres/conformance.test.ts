import type pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { asAdministrator, createDatabase, type TestDatabase } from '../../../../../test/postgres/index.ts'
import { storeConformance, type StoreUnderTest } from '../conformance/index.ts'
import type { Store } from '../contract/index.ts'
import { openPostgresStore } from './open.ts'

let database: TestDatabase

beforeAll(async () => {
  // The server is not crashed here: to acknowledge before it is on disk saves a flush for each of thousands of verbs.
  database = await createDatabase({ durable: false })
})
afterAll(async () => {
  await database.drop()
})

/** Schemas whose tables are there, as a migration left them: to make them takes longer than most of the tests. */
const free: string[] = []
let made = 0

/** Tables of a schema, those that others refer to last. */
async function tablesOf(client: pg.Client, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = $1 and table_type = 'BASE TABLE' and table_name not in ('migrations', 'event_numbers')
     order by table_name = 'runs'`,
    [schema],
  )
  return rows.map(({ name }) => name)
}

/** Migrations put rows into some tables: they are kept aside, to be put in again. */
async function keepSeeds(schema: string): Promise<void> {
  await asAdministrator(database.url, async (client) => {
    await client.query(`create schema seeds_of_${schema}`)
    for (const name of await tablesOf(client, schema)) {
      const { rowCount } = await client.query(`select 1 from ${schema}.${name} limit 1`)
      if (rowCount === 1) await client.query(`create table seeds_of_${schema}.${name} as table ${schema}.${name}`)
    }
  })
}

async function restoreSeeds(schema: string): Promise<void> {
  await asAdministrator(database.url, async (client) => {
    const emptied = (await tablesOf(client, schema)).map((name) => `delete from ${schema}.${name}`)
    const seeded = (await tablesOf(client, `seeds_of_${schema}`)).map(
      (name) => `insert into ${schema}.${name} overriding system value table seeds_of_${schema}.${name}`,
    )
    await client.query([...emptied, ...seeded].join(';'))
  })
}

const STORE: StoreUnderTest = {
  async open(clock) {
    const used = free.pop()
    const schema = used ?? `store_${(made += 1)}`
    const opened: Store[] = []
    const again = async (): Promise<Store> => {
      const store = await openPostgresStore({ url: database.url, schema, clock, pinned: true })
      opened.push(store)
      return store
    }
    const store = await again()
    if (used === undefined) await keepSeeds(schema)
    return {
      store,
      again,
      async dispose() {
        for (const store of opened) await store.close()
        await restoreSeeds(schema)
        free.push(schema)
      },
    }
  },
}

storeConformance('the PostgreSQL store', STORE, { propertyRuns: 12 })
