/** Jobs that write and read tables, by the real command line: PostgreSQL and SQLite, with the same job. */
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Finished } from '../harness/project.ts'
import { project, type TestProject } from '../harness/project.ts'
import { asAdministrator, createDatabase, sharedServer, type TestDatabase } from '../postgres/index.ts'

const PASSWORD_MARK = 'never-to-be-seen'

/** A job that replaces a day's rows of a table, and one that copies the table into another one by key. */
function jobFile(table: (name: string) => string): string {
  return `
import { job, dataset, daily, csv, contract, record, field, check, postgres, sqlite, reject } from 'batchwright'

const row = record({ day: field.date(), id: field.integer(), amount: field.decimal({ scale: 2 }) })
const raw = dataset('raw', { window: daily(), files: 'in/{date}.csv', format: csv(), contract: contract(1, row) })
const sales = dataset('sales', {
  window: daily(),
  table: ${table('sales')},
  mode: 'replaceWindow',
  windowBy: 'day',
  key: ['id'],
  contract: contract(1, row),
  checks: [check.unique('id'), check.range('amount', { min: 0 }), check.sql('select * from output where id = 666', { name: 'no_devil' })],
})
export default job('sales', { window: daily() }, (steps) => {
  steps.records('load').read(raw).process((line) => line).commit({ chunk: 10, everyChunks: 2 }).write(sales)
})
`
}

function copyFile(table: (name: string) => string): string {
  return `
import { job, dataset, contract, record, field, postgres, sqlite } from 'batchwright'

const row = record({ day: field.date(), id: field.integer(), amount: field.decimal({ scale: 2 }) })
const sales = dataset('all_sales', { table: ${table('sales')}, key: ['id'], contract: contract(1, row) })
const copy = dataset('copied_sales', { table: ${table('copied')}, mode: 'upsert', key: ['id'], contract: contract(1, row) })
export default job('copy', {}, (steps) => {
  steps.records('copy').read(sales).process((sale) => sale).partition('rows', { size: 20 }).write(copy)
})
`
}

const day = (date: string, from: number, count: number): string =>
  ['day,id,amount', ...Array.from({ length: count }, (_, index) => `${date},${from + index},${index}.25`), ''].join(
    '\n',
  )

interface World {
  readonly table: (name: string) => string
  readonly environment: Readonly<Record<string, string>>
  run(sql: string): Promise<void>
  rows(sql: string): Promise<unknown[][]>
  close(): Promise<void>
}

async function postgresWorld(): Promise<World> {
  const database: TestDatabase = await createDatabase({ durable: false })
  const url = new URL(database.url)
  await asAdministrator(database.url, async (client) => {
    await client.query(`create role ${database.name}_user login superuser password '${PASSWORD_MARK}'`)
  })
  url.username = `${database.name}_user`
  url.password = PASSWORD_MARK
  return {
    table: (name) => `postgres({ url: 'SALES_URL', table: 'public.${name}' })`,
    environment: { SALES_URL: url.href },
    run: (sql) =>
      asAdministrator(database.url, async (client) => {
        await client.query(sql)
      }),
    rows: (sql) =>
      asAdministrator(database.url, async (client) => {
        const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
        return rows
      }),
    close: async () => {
      await database.drop()
      await asAdministrator(await sharedServer(), async (client) => {
        await client.query(`drop role ${database.name}_user`)
      })
    },
  }
}

function sqliteWorld(here: TestProject): World {
  const db = new DatabaseSync(path.join(here.folder, 'sales.db'))
  return {
    table: (name) => `sqlite({ file: 'sales.db', table: '${name}' })`,
    environment: {},
    run: (sql) => {
      db.exec(sql)
      return Promise.resolve()
    },
    rows: (sql) =>
      Promise.resolve(
        db
          .prepare(sql)
          .all()
          .map((row) => Object.values(row)),
      ),
    close: () => {
      db.close()
      return Promise.resolve()
    },
  }
}

for (const name of ['PostgreSQL', 'SQLite'] as const) {
  describe(`tables of ${name}`, () => {
    let here: TestProject
    let world: World
    beforeAll(async () => {
      here = project({ 'in/2026-03-01.csv': day('2026-03-01', 1, 50), 'in/2026-03-02.csv': day('2026-03-02', 101, 50) })
      world = name === 'PostgreSQL' ? await postgresWorld() : sqliteWorld(here)
      const amount = name === 'PostgreSQL' ? 'numeric(12, 2)' : 'text'
      await world.run(`create table sales (day date not null, id integer primary key, amount ${amount} not null)`)
      await world.run(`create table copied (day date not null, id integer primary key, amount ${amount} not null)`)
      await world.run(`insert into sales values ('2026-03-01', 9999, '1.00'), ('2026-03-03', 300, '1.00')`)
      here.write('jobs/sales.ts', jobFile(world.table))
      here.write('jobs/copy.ts', copyFile(world.table))
    })
    afterAll(() => world.close())

    function cli(...args: readonly string[]): Promise<Finished> {
      return here.start(args, world.environment).finished
    }

    test('a window of rows is replaced in one act after its checks; other windows stay', async () => {
      const { code, stdout, stderr } = await cli('run', 'sales', '--window', '2026-03-01')
      expect(code, stdout + stderr).toBe(0)
      expect(await world.rows('select count(*), min(id), max(id) from sales where id <> 300')).toEqual([
        [expect.anything(), 1, 50],
      ])
      expect((await world.rows('select id from sales where id in (300, 9999)')).flat()).toEqual([300])
      expect(await world.rows('select mode, number, window_key from batchwright_publications')).toHaveLength(1)
      const [left] = await world.rows(
        name === 'PostgreSQL'
          ? `select count(*)::int from pg_class where relname like 'batchwright_staged%' and relkind = 'r'`
          : `select count(*) from sqlite_schema where name like 'batchwright_staged%' and type = 'table'`,
      )
      expect(left).toEqual([0])
    })

    test('a check that does not hold keeps the former rows, and the staged ones hidden', async () => {
      here.write('in/2026-03-04.csv', `${day('2026-03-04', 640, 30)}2026-03-04,700,-1.00\n`)
      const { code, stdout, stderr } = await cli('run', 'sales', '--window', '2026-03-04')
      expect(code).toBe(1)
      expect(stdout + stderr).toContain('range(amount)')
      expect((await world.rows('select id from sales where id >= 640 and id < 800')).flat()).toEqual([])
    })

    test('rows of another window stop the publication', async () => {
      here.write('in/2026-03-05.csv', `${day('2026-03-05', 800, 3)}2026-03-06,810,1.00\n`)
      const { code, stdout, stderr } = await cli('run', 'sales', '--window', '2026-03-05')
      expect(code).toBe(1)
      expect(stdout + stderr).toContain('1 rows of other windows')
    })

    test('a table is read and loaded into another by key, and again without a row twice', async () => {
      for (const again of [false, true]) {
        const { code, stdout, stderr } = await cli(again ? 'rerun' : 'run', 'copy')
        expect(code, stdout + stderr).toBe(0)
        const [counts] = await world.rows('select (select count(*) from sales), (select count(*) from copied)')
        expect(String(counts?.[0])).toBe(String(counts?.[1]))
      }
      const { value } = await here.json<{
        readonly steps: readonly { readonly read: number; readonly written: number }[]
      }>('show', 'copy')
      expect(value.steps[0]).toMatchObject({ read: 51, written: 51 })
    })

    test('a published table cannot be rolled back or printed, and says why', async () => {
      expect((await cli('datasets', 'cat', 'sales', '--window', '2026-03-01')).stderr).toContain('its rows lie in')
      const { code, stderr } = await cli('rollback', 'sales', '--window', '2026-03-01')
      expect(code).not.toBe(0)
      expect(stderr).toContain('the rows that it had before are gone')
    })

    test('the password of the connection is nowhere: not in the store, not in logs, not in errors', async () => {
      if (name === 'SQLite') here.write('secret.txt', '')
      await world.run('drop table copied')
      const { stdout, stderr } = await cli('rerun', 'copy')
      expect(stdout + stderr).toContain('TABLE_MISSING')
      expect(stdout + stderr).not.toContain(PASSWORD_MARK)
      const stored = here
        .files('.batchwright/**/*')
        .filter((file) => !file.endsWith('/'))
        .map((file) => {
          try {
            return here.read(file)
          } catch {
            return ''
          }
        })
      expect(stored.join('')).not.toContain(PASSWORD_MARK)
    })
  })
}
