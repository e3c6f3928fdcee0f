/** Job files with mistakes: told at their line, before anything runs. */
import { book } from './book.ts'
import type { JobText } from './shop.ts'
import { DAY, job, orders, RUN } from './shop.ts'

const withJob = (text: JobText): Record<string, string> => ({
  'jobs/orders.ts': job(text),
  [`in/${DAY}.csv`]: orders(3),
})

const typed = (what: string, text: JobText): Parameters<typeof book>[1][number] => ({
  what,
  files: withJob(text),
  told: (shop) => shop.type(RUN),
})

book('job-files', [
  typed('A syntax error', {
    steps: "steps.records('clean').read(raw)\n    .process((order) => { return order )\n    .write(clean)",
  }),
  typed('An import of a file that is not there', { imports: "import { rate } from './rates'\nrate()" }),
  typed('An import of a package that is not installed', {
    imports: "import currency from 'currency-codes'\ncurrency()",
  }),
  typed('An import of a name that Batchwright does not have', {
    imports: "import { monthy } from 'batchwright'\nmonthy()",
  }),
  typed('A job file that throws when it is loaded', {
    before: "const table = JSON.parse('{ no')\nconst check = (order: object) => order",
  }),
  {
    what: 'A job file without a default export',
    files: {
      'jobs/orders.ts': job().replace('export default job', 'export const orders = job'),
      [`in/${DAY}.csv`]: orders(3),
    },
    told: (shop) => shop.type(RUN),
  },
  {
    what: 'A default export that is no job',
    files: { 'jobs/orders.ts': "export default { name: 'orders' }\n" },
    told: (shop) => shop.type(RUN),
  },
  {
    what: 'Two jobs of one name',
    files: { ...withJob({}), 'jobs/orders-copy.ts': job() },
    told: (shop) => shop.type('jobs'),
  },
  typed('A name with capitals', { steps: "steps.records('Clean Orders').read(raw).process(check).write(clean)" }),
  typed('A job without steps', { steps: '' }),
  typed('Two steps of one name', {
    steps:
      "const first = steps.records('clean').read(raw).process(check)\n  steps.records('clean').read(first).process(check).write(clean)",
  }),
  typed('Steps that wait for each other', {
    steps: "steps.function('a', async () => {}).after('b')\n  steps.function('b', async () => {}).after('a')",
  }),
  typed('A step after one that there is not', {
    steps:
      "steps.records('clean').read(raw).after('chekc').process(check).write(clean)\n  steps.function('check', async () => {})",
  }),
  typed('A step that reads what nobody makes', {
    steps: "const sorted = undefined\n  steps.records('clean').read(sorted).process(check).write(clean)",
  }),
  typed('A step that reads what this very run will publish', {
    steps:
      "steps.records('clean').read(raw).process(check).write(clean)\n  steps.function('x', async () => {})\n  steps.records('again').read(clean).process(check)",
  }),
  typed('A kind of step that there is not', { steps: "steps.record('clean').read(raw).process(check).write(clean)" }),
  typed('An option that a step does not have', {
    steps:
      "steps\n    .records('clean')\n    .read(raw)\n    .process(check)\n    .retry({\n      attemps: 4,\n    })\n    .write(clean)",
  }),
  typed('A limit for rejects under a mistyped word', {
    steps: "steps.records('clean').read(raw).process(check).rejects({ no_price: 'five' }).write(clean)",
  }),
  typed('A duration that cannot be read', {
    steps: "steps.records('clean').read(raw).process(check).timeout('90 seconds').write(clean)",
  }),
  typed('A size that cannot be read', {
    raw: "window: daily(), files: 'in/{date}.csv', format: csv({ maxRecord: '16 megabytes' }), contract: contract(1, row)",
  }),
  typed('A placeholder that there is not', {
    raw: "window: daily(), files: 'in/{day}.csv', format: csv(), contract: contract(1, row)",
  }),
  typed('A check on a field that the contract does not have', {
    clean:
      "window: daily(), location: 'out/clean', format: csv(), contract: contract(1, row), checks: [checks.unique('ident')]",
  }),
  typed('A field that contradicts itself', {
    row: "record({ id: field.text().optional().default('x'), qty: field.integer(), price: field.decimal({ scale: 2 }) })",
  }),
  typed('A dataset of days in a job of no windows', { options: '' }),
  typed('Methods in the wrong order', {
    steps: "steps.records('clean').read(raw).process(check).write(clean).retry({ attempts: 4 })",
  }),
  typed('A function that declares steps and waits', {
    steps: "return Promise.resolve(steps.records('clean').read(raw).process(check).write(clean))",
  }),
])
