import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asAdministrator, createDatabase, startPostgres, type PostgresServer } from './index.ts'

async function ask(url: string, sql: string): Promise<unknown> {
  return await asAdministrator(url, async (client) => {
    const { rows } = await client.query<{ answer: unknown }>(sql)
    return rows[0]?.answer
  })
}

describe('the server that all tests share', () => {
  it('gives each a database of its own, and takes it away with whoever is connected', async () => {
    const [one, other] = await Promise.all([createDatabase(), createDatabase({ durable: false })])
    await ask(one.url, 'create table only_here (id integer)')
    expect(await ask(other.url, `select to_regclass('only_here') is null as answer`)).toBe(true)
    expect(await ask(one.url, `select current_setting('synchronous_commit') as answer`)).toBe('on')
    expect(await ask(one.url, `select current_setting('fsync') as answer`)).toBe('on')
    expect(await ask(other.url, `select current_setting('synchronous_commit') as answer`)).toBe('off')
    await Promise.all([one.drop(), other.drop()])
    await expect(ask(one.url, 'select 1 as answer')).rejects.toThrow('does not exist')
  })
})

describe("a server of a test's own", () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ settings: ['max_connections=20'] })
  })
  afterAll(async () => {
    await server.close()
  })

  it('keeps what was committed over a restart and over a crash', async () => {
    await ask(server.url, 'create table kept (id integer)')
    await server.stop()
    await expect(ask(server.url, 'select 1 as answer')).rejects.toThrow()
    await server.start()
    await ask(server.url, 'insert into kept values (7)')
    await server.crash()
    await server.start()
    expect(await ask(server.url, 'select id as answer from kept')).toBe(7)
    expect(await ask(server.url, `select current_setting('max_connections') as answer`)).toBe('20')
  })

  it('cuts the connections of its clients and goes on', async () => {
    await asAdministrator(server.url, async (client) => {
      const cut = new Promise((resolve) => client.once('error', resolve))
      expect(await server.cutConnections('postgres')).toBe(1)
      expect(await cut).toBeInstanceOf(Error)
    })
    expect(await ask(server.url, 'select 1 as answer')).toBe(1)
  })

  it('leaves nothing behind when it is closed', async () => {
    const other = await startPostgres()
    const folder = String(await ask(other.url, `select current_setting('data_directory') as answer`))
    expect(existsSync(folder)).toBe(true)
    await other.close()
    expect(existsSync(folder)).toBe(false)
    await expect(ask(other.url, 'select 1 as answer')).rejects.toThrow('ECONNREFUSED')
  })
})
