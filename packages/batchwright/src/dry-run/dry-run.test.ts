import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import {
  check,
  contract,
  csv,
  daily,
  dataset,
  drop,
  field,
  job,
  jsonl,
  output,
  record,
  reject,
  service,
  type JobDefinition,
} from '../job/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { Decimal } from '../kernel/decimal.ts'
import { seededRandom } from '../kernel/random.ts'
import type { DryRunReport, DryRunRequest } from './contract.ts'
import { dryRun } from './dry-run.ts'

const made: string[] = []

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true })
})

function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-dry-run-'))
  made.push(folder)
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), content)
  }
  return folder
}

function run(definition: JobDefinition, project: string, options: Partial<DryRunRequest> = {}): Promise<DryRunReport> {
  return dryRun({
    job: definition,
    artifact: { codeVersion: 'c', path: 'c' },
    project,
    scratch: folderWith({}),
    window: null,
    parameters: {},
    sample: 200,
    step: null,
    effects: false,
    clock: systemClock,
    random: seededRandom(1),
    ...options,
  })
}

const row = record({
  id: field.text(),
  customer: field.text().optional(),
  qty: field.integer(),
  price: field.decimal({ scale: 2 }),
})
const lines = dataset('lines', { files: 'in/*.csv', format: csv(), contract: contract(1, row) })
const good = dataset('good', {
  location: 'out/good',
  format: csv(),
  contract: contract(1, row),
  checks: [check.range('qty', { max: 5 }), check.rowCount({ min: 1000 })],
})
const sums = dataset('sums', {
  location: 'out/sums',
  format: jsonl(),
  contract: contract(1, record({ customer: field.text(), amount: field.decimal({ scale: 2 }) })),
})

const sales = job('sales', {}, (steps) => {
  const rated = steps
    .records('rate')
    .read(lines)
    .process((line) => {
      if (line.id === 'boom') throw new Error('boom went off')
      if (line.id === 'none') return drop()
      return line.customer === null ? reject('missing_customer') : line
    })
    .rejects({ missing_customer: '10%' })
    .write(good)
  steps
    .reduce('sum')
    .read(rated)
    .by((line) => line.customer ?? '')
    .fold({
      initial: () => ({ customer: '', amount: Decimal.zero }),
      add: (sum, line) => ({
        customer: line.customer ?? '',
        amount: sum.amount.plus(line.price.times(line.qty)),
      }),
      finish: (sum) => [sum],
    })
    .buckets(16)
    .write(sums)
})

const LINES = ['a1,ann,2,1.50', 'a2,,1,1.00', 'boom,bob,1,1.00', 'none,bob,1,1.00', 'a5,ann,x,1.00', 'a6,bob,9,2.25']
const CSV = ['id,customer,qty,price', ...LINES, ''].join('\n')

describe('a dry run of a job', () => {
  const project = folderWith({ 'in/a.csv': CSV })
  const whole = run(sales, project)

  test('leaves the project as it was', async () => {
    await whole
    expect(readdirSync(project, { recursive: true }).sort()).toEqual(['in', 'in/a.csv'])
  })

  test('publishes nothing, not even in the scratch folder', async () => {
    const scratch = folderWith({})
    const report = await run(sales, project, { scratch })
    expect(report.outputs.map((one) => one.records)).toEqual([2, 2])
    expect(readdirSync(scratch, { recursive: true }).filter((file) => String(file).includes('manifests'))).toEqual([])
  })

  test('shows each record before and after, and what became of it', async () => {
    const [rate] = (await whole).steps
    expect(
      rate?.records.map(({ source, record: number, before, after, fate, reason }) => [
        source,
        number,
        before['id'],
        after,
        fate,
        reason,
      ]),
    ).toEqual([
      [
        'in/a.csv',
        1,
        'a1',
        [{ output: null, row: { id: 'a1', customer: 'ann', qty: 2, price: '1.50' } }],
        'written',
        null,
      ],
      ['in/a.csv', 2, 'a2', [], 'dead', 'missing_customer'],
      ['in/a.csv', 3, 'boom', [], 'dead', 'USER_ERROR'],
      ['in/a.csv', 4, 'none', [], 'dropped', null],
      [
        'in/a.csv',
        6,
        'a6',
        [{ output: null, row: { id: 'a6', customer: 'bob', qty: 9, price: '2.25' } }],
        'written',
        null,
      ],
    ])
  })

  test('counts dead letters by cause and reason, with an example of each', async () => {
    const [rate] = (await whole).steps
    expect(
      rate?.dead.map(({ cause, reason, count, example }) => [cause, reason, count, example.record, example.raw]),
    ).toEqual([
      ['rule', 'missing_customer', 1, 2, 'a2,,1,1.00'],
      ['error', 'USER_ERROR', 1, 3, 'boom,bob,1,1.00'],
      ['contract', 'bad_number', 1, 5, 'a5,ann,x,1.00'],
    ])
    expect(rate?.dead[1]?.example.stack).toMatch(/^Error: boom went off/)
  })

  test('judges limits afterwards: breaking one stops nothing', async () => {
    const report = await whole
    expect(report.failure).toBeNull()
    expect(report.steps[0]?.limits.map(({ name, passed }) => [name, passed])).toEqual([
      ['rejects by missing_customer', false],
      ['records that failed (skip)', false],
    ])
  })

  test('shows the keys of a reduce step with the records that made them', async () => {
    const sum = (await whole).steps[1]
    expect(sum?.keys.map(({ key, records, before, after }) => [key, records, before[0]?.['id'], after])).toEqual([
      ['ann', 1, 'a1', [{ customer: 'ann', amount: '3.00' }]],
      ['bob', 1, 'a6', [{ customer: 'bob', amount: '20.25' }]],
    ])
  })

  test('shows what would be published with its checks, whose severity stays as declared', async () => {
    const [first, second] = (await whole).outputs
    expect(first).toMatchObject({ step: 'rate', dataset: 'good', records: 2, unjudged: [] })
    expect(first?.checks.map(({ name, severity, passed }) => [name, severity, passed])).toEqual([
      ['range(qty)', 'block', false],
      ['rowCount', 'block', false],
    ])
    expect(second?.rows).toEqual([
      { customer: 'ann', amount: '3.00' },
      { customer: 'bob', amount: '20.25' },
    ])
  })
})

describe('the sample', () => {
  const many = (name: string): string =>
    [
      'id,customer,qty,price',
      ...Array.from({ length: 500 }, (_, index) => `${name}${index + 1},"ann\nlee",1,1.00`),
      '',
    ].join('\n')
  const project = folderWith({ 'in/a.csv': many('a'), 'in/b.csv.gz': gzipSync(many('b')) })
  const both = dataset('lines', { files: 'in/*.csv*', format: csv(), contract: contract(1, row) })
  const copying = job('copying', {}, (steps) => {
    steps.records('copy').read(both).write(good)
  })

  test('is spread over the files, compressed ones too, and cut between records', async () => {
    const report = await run(copying, project, { sample: 20 })
    expect(report.failure).toBeNull()
    expect(report.inputs).toMatchObject([
      { found: 2, read: 2, records: 20, whole: false, paths: ['in/a.csv', 'in/b.csv.gz'] },
    ])
    expect(report.steps[0]?.records.map(({ before }) => before['id'])).toEqual(
      ['a', 'b'].flatMap((name) => Array.from({ length: 10 }, (_, index) => `${name}${index + 1}`)),
    )
    expect(report.steps[0]?.dead).toEqual([])
  })

  test('says which checks it cannot answer', async () => {
    const report = await run(copying, project, { sample: 20 })
    expect(report.outputs[0]?.unjudged).toEqual(['rowCount'])
    expect(report.outputs[0]?.checks.map((one) => one.name)).toEqual(['range(qty)'])
  })

  test('is taken from the windows that the run reads', async () => {
    const days = folderWith({ 'in/2026-03-01.csv': many('x'), 'in/2026-03-02.csv': many('y') })
    const raw = dataset('lines', { window: daily(), files: 'in/{date}.csv', format: csv(), contract: contract(1, row) })
    const day = job('day', { window: daily() }, (steps) => {
      steps
        .records('copy')
        .read(raw)
        .write(dataset('good', { window: daily(), location: 'out/good', format: csv(), contract: contract(1, row) }))
    })
    const report = await run(day, days, { window: '2026-03-02', sample: 3 })
    expect(report.steps[0]?.records.map(({ before }) => before['id'])).toEqual(['y1', 'y2', 'y3'])
    const missing = await run(day, days, { window: '2026-03-03' })
    expect(missing.inputs[0]?.error?.code).toBe('INPUT_MISSING')
    expect(missing.steps[0]).toMatchObject({ state: 'skipped', why: 'there is no input: lines' })
  })
})

test('records for named outputs are seen with their output, and each output has its rows', async () => {
  const project = folderWith({ 'in/a.csv': CSV })
  const target = (name: string) => dataset(name, { location: `out/${name}`, format: csv(), contract: contract(1, row) })
  const splitting = job('splitting', {}, (steps) => {
    steps
      .records('split')
      .read(lines)
      .process((line) => (line.customer === 'bob' ? output('bobs', line) : line))
      .skip('90%')
      .outputs({ bobs: target('bobs') })
      .write(target('others'))
  })
  const report = await run(splitting, project)
  expect(report.failure).toBeNull()
  expect(report.steps[0]?.records.map(({ before, after }) => [before['id'], after.map((one) => one.output)])).toEqual([
    ['a1', [null]],
    ['a2', [null]],
    ['boom', ['bobs']],
    ['none', ['bobs']],
    ['a6', ['bobs']],
  ])
  expect(report.outputs.map((one) => [one.dataset, one.output, one.records])).toEqual([
    ['others', null, 2],
    ['bobs', 'bobs', 3],
  ])
})

describe('which steps run', () => {
  const project = folderWith({ 'in/a.csv': CSV })
  let called = 0
  const mail = service('mail', { open: () => ({ send: () => (called += 1) }) })
  const acting = job('acting', {}, (steps) => {
    const rated = steps.records('rate').read(lines).skip('90%').write(good)
    steps
      .records('send')
      .read(rated)
      .use({ mail })
      .process((line, { use }) => {
        use.mail.send()
        return line
      })
      .write(sums2)
    steps.function('notify', () => {
      called += 100
      return { done: true }
    })
  })

  test('what may act outside does not, unless it is allowed', async () => {
    const report = await run(acting, project)
    expect(report.steps.map(({ name, state, why }) => [name, state, why])).toEqual([
      ['rate', 'ran', null],
      ['send', 'skipped', 'it uses the service mail'],
      ['notify', 'skipped', 'a function may act outside the job'],
    ])
    expect(called).toBe(0)
    const allowed = await run(acting, project, { effects: true })
    expect(allowed.steps.map(({ name, state }) => [name, state])).toEqual([
      ['rate', 'ran'],
      ['send', 'ran'],
      ['notify', 'ran'],
    ])
    expect(allowed.steps[2]?.result).toEqual({ done: true })
    expect(allowed.steps[1]?.counters?.read).toBe(5)
    expect(called).toBe(105)
  })

  test('totals over two datasets are compared where the whole of both was read, and not over samples', async () => {
    const promised = dataset('promised', { files: 'promised.csv', format: csv(), contract: contract(1, row) })
    const definition = job('reconciling', {}, (steps) => {
      const told = steps
        .records('told')
        .read(promised)
        .control({ qty: (line) => line.qty })
      steps
        .records('found')
        .read(lines)
        .after(told)
        .control({ qty: (line) => line.qty })
    })
    const header = 'id,customer,qty,price\n'
    const folder = folderWith({
      'promised.csv': `${header}all,ann,9,1.00\n`,
      'in/a.csv': `${header}1,ann,1,1.00\n2,ann,2,1.00\n3,ann,3,1.00\n`,
    })
    expect((await run(definition, folder, { sample: 2 })).failure).toBeNull()
    expect((await run(definition, folder)).failure).toMatchObject({ step: 'found', code: 'VERIFICATION_FAILED' })
  })

  test('one step runs with what it needs, and no other', async () => {
    const upstream = await run(sales, project, { step: 'rate' })
    expect(upstream.steps.map(({ name, state }) => [name, state])).toEqual([['rate', 'ran']])
    const both = await run(sales, project, { step: 'sum' })
    expect(both.steps.map(({ name }) => name)).toEqual(['rate', 'sum'])
    await expect(run(sales, project, { step: 'rat' })).rejects.toMatchObject({ code: 'STEP_UNKNOWN' })
  })

  test('a file without a needed column fails the step that reads it, and says so', async () => {
    const report = await run(sales, folderWith({ 'in/a.csv': 'id,customer,price\n1,ann,2.00\n' }))
    expect(report.failure).toMatchObject({ step: 'rate', code: 'COLUMN_MISSING' })
    expect(report.steps.map(({ name, state }) => [name, state])).toEqual([
      ['rate', 'failed'],
      ['sum', 'skipped'],
    ])
  })
})

const sums2 = dataset('sent', { location: 'out/sent', format: csv(), contract: contract(1, row) })
