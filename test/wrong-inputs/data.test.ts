/** Data that is not as the job file says: which file, which record, which column, and what to do. */
import { rmSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { book } from './book.ts'
import type { JobText } from './shop.ts'
import { DAY, job, orders, RUN } from './shop.ts'

const FILE = `in/${DAY}.csv`
const HERE = `${RUN} --inline --slots 1`

const withFile = (content: string, text: JobText = {}): Record<string, string> => ({
  'jobs/orders.ts': job(text),
  [FILE]: content,
})
const fails = (what: string, files: Readonly<Record<string, string>>): Parameters<typeof book>[1][number] => ({
  what,
  files,
  told: (shop) => shop.type(HERE),
})

book('data', [
  fails('An input file that is not there', { 'jobs/orders.ts': job() }),
  {
    what: 'An input file that is not there, looked for by check: there is no run to go on with',
    files: { 'jobs/orders.ts': job() },
    told: (shop) => shop.type(`check --no-types --window ${DAY}`),
  },
  fails('A glob that finds nothing', {
    'jobs/orders.ts': job({
      raw: "window: daily(), files: 'in/{date}/*.csv', format: csv(), contract: contract(1, row)",
    }),
  }),
  {
    what: 'An input that is a folder',
    files: { 'jobs/orders.ts': job(), [`${FILE}/x`]: '' },
    told: (shop) => shop.type(HERE),
  },
  fails('A column that is missing', withFile('id,price\no1,1.50\n')),
  fails('A column that was renamed', withFile('id,qty,unit_price\no1,1,1.50\n')),
  fails('Another delimiter', withFile('id;qty;price\no1;1;1.50\n')),
  fails('A column too many, which does no harm', withFile('id,qty,price,note\no1,1,1.50,\n')),
  fails('A column that is there twice', withFile('id,qty,price,id\no1,1,1.50,o1\n')),
  fails('A record with a field too many', withFile('id,qty,price\no1,1,1.50\no2,1,1,50\n')),
  fails('A number that is none', withFile('id,qty,price\no1,1,1.50\no2,two,1.50\n')),
  fails('A blank where there must be none', withFile('id,qty,price\no1,1,\n')),
  fails('A quote that is never closed', withFile('id,qty,price\no1,1,1.50\n"o2,1,1.50\n')),
  {
    what: 'Text that is no UTF-8',
    files: { 'jobs/orders.ts': job() },
    told: (shop) => {
      shop.write(FILE, Buffer.from('id,qty,price\nMünchen,1,1.50\n', 'latin1'))
      return shop.type(HERE)
    },
  },
  {
    what: 'A gzip file that is cut short',
    files: {
      'jobs/orders.ts': job({
        raw: "window: daily(), files: 'in/{date}.csv.gz', format: csv(), contract: contract(1, row)",
      }),
    },
    told: (shop) => {
      shop.write(`${FILE}.gz`, gzipSync(orders(2000)).subarray(0, 4000))
      return shop.type(HERE)
    },
  },
  {
    what: 'An input that was changed before the run was taken up again',
    files: withFile(orders(3, 'boom,1,1.50'), {
      before:
        "const check = (order: { id: string }) => {\n  if (order.id === 'boom') throw new Error('boom')\n  return order\n}",
    }),
    told: async (shop) => {
      await shop.type(HERE)
      shop.write(FILE, orders(3, 'mended,1,1.50'))
      return shop.type('retry latest --inline')
    },
  },
  {
    what: 'An input that went before the run was taken up again',
    files: withFile(orders(3, 'boom,1,1.50'), {
      before:
        "const check = (order: { id: string }) => {\n  if (order.id === 'boom') throw new Error('boom!')\n  return order\n}",
    }),
    told: async (shop) => {
      await shop.type(HERE)
      rmSync(shop.at(FILE))
      return shop.type('retry latest --inline')
    },
  },
  {
    what: 'A job file that was changed too much before the run was taken up again',
    files: withFile(orders(3, 'boom,1,1.50'), {
      before:
        "const check = (order: { id: string }) => {\n  if (order.id === 'boom') throw new Error('boom?')\n  return order\n}",
    }),
    told: async (shop) => {
      await shop.type(HERE)
      shop.write('jobs/orders.ts', job({ steps: "steps.records('tidy').read(raw).process(check).write(clean)" }))
      return shop.type('retry latest --inline')
    },
  },
  fails(
    'More rejects by a rule than the step allows, in number',
    withFile(orders(5), {
      before: "const check = () => reject('no_stock')",
      steps: "steps.records('clean').read(raw).process(check).rejects({ no_stock: 2 }).write(clean)",
    }),
  ),
  fails(
    'More rejects by a rule than the step allows, as a share',
    withFile(orders(5), {
      before: "const check = (order: { qty: number }) => (order.qty > 2 ? reject('no_stock') : order)",
      steps: "steps.records('clean').read(raw).process(check).rejects({ no_stock: '10%' }).write(clean)",
    }),
  ),
  fails(
    'A check of a dataset that does not hold',
    withFile(orders(3, 'o1,1,1.50'), {
      clean:
        "window: daily(), location: 'out/clean', format: csv(), contract: contract(1, row), checks: [checks.unique('id'), checks.rowCount({ min: 10 })]",
    }),
  ),
  fails(
    'Control totals that differ between two steps',
    withFile(orders(4), {
      before: 'const check = (order: { qty: number }) => (order.qty > 3 ? [] : order)',
      steps:
        "const rated = steps.records('rate').read(raw).control({ total: (order) => order.price })\n  steps.records('clean').read(rated).process(check).control({ total: (order) => order.price }).write(clean)",
    }),
  ),
])
