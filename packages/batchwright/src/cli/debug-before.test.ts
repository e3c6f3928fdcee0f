/** Tasks that read records between steps, debugged when the run has succeeded and those are gone. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeProject, untilWritten } from './fixtures/project.ts'

const JOB = `import { writeFileSync } from 'node:fs'
import { contract, csv, dataset, Decimal, field, job, jsonl, output, record, reject, service } from 'batchwright'

const row = record({ id: field.text(), customer: field.text(), price: field.decimal({ scale: 2 }) })
const sum = record({ customer: field.text(), amount: field.decimal({ scale: 2 }) })
const raw = dataset('raw', { files: 'in/*.csv', format: csv(), contract: contract(1, row) })
const refunds = dataset('refunds', { location: 'out/refunds', format: csv(), contract: contract(1, row) })
const sums = dataset('sums', { location: 'out/sums', format: jsonl(), contract: contract(1, sum) })
const rates = service('rates', { open: () => ({ of: (price: Decimal) => price }) })

type Row = { readonly id: string; readonly customer: string; readonly price: Decimal }
type Sum = { readonly customer: string; readonly amount: Decimal }
const fold = {
  initial: (customer: string): Sum => ({ customer, amount: Decimal.zero }),
  add: (sum: Sum, order: Row): Sum => ({ ...sum, amount: sum.amount.plus(order.price) }),
  finish: (sum: Sum) => sum,
}

export default job('orders', {}, (steps) => {
  const rate = steps.records('rate').read(raw)
    .process(async (order) => {
      if (order.id === process.env.STAY_AT) {
        writeFileSync('waiting', 'here')
        await new Promise((resolve) => setTimeout(resolve, 600_000))
      }
      return order.price.toString().startsWith('-') ? output('refunds', order) : order
    })
    .partition('file').outputs({ refunds })
  const clean = steps.records('clean').read(rate)
    .distinct({ within: 'partition', by: (order: Row) => order.customer + order.price.toString(), reject: 'twice' })
    .process((order) => order.id === 'bad' ? reject('bad') : { ...order, price: order.price.plus(Decimal.from('1')) })
    .rejects({ '*': '90%' })
  steps.reduce('sum').read(clean).by((order) => order.customer).buckets(1).fold(fold).write(sums)
  steps.reduce('spread').read(rate).by((order) => order.customer).buckets(16).fold(fold)
  steps.records('back').read(rate.output('refunds')).process((order) => order)
  const priced = steps.records('priced').read(raw).use({ rates })
    .process((order, { use }) => ({ ...order, price: use.rates.of(order.price) }))
  steps.records('told').read(priced).process((order) => order)
})
`
const HEAD = 'id,customer,price\n'
const A = `${HEAD}a1,ann,1.50\na2,bob,2.00\na3,ann,1.50\na4,cy,-3.00\n`
const B = `${HEAD}b1,ann,4.00\nbad,bob,1.00\nb3,dan,5.25\n`

const project = makeProject({ 'jobs/orders.ts': JOB, 'in/a.csv': A, 'in/b.csv': B, 'tmp/.keep': '' })
afterAll(() => {
  rmSync(project.folder, { recursive: true })
})

interface Item {
  readonly key?: string
  readonly reason?: string
  readonly fate?: string
  readonly id?: string
}
interface Told {
  readonly items: readonly Item[]
  readonly differences: readonly string[] | null
  readonly stepsBefore: readonly { readonly step: string; readonly partitions: readonly number[] }[]
}
interface Failed {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string }
}

const debug = async (...args: readonly string[]) => (await project.json<Told>('debug', ...args)).value
const refused = async (...args: readonly string[]) => (await project.json<Failed>('debug', ...args)).value.error
const again = (step: string, partitions: readonly number[], records: number, handedOn: number) => ({
  step,
  partitions,
  records,
  handedOn,
  handedOnThen: handedOn,
})

/** What is published and kept, hidden files too, byte for byte, and what the store says. */
const standing = async (): Promise<unknown> => [
  ['out', '.batchwright/runs', '.batchwright/artifacts'].flatMap((folder) =>
    readdirSync(path.join(project.folder, folder), { recursive: true, encoding: 'utf8' })
      .toSorted()
      .map((file) => {
        const target = path.join(project.folder, folder, file)
        return [target, statSync(target).isDirectory() ? null : readFileSync(target, 'base64')]
      }),
  ),
  (await project.json('runs')).value,
  (await project.json('show')).value,
  (await project.json('dead-letters', 'list')).value,
]

let before: unknown

beforeAll(async () => {
  expect(await project.cli('run', 'orders')).toMatchObject({ code: 0 })
  expect(project.files('.batchwright/runs/*/*/*/*inside*')).toEqual([])
  before = await standing()
})

test('a reduce step over two records steps is debugged on records made again, and nothing else changes', async () => {
  const told = await debug('latest/sum/0')
  expect(told).toMatchObject({
    items: [
      { key: 'ann', added: 2, records: [{ amount: '7.50' }] },
      { key: 'bob', added: 1, records: [{ amount: '3.00' }] },
      { key: 'dan', added: 1, records: [{ amount: '6.25' }] },
    ],
    differences: [],
    stepsBefore: [again('rate', [0, 1], 7, 6), again('clean', [0], 6, 4)],
  })
  expect(await standing()).toEqual(before)
})

test('a line says which steps are worked through again, and how many records they read', async () => {
  const { stdout } = await project.cli('debug', 'latest/sum/0', '--key', 'bob')
  expect(stdout).toContain('step rate is worked through again first, in a scratch folder: 2 partitions, 7 records')
  expect(stdout).toContain('step clean is worked through again first, in a scratch folder: 1 partition, 6 records')
  expect(stdout).toContain('bob')
})

test('of the step before only the partitions that feed the task are worked through', async () => {
  const tasks = await Promise.all([0, 1, 2].map((index) => debug(`latest/spread/${String(index)}`)))
  const fed = new Map(tasks.map(({ items, stepsBefore }) => [items.map(({ key }) => key).join(), stepsBefore]))
  expect(fed.get('ann')).toEqual([again('rate', [0, 1], 7, 6)])
  expect(fed.get('dan')).toEqual([again('rate', [1], 3, 3)])
})

test('a step that reads a named output gets the records of that output', async () => {
  expect(await debug('latest/back/0')).toMatchObject({
    items: [{ fate: 'written', records: [{ id: 'a4', price: '-3.00' }] }],
    differences: [],
    stepsBefore: [again('rate', [0], 4, 1)],
  })
})

test('a dead letter of a step that reads a step is found again by its position', async () => {
  const task = await debug('latest/clean/0')
  const letter = task.items.find(({ reason }) => reason === 'bad')?.id ?? ''
  const { value } = await project.json('dead-letters', 'debug', letter)
  expect(value).toMatchObject({
    id: letter,
    from: 'snapshot',
    now: { id: letter, source: 'rate/1', record: 2, fate: 'dead', reason: 'bad' },
    notes: [],
    stepsBefore: [{ step: 'rate' }],
  })
})

test('of several sources with a record of that number one can be named', async () => {
  const task = (...args: readonly string[]) => debug('latest/clean/0', '--record', ...args)
  expect((await task('2')).items).toMatchObject([{ source: 'rate/0', record: 2, fate: 'written' }])
  expect((await task('rate/1:2')).items).toMatchObject([{ source: 'rate/1', record: 2, reason: 'bad' }])
})

test('a step before that needs a service is said to, and worked through with --services', async () => {
  const error = await refused('latest/told/0')
  expect(error).toMatchObject({ code: 'DEBUG_NEEDS_SERVICES', hint: expect.stringContaining('--services') as string })
  expect(error.message).toContain('rates')
  const told = await debug('latest/told/0', '--services')
  expect(told).toMatchObject({ differences: [], stepsBefore: [{ step: 'priced' }] })
  expect(told.items).not.toEqual([])
})

test('Ctrl-C ends it without a trace, and nothing has changed', async () => {
  const tmp = path.join(project.folder, 'tmp')
  const running = project.start(['debug', 'latest/sum/0'], { STAY_AT: 'b3', TMPDIR: tmp })
  await untilWritten(project, 'waiting', running)
  expect(readdirSync(tmp)).toContainEqual(expect.stringMatching(/^batchwright-debug-/))
  running.child.kill('SIGINT')
  expect((await running.finished).code).toBe(130)
  expect(readdirSync(tmp)).toEqual(['.keep'])
  rmSync(path.join(project.folder, 'waiting'))
  expect(await standing()).toEqual(before)
})

test('the current code makes the records again where it plans the steps before as the run did', async () => {
  project.write('jobs/orders.ts', JOB.replace(".startsWith('-')", ".startsWith('4')"))
  const mended = await debug('latest/sum/0', '--code', 'current')
  expect(mended.items.map(({ key }) => key)).toEqual(['ann', 'bob', 'cy', 'dan'])
  project.write('jobs/orders.ts', JOB.replace('.buckets(16)', '.buckets(3)'))
  expect(await refused('latest/spread/0', '--code', 'current')).toMatchObject({ code: 'DEBUG_NOT_POSSIBLE' })
  const pinned = await debug('latest/spread/0')
  expect(pinned.differences).toEqual([])
  project.write('jobs/orders.ts', JOB)
})

test('a step before that fails as it is worked through again is named', async () => {
  project.write('jobs/orders.ts', JOB.replace("? reject('bad')", "? (() => { throw new Error('no such order') })()"))
  expect(await refused('latest/sum/0', '--code', 'current')).toMatchObject({
    code: 'DEBUG_STEP_BEFORE_FAILED',
    message: expect.stringContaining('no such order') as string,
  })
  project.write('jobs/orders.ts', JOB)
})

test('where files of the snapshot have changed the task is refused, and says which', async () => {
  project.write('in/b.csv', B.replace('5.25', '5.26'))
  const error = await refused('latest/sum/0')
  expect(error.code).toBe('DEBUG_INPUT_GONE')
  expect(error.message).toContain('in/b.csv')
  // Records that come of the other file alone can be made again.
  expect((await debug('latest/back/0')).differences).toEqual([])
  project.write('in/b.csv', B)
})
