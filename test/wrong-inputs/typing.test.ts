/** What is typed wrongly: nothing is started, and the next thing to type is said. */
import { mkdirSync } from 'node:fs'
import { book } from './book.ts'
import { DAY, job, orders, RUN } from './shop.ts'

const SHOP = { 'jobs/orders.ts': job(), [`in/${DAY}.csv`]: orders(3) }
const PLAIN = {
  'jobs/plain.ts': job({
    raw: `files: 'in/plain.csv', format: csv(), contract: contract(1, row)`,
    clean: `location: 'out/plain', format: csv(), contract: contract(1, row)`,
    options: `parameters: parameters({ country: field.oneOf(['GB', 'DE']), limit: field.integer().default(10) })`,
  }).replace("job('orders'", "job('plain'"),
  'in/plain.csv': orders(3),
}

book('typing', [
  { what: 'An unknown command', files: SHOP, told: (shop) => shop.type('rn orders') },
  { what: 'An option that the command does not have', files: SHOP, told: (shop) => shop.type(`${RUN} --slot 2`) },
  { what: 'An option with a value of the wrong kind', files: SHOP, told: (shop) => shop.type('runs --limit many') },
  { what: 'An option without its value', files: SHOP, told: (shop) => shop.type('runs --limit') },
  { what: 'A choice that is none', files: SHOP, told: (shop) => shop.type('runs --state faild') },
  { what: 'A command without its argument', files: SHOP, told: (shop) => shop.type('run') },
  { what: 'A word too many', files: SHOP, told: (shop) => shop.type('jobs orders') },
  { what: 'A mistyped job', files: SHOP, told: (shop) => shop.type(`run ordres --window ${DAY}`) },
  {
    what: 'A mistyped run',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      return shop.type('show lastest')
    },
  },
  {
    what: 'A mistyped step',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      return shop.type('logs latest --step claen')
    },
  },
  {
    what: 'A partition that the step does not have',
    files: {
      'jobs/orders.ts': job({ before: "const check = () => { throw new Error('no') }" }),
      [`in/${DAY}.csv`]: orders(3),
    },
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      return shop.type('retry latest --step clean --partition 4')
    },
  },
  { what: 'A mistyped dataset', files: SHOP, told: (shop) => shop.type('datasets cat clean_order') },
  {
    what: 'A dataset of which nothing is published',
    files: SHOP,
    told: (shop) => shop.type('datasets cat clean_orders'),
  },
  { what: 'A run before anything has run', files: SHOP, told: (shop) => shop.type('show') },
  { what: 'A window that is none', files: SHOP, told: (shop) => shop.type('run orders --window 2026-3-1') },
  {
    what: 'A day that the calendar does not have',
    files: SHOP,
    told: (shop) => shop.type('run orders --window 2026-02-30'),
  },
  { what: 'A window of the wrong kind', files: SHOP, told: (shop) => shop.type('run orders --window 2026-03') },
  {
    what: 'A range of which the end lies before the beginning',
    files: SHOP,
    told: (shop) => shop.type('run orders --window 2026-03-02..2026-03-01'),
  },
  { what: 'A range without an end', files: SHOP, told: (shop) => shop.type('run orders --window 2026-03-02..') },
  { what: 'No window for a job that has them', files: SHOP, told: (shop) => shop.type('run orders') },
  {
    what: 'A window for a job that has none',
    files: PLAIN,
    told: (shop) => shop.type('run plain --window 2026-03-01 --param country=GB'),
  },
  {
    what: 'A parameter that is none of its values',
    files: PLAIN,
    told: (shop) => shop.type('run plain --param country=UK'),
  },
  { what: 'A parameter that is missing', files: PLAIN, told: (shop) => shop.type('run plain') },
  { what: 'A mistyped parameter', files: PLAIN, told: (shop) => shop.type('run plain --param contry=GB') },
  {
    what: 'A parameter for a job that takes none',
    files: SHOP,
    told: (shop) => shop.type(`${RUN} --param country=GB`),
  },
  { what: 'A parameter that is no name=value', files: PLAIN, told: (shop) => shop.type('run plain --param GB') },
  {
    what: 'A dead letter that there is not',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      return shop.type('dead-letters show 4f2a')
    },
  },
  {
    what: 'A task that there is not',
    files: SHOP,
    told: async (shop) => {
      await shop.type(`${RUN} --inline`)
      return shop.type('debug latest/clean/7')
    },
  },
  { what: 'A code that there is not', told: (shop) => shop.type('explain JOB_UNKOWN') },
  { what: 'A folder that is no project', told: (shop) => shop.type('jobs') },
  {
    what: 'A project without jobs',
    told: (shop) => {
      mkdirSync(shop.at('jobs'))
      return shop.type(RUN)
    },
  },
  {
    what: 'A project that is not where --project says',
    files: SHOP,
    told: (shop) => shop.type('jobs --project shopp'),
  },
  {
    what: 'A mistyped key of the configuration',
    files: { ...SHOP, 'batchwright.config.json': '{ "slots": { "cuont": 4 } }' },
    told: (shop) => shop.type('jobs'),
  },
  {
    what: 'A configuration that is no JSON',
    files: { ...SHOP, 'batchwright.config.json': '{ "jobs": "jobs/*.ts", }' },
    told: (shop) => shop.type('jobs'),
  },
])
