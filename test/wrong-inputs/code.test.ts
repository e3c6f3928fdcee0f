/** The job's own functions: told at their line, with the record and the command that replays it. */
import { book } from './book.ts'
import type { JobText } from './shop.ts'
import { DAY, job, orders, RUN } from './shop.ts'

const withJob = (text: JobText): Record<string, string> => ({
  'jobs/orders.ts': job(text),
  [`in/${DAY}.csv`]: orders(3),
})
const fails = (
  what: string,
  text: JobText,
  line = `${RUN} --inline --slots 1`,
): Parameters<typeof book>[1][number] => ({
  what,
  files: withJob(text),
  told: (shop) => shop.type(line),
})
const step = (more: string): string => `steps.records('clean').read(raw).process(check)${more}.write(clean)`
const ONCE = '.retry({ attempts: 1 })'

book('code', [
  fails('process throws', {
    before: `const prices = new Map([['o1', 1]])

function priceOf(id: string): number {
  const price = prices.get(id)
  if (price === undefined) throw new Error(\`no price for \${id}\`)
  return price
}

const check = (order: { id: string }) => ({ ...order, price: priceOf(order.id) })`,
    clean: `window: daily(), location: 'out/clean', format: jsonl(), contract: contract(1, record({ id: field.text(), qty: field.integer(), price: field.integer() }))`,
  }),
  fails('process throws something that is no Error', { before: "const check = () => { throw 'no price' }" }),
  fails(
    'process throws in a slot of its own, asynchronously',
    {
      before:
        'const check = async (order: { id: string }) => {\n  await Promise.resolve()\n  throw new TypeError(`cannot rate ${order.id}`)\n}',
    },
    RUN,
  ),
  fails('process returns nothing', { before: 'const check = (order: { qty: number }) => { order.qty += 1 }' }),
  fails('process returns text', { before: 'const check = (order: { id: string }) => order.id' }),
  fails('process returns a record that lacks a field', {
    before: 'const check = ({ id, qty }: { id: string; qty: number }) => ({ id, qty })',
  }),
  fails('process returns a field of the wrong type', {
    before: "const check = (order: { qty: number }) => ({ ...order, qty: 'many' })",
  }),
  fails('A decimal is used with an operator', {
    before: 'const check = (order: { price: number }) => ({ ...order, price: order.price * 2 })',
  }),
  fails('A fold throws', {
    before: 'const check = (order: { id: string }) => order',
    steps: `const checked = steps.records('check').read(raw).process(check)
  steps
    .reduce('clean')
    .read(checked)
    .by((order) => order.id)
    .fold({
      initial: () => ({ count: 0, price: null }),
      add: (total, order) => {
        total.price = order.price
        if (order.id.length > 1) throw new Error(\`cannot add \${order.id}\`)
        return total
      },
      finish: (total, id) => ({ id, qty: total.count, price: total.price }),
    })
    .write(clean)`,
  }),
  fails('A function step throws', {
    steps: "steps.function('notify', async () => {\n    throw new Error('nobody listens')\n  })",
  }),
  fails('A function that names files throws', {
    raw: "window: daily(), files: () => { throw new Error('no such folder') }, format: csv(), contract: contract(1, row)",
  }),
  fails('A key that is no text', {
    steps:
      "steps.reduce('clean').read(raw).by((order) => order.qty).fold({ initial: () => 0, add: (n) => n + 1, finish: (n, id) => ({ id, qty: n, price: '1.00' }) }).write(clean)",
  }),
  fails('A secret that is not set', {
    before:
      "const db = service('db', { secrets: ['SHOP_DB_URL'], open: () => ({}) })\nconst check = (order: object) => order",
    steps: "steps.records('clean').read(raw).use({ db }).process(check).write(clean)",
  }),
  fails('A service that cannot be opened', {
    before:
      "const db = service('db', { open: () => { throw new Error('connect ECONNREFUSED 10.0.0.5:5432') } })\nconst check = (order: object) => order",
    steps: `steps.records('clean').read(raw).use({ db }).process(check)${ONCE}.write(clean)`,
  }),
  fails(
    'An attempt that never comes to its end',
    { before: 'const check = () => new Promise(() => {})', steps: step(`.timeout('200ms')${ONCE}`) },
    RUN,
  ),
  fails(
    'A slot that runs out of memory',
    {
      before:
        "const kept: object[] = []\nconst check = (order: object) => {\n  for (;;) kept.push({ order, text: 'x'.repeat(1000) + kept.length })\n}",
      steps: step(ONCE),
    },
    `${RUN} --slots 1 --slot-memory 48MB`,
  ),
  fails(
    'A step that ends the process',
    { before: 'const check = () => process.exit(3)', steps: step(ONCE) },
    `${RUN} --slots 1`,
  ),
  fails(
    'An error outside every promise',
    {
      before:
        "const check = () => {\n  setTimeout(() => {\n    throw new Error('late')\n  }, 1)\n  return new Promise(() => {})\n}",
      steps: step(ONCE),
    },
    `${RUN} --slots 1`,
  ),
  {
    what: 'A record that failed and was set aside, looked at',
    files: withJob({
      before:
        "const check = (order: { id: string }) => {\n  if (order.id === 'o2') throw new Error('no stock of o2')\n  return order\n}",
      steps: step(".skip('50%')"),
    }),
    told: async (shop) => {
      await shop.type(`${RUN} --inline --slots 1`)
      const [found = ''] = /[0-9a-f]{20}/.exec(await shop.type('dead-letters list')) ?? []
      return shop.type(`dead-letters show ${found}`)
    },
  },
  {
    what: 'Pausing a run that has failed',
    files: withJob({ before: "const check = () => {\n  throw new Error('paused')\n}" }),
    told: async (shop) => {
      await shop.type(`${RUN} --inline --slots 1`)
      return shop.type('pause latest')
    },
  },
])
