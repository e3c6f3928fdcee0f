/** The machine around it: the store, the disk, permissions, Node, packages. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { mountSmall } from '../harness/file-system.ts'
import { book } from './book.ts'
import type { Shop } from './shop.ts'
import { DAY, job, orders, RUN } from './shop.ts'

const SHOP = { 'jobs/orders.ts': job(), [`in/${DAY}.csv`]: orders(3) }
const SQL = {
  'jobs/orders.ts': job({ steps: "steps.sql('clean').read({ raw }).query('select * from raw').write(clean)" }),
  [`in/${DAY}.csv`]: orders(3),
}

/** Source that is loaded before the command line. */
const preload = (text: string): readonly string[] => [
  '--conditions=batchwright-source',
  '--import',
  `data:text/javascript,${encodeURIComponent(text)}`,
]

/** The command in a mount namespace in which a folder of the shop is a small file system. */
async function mounted(shop: Shop, folder: string, size: string, before: string): Promise<string> {
  const small = await mountSmall(shop, folder, size)
  try {
    await small.shell(before)
    const { stdout, stderr, code } = await small.cli(...RUN.split(' '))
    return shop.told(RUN, stdout + stderr, code ?? -1)
  } finally {
    await small[Symbol.asyncDispose]()
  }
}

book('machine', [
  {
    what: 'A store of a newer version',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      const database = new DatabaseSync(shop.at('.batchwright/store.db'))
      database.exec("insert into migrations (version, name, oldest_compatible, applied_at) values (99, 'later', 99, 0)")
      database.close()
      return shop.type('runs')
    },
  },
  {
    what: 'A store that is damaged',
    files: { ...SHOP, '.batchwright/store.db': 'not a store '.repeat(1000) },
    told: (shop) => shop.type('runs'),
  },
  {
    what: 'A file where the folder of the state should be',
    files: { ...SHOP, '.batchwright': 'mine' },
    told: (shop) => shop.type(RUN),
  },
  {
    what: 'A state folder that is mounted read-only',
    files: SHOP,
    told: async (shop) => mounted(shop, '.batchwright', '8m', 'mount -o remount,ro .batchwright'),
  },
  {
    what: 'A disk that is full under the output',
    files: { ...SHOP, [`in/${DAY}.csv`]: orders(4000) },
    told: async (shop) => mounted(shop, 'out', '32k', 'true'),
  },
  {
    what: 'A file where the folder of the output should be',
    files: { ...SHOP, 'out/clean': 'mine' },
    told: (shop) => shop.type(`${RUN} --inline`),
  },
  {
    what: 'No permission to read a job file',
    files: SHOP,
    told: (shop) => {
      chmodSync(shop.at('jobs/orders.ts'), 0)
      return shop.startWithoutRights('jobs')
    },
  },
  {
    what: 'No permission to read an input',
    files: SHOP,
    told: (shop) => {
      chmodSync(shop.at(`in/${DAY}.csv`), 0)
      return shop.startWithoutRights(`${RUN} --inline`)
    },
  },
  {
    what: 'No permission to write the output',
    files: SHOP,
    told: (shop) => {
      mkdirSync(shop.at('out'), { mode: 0o555 })
      return shop.startWithoutRights(`${RUN} --inline`)
    },
  },
  {
    what: 'No permission to write the store',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      chmodSync(shop.at('.batchwright/store.db'), 0o444)
      return shop.startWithoutRights('retry latest')
    },
  },
  {
    what: 'A published file that was changed, with a version before it',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      await shop.type(`re${RUN} --inline`)
      const [, part = ''] = shop.files(`out/clean/${DAY}/**/*.csv`)
      chmodSync(shop.at(part), 0o644)
      writeFileSync(shop.at(part), 'id,qty,price\n')
      return shop.type('datasets cat clean_orders')
    },
  },
  {
    what: 'A published file that was changed',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      const [part = ''] = shop.files(`out/clean/${DAY}/**/*.csv`)
      chmodSync(shop.at(part), 0o644)
      writeFileSync(shop.at(part), 'id,qty,price\n')
      return shop.type('datasets cat clean_orders')
    },
  },
  {
    what: 'A published file that is gone',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      shop.remove(...shop.files(`out/clean/${DAY}/**/*.csv`))
      return shop.type('datasets cat clean_orders')
    },
  },
  {
    what: 'DuckDB is not installed',
    files: SQL,
    told: (shop) =>
      shop.start(
        `${RUN} --slots 1`,
        preload(`import { registerHooks } from 'node:module'
          registerHooks({ resolve(name, context, next) {
            if (name !== '@duckdb/node-api') return next(name, context)
            throw Object.assign(new Error("Cannot find package '@duckdb/node-api'"), { code: 'ERR_MODULE_NOT_FOUND' })
          } })`),
      ),
  },
  {
    what: 'A Node that is too old',
    files: SHOP,
    told: (shop) => shop.start('jobs', preload("Object.defineProperty(process.versions, 'node', { value: '20.9.0' })")),
  },
  {
    what: 'A port that another process listens on, for the debugger',
    files: SHOP,
    told: async (shop) => {
      const { createServer } = await import('node:net')
      const server = createServer()
      const port = await new Promise<number>((resolve) => {
        server.listen(0, '127.0.0.1', () => {
          const address = server.address()
          resolve(typeof address === 'object' && address !== null ? address.port : 0)
        })
      })
      const said = await shop.type(`${RUN} --inline --inspect=${port}`)
      server.close()
      return said.replaceAll(String(port), 'PORT').replaceAll(String(port + 1), 'PORT + 1')
    },
  },
])
