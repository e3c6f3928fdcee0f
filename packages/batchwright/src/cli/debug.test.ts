import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Debugger } from './fixtures/debugger.ts'
import { makeProject } from './fixtures/project.ts'

const JOB = `import { check, contract, csv, dataset, Decimal, field, job, jsonl, record, reject, service } from 'batchwright'

const row = record({ id: field.text(), customer: field.text().optional(), price: field.decimal({ scale: 2 }) })
const raw = dataset('raw', { files: 'in/*.csv', format: csv(), contract: contract(1, row) })
const clean = dataset('clean', { location: 'out/clean', format: csv(), contract: contract(1, row) })
const copy = dataset('copy', { location: 'out/copy', format: csv(), contract: contract(1, row) })
const sums = dataset('sums', {
  location: 'out/sums', format: jsonl(),
  contract: contract(1, record({ customer: field.text(), amount: field.decimal({ scale: 2 }) })),
  checks: [check.rowCount({ min: Number(process.env.AT_LEAST ?? 0) })],
})
const rates = service('rates', { open: () => ({ of: (id: string) => Decimal.from(id.length) }) })

interface Row { readonly id: string; readonly customer: string | null; readonly price: Decimal }

function rate(order: Row) {
  if (order.id === 'boom') throw new Error('no price for ' + order.id)
  return order.customer === null ? reject('missing_customer') : order
}

export default job('orders', {}, (steps) => {
  const rated = steps.records('rate').read(raw).process(rate).distinct({ within: 'file', reject: 'duplicate' })
    .rejects({ '*': '90%' }).skip('50%').control({ price: (order) => order.price }).write(clean)
  steps.reduce('sum').read(rated).by((order) => order.customer ?? '').buckets(1).fold({
    initial: (customer) => ({ customer, amount: Decimal.zero }),
    add: (sum, order) => ({ ...sum, amount: sum.amount.plus(order.price) }),
    finish: (sum) => sum,
  }).write(sums)
  steps.records('priced').read(raw).use({ rates })
    .process((order, { use, log }) => {
      log('info', 'priced', { id: order.id })
      return order.customer === null ? reject('missing_customer') : { ...order, price: use.rates.of(order.id) }
    })
    .skip('50%').write(copy)
  steps.function('tell', () => 'told')
})
`
const MENDED = JOB.replace(
  "throw new Error('no price for ' + order.id)",
  'return { ...order, price: Decimal.from("9.00") }',
)
const ROWS = 'id,customer,price\no1,ann,1.50\no2,,2.00\nboom,ann,3.00\no4,ann,x\no1,ann,1.50\no6,bob,0.10\n'

const project = makeProject({ 'jobs/orders.ts': JOB, 'in/a.csv': ROWS })
afterAll(() => {
  rmSync(project.folder, { recursive: true })
})

interface Item {
  readonly fate: string
  readonly record: number
  readonly id?: string
  readonly reason?: string
  readonly stack?: string
  readonly records?: readonly object[]
}
interface Told {
  readonly items: readonly Item[]
  readonly total: number
  readonly counters: object | null
  readonly differences: readonly string[] | null
  readonly log: readonly object[]
}
interface ToldOfLetter {
  readonly from: string
  readonly now: Item
  readonly notes: readonly string[]
}

/** Everything that a replay must not change: what is published, the runs and their letters. */
const standing = async (): Promise<unknown> => [
  project
    .files('out/**/*.{csv,jsonl,json}')
    .map((file) => [file, readFileSync(path.join(project.folder, file), 'utf8')]),
  (await project.json('runs')).value,
  (await project.json('show')).value,
  (await project.json('dead-letters', 'list')).value,
]

const idOf = (record: number, items: readonly Item[]): string => items.find((item) => item.record === record)?.id ?? ''
let replayed: Told
let before: unknown

beforeAll(async () => {
  expect((await project.cli('run', 'orders')).code).toBe(0)
  before = await standing()
  replayed = (await project.json<Told>('debug', 'latest/rate/0')).value
})

test('a task is worked through again as the run recorded it, and nothing is written', async () => {
  expect(replayed.items.map((item) => item.reason ?? item.fate)).toEqual([
    'written',
    'missing_customer',
    'USER_ERROR',
    'bad_number',
    'duplicate',
    'written',
  ])
  expect(replayed).toMatchObject({ total: 6, counters: { read: 6, written: 2, deadByRule: 2 }, differences: [] })
  const stack = replayed.items[2]?.stack?.split('\n') ?? []
  expect(stack).toEqual(['Error: no price for boom', expect.stringMatching(/^ {4}at rate \(.*jobs\/orders\.ts:17:/)])
  expect(await standing()).toEqual(before)
})

test('one record is picked out by number or byte, and a step that remembers knows those before it', async () => {
  const byNumber = await project.json<Told>('debug', 'orders/ra/0', '--record', '5')
  expect(byNumber.value).toMatchObject({ total: 1, items: [{ record: 5, reason: 'duplicate' }], counters: null })
  const byByte = await project.json<Told>('debug', 'rate/0', '--run', 'latest', '--record', 'byte:30')
  expect(byByte.value.items).toMatchObject([{ record: 2, reason: 'missing_customer' }])
  const { code, value } = await project.json('debug', 'latest/rate', '--record', '7')
  expect({ code, value }).toMatchObject({ code: 2, value: { error: { code: 'RECORD_NOT_FOUND' } } })
})

test('what cannot be replayed says so, and what can be done instead', async () => {
  const told = async (task: string): Promise<unknown> => (await project.json('debug', task)).value
  expect(await told('latest/tell/0')).toMatchObject({ error: { code: 'DEBUG_NOT_POSSIBLE' } })
  expect(await told('latest/rate/1')).toMatchObject({ error: { code: 'TASK_UNKNOWN' } })
  expect(await told('latest')).toMatchObject({ error: { code: 'TASK_UNKNOWN' } })
})

test('services are off like sinks, unless they are asked for', async () => {
  const off = (await project.json<Told>('debug', 'latest/priced/0', '--record', '1')).value
  expect(off).toMatchObject({ items: [{ fate: 'dead', reason: 'SERVICE_OFF' }], log: [{ message: 'priced' }] })
  const on = (await project.json<Told>('debug', 'latest/priced/0', '--record', '1', '--services')).value
  expect(on.items).toMatchObject([{ fate: 'written', records: [{ id: 'o1', price: '2' }] }])
})

test('with --inspect-brk a debugger stands at the first line of the step’s code, with the record that was asked for', async () => {
  const running = project.start(['debug', 'latest/rate/0', '--record', '3', '--inspect-brk=0'])
  const editor = await Debugger.attach(running, [])
  const stop = await editor.stopped()
  expect(stop).toMatchObject({ file: path.join(project.folder, 'jobs/orders.ts'), functionName: 'rate' })
  expect(await stop.locals()).toMatchObject({ order: { id: 'boom', customer: 'ann' } })
  await stop.resume()
  expect(await running.finished).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('no price for boom') as string,
  })
})

test('records between the steps of a run that failed are there: its keys can be looked at', async () => {
  const failed = project.start(['rerun', 'orders'], { AT_LEAST: '100' })
  expect((await failed.finished).code).toBe(1)
  const { value } = await project.json<Told>('debug', 'latest/sum/0')
  expect(value).toMatchObject({
    items: [{ key: 'ann', added: 1, records: [{ amount: '1.50' }] }, { key: 'bob' }],
    differences: [],
  })
  expect((await project.json<Told>('debug', 'latest/sum/0', '--key', 'bob')).value.items).toMatchObject([
    { key: 'bob' },
  ])
})

test('a mended job is tried on a task and on a letter before anything is replayed', async () => {
  const letter = idOf(3, replayed.items)
  const run = before instanceof Array ? (before as readonly { readonly runId?: string }[])[2]?.runId : undefined
  const debug = (...more: readonly string[]) =>
    project.json<ToldOfLetter>('dead-letters', 'debug', letter, '--run', run ?? '', ...more)
  const pinned = (await debug()).value
  expect(pinned).toMatchObject({ from: 'snapshot', now: { fate: 'dead', reason: 'USER_ERROR' } })
  project.write('jobs/orders.ts', MENDED)
  expect((await debug()).value.now).toMatchObject({ fate: 'dead' })
  expect((await debug('--code', 'current')).value.now).toMatchObject({
    fate: 'written',
    records: [{ id: 'boom', price: '9.00' }],
  })
  const task = (await project.json<Told>('debug', `${run ?? ''}/rate/0`, '--code', 'current')).value
  expect(task.differences).toContain(`record 3 of in/a.csv (${letter}) was set aside by the run, and passes now`)
  project.write('jobs/orders.ts', JOB)
})

test('where the input has changed a task cannot be replayed, and a letter is replayed from its own text', async () => {
  const letter = idOf(2, replayed.items)
  const run = before instanceof Array ? (before as readonly { readonly runId?: string }[])[2]?.runId : undefined
  project.write('in/a.csv', ROWS.replace('o6,bob', 'o6,ann!'))
  const { value } = await project.json('debug', `${run ?? ''}/rate/0`)
  expect(value).toMatchObject({
    error: { code: 'DEBUG_INPUT_GONE', hint: expect.stringContaining('dead-letters debug ID') as string },
  })
  const told = (await project.json<ToldOfLetter>('dead-letters', 'debug', letter.slice(0, 8), '--run', run ?? '')).value
  expect(told).toMatchObject({ from: 'letter', now: { fate: 'dead', reason: 'missing_customer' } })
  expect(told.notes).toHaveLength(1)
  project.write('in/a.csv', ROWS)
})
