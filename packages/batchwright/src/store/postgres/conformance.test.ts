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

/** Schemas whose tables are there and empty: to make them takes longer than most of the tests. */
const free: string[] = []
let made = 0

async function empty(schema: string): Promise<void> {
  await asAdministrator(database.url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
       where table_schema = $1 and table_type = 'BASE TABLE' and table_name not in ('migrations', 'event_numbers')
       order by table_name = 'runs'`,
      [schema],
    )
    await client.query(rows.map(({ name }) => `delete from ${name}`).join(';'))
  })
}

const STORE: StoreUnderTest = {
  async open(clock) {
    const schema = free.pop() ?? `store_${(made += 1)}`
    const opened: Store[] = []
    const again = async (): Promise<Store> => {
      const store = await openPostgresStore({ url: database.url, schema, clock, pinned: true })
      opened.push(store)
      return store
    }
    return {
      store: await again(),
      again,
      async dispose() {
        for (const store of opened) await store.close()
        await empty(schema)
        free.push(schema)
      },
    }
  },
}

storeConformance('the PostgreSQL store', STORE, { propertyRuns: 12 })
