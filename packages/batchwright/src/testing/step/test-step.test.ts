import { expect, expectTypeOf, test } from 'vitest'
import {
  contract,
  csv,
  dataset,
  Decimal,
  drop,
  field,
  files,
  job,
  jsonl,
  lookup,
  monthly,
  output,
  parameters,
  record,
  reject,
  service,
  type RecordOf,
} from '../../index.ts'
import { assertDead, assertDropped, assertWritten, testStep } from '../index.ts'
import type { StepOutcome, StepReport } from '../index.ts'

const lineRow = record({
  invoice: field.text().column('Invoice No'),
  price: field.decimal({ scale: 2 }),
  day: field.date({ format: 'DD/MM/YYYY' }),
  country: field.text().optional(),
})
type Line = RecordOf<typeof lineRow>
const lines = dataset('lines', {
  files: 'in/*.csv',
  format: csv(),
  contract: contract(2, lineRow, { upcast: { 1: (old) => ({ ...old, country: 'Unspecified' }) } }),
})
const ratedRow = record({ ...lineRow.shape, amount: field.decimal({ scale: 2 }) })
const rated = dataset('rated', { location: 'out/rated', format: jsonl(), contract: contract(1, ratedRow) })
const totals = dataset('totals', {
  location: 'out/totals',
  format: jsonl(),
  contract: contract(1, record({ invoice: field.text(), amount: field.decimal({ scale: 2 }) })),
})
interface Rates {
  factor(country: string): Promise<Decimal>
}
const rates = service('rates', { open: (): Rates => ({ factor: () => Promise.reject(new Error('the real one')) }) })

function rate(line: Line) {
  if (line.price.isZero()) return reject('zero_price')
  if (line.invoice.startsWith('C')) return drop()
  return { ...line, amount: line.price.times(2) }
}

const billing = job(
  'billing',
  { window: monthly({ timezone: 'Europe/London' }), parameters: parameters({ factor: field.integer().default(1) }) },
  (steps) => {
    const rating = steps
      .records('rate')
      .read(lines)
      .distinct({ within: 'file', reject: 'duplicate' })
      .process(rate)
      .control({ amount: (line) => line.amount })
      .write(rated)
    steps
      .reduce('total')
      .read(rating)
      .by((line) => line.invoice)
      .fold({
        initial: (invoice) => ({ invoice, amount: Decimal.zero }),
        add: (sum, line) => ({ ...sum, amount: sum.amount.plus(line.amount) }),
        finish: (sum) => sum,
      })
      .write(totals)
    steps
      .records('convert')
      .read(rating)
      .use({ bank: rates })
      .state()
      .process(async (line, { use, state, window, parameters: { factor }, logicalTime, log, position }) => {
        const seen = Number(state.get(line.invoice) ?? 0) + 1
        state.set(line.invoice, seen)
        log('info', 'converted', { record: position.record })
        const amount = line.amount.times(await use.bank.factor(line.country ?? '')).times(factor)
        return { invoice: line.invoice, amount, seen, month: window.key, at: logicalTime }
      })
    steps.function('tell', () => 'told')
  },
)

const raw = { 'Invoice No': 'A1', price: '1.50', day: '04/01/2011', country: '' }
const typed: Line = { invoice: 'A1', price: Decimal.from('1.50'), day: '2011-01-04', country: null }

test('a function by itself: its result is told as written, dropped or dead, with types of its own', async () => {
  const outcome = await testStep(rate, typed)
  expectTypeOf(outcome).toExtend<StepOutcome<Line & { readonly amount: Decimal }, 'zero_price'>>()
  assertWritten(outcome, { ...typed, amount: Decimal.from('3') })
  assertWritten<object>(outcome, { ...typed, price: '1.5', amount: '3' })
  assertDropped(await testStep(rate, { ...typed, invoice: 'C1' }))
  const dead = await testStep(rate, { ...typed, price: Decimal.zero })
  expect(dead).toEqual({ outcome: 'dead', cause: 'rule', reason: 'zero_price', message: 'zero_price' })
  if (dead.outcome === 'dead' && dead.cause === 'rule') expectTypeOf(dead.reason).toEqualTypeOf<'zero_price'>()
  const report = await testStep(rate, [typed, { ...typed, price: Decimal.zero }])
  expectTypeOf(report).toExtend<StepReport<object, 'zero_price'>>()
  expect(report.counters).toEqual({ read: 2, accepted: 1, written: 1, dropped: 0, dead: 1 })
  // @ts-expect-error -- a record without a price is no line
  await expect(testStep(rate, { invoice: 'A1' })).resolves.toMatchObject({ outcome: 'dead', cause: 'error' })
})

test('a function with contracts reads raw columns and is held against the sink’s contract', async () => {
  assertWritten(await testStep(rate, raw, { reads: lines, writes: rated }), { ...typed, amount: Decimal.from('3.00') })
  const blank = await testStep(rate, { ...raw, price: '' }, { reads: lines })
  expect(blank).toMatchObject({ outcome: 'dead', cause: 'contract', reason: 'blank' })
  const extra = await testStep((line: Line) => ({ ...line, note: 'x' }), raw, { reads: lines, writes: rated })
  assertDead(extra, 'OUTPUT_INVALID')
  const byName = await testStep((line: Line) => output('credits', line), raw, { reads: lines })
  expect(byName).toMatchObject({ outcome: 'written', records: [], named: { credits: [{ invoice: 'A1' }] } })
})

test.each([
  ['raw text by column', raw],
  ['raw text by field', { invoice: 'A1', price: ' 1.50 ', day: '04/01/2011' }],
  ['typed values', typed],
])('a named step reads %s as its source would', async (_, given) => {
  assertWritten(await testStep<Line & { amount: Decimal }>(billing, 'rate', given), {
    ...typed,
    amount: Decimal.from('3.00'),
  })
})

test('what breaks the contract is dead with the contract’s reason; a column that is missing is the test’s mistake', async () => {
  assertDead(await testStep(billing, 'rate', { ...raw, price: '1,50' }), 'bad_number')
  assertDead(await testStep(billing, 'rate', { ...raw, day: '2011-13-01' }), 'bad_date')
  await expect(
    testStep(billing, 'rate', { 'Invoice No': 'A1', pice: '1.50', day: '04/01/2011' }),
  ).rejects.toMatchObject({
    code: 'COLUMN_MISSING',
    hint: 'Write "price" instead of "pice".',
  })
  const old = await testStep(
    billing,
    'rate',
    { 'Invoice No': 'A1', price: '1.50', day: '04/01/2011' },
    { contractVersion: 1 },
  )
  expect(old).toMatchObject({ records: [{ country: 'Unspecified' }] })
})

test('a list goes through in order: distinct remembers, controls add up', async () => {
  const report = await testStep(billing, 'rate', [raw, raw, { ...raw, price: '0' }, { ...raw, price: '2.25' }])
  expect(report.outcomes.map((each) => (each.outcome === 'dead' ? each.reason : each.outcome))).toEqual([
    'written',
    'duplicate',
    'zero_price',
    'written',
  ])
  expect(report).toMatchObject({ controls: { amount: '7.5' }, counters: { read: 4, accepted: 2, dead: 2 } })
})

test('a reduce step folds a list, key by key', async () => {
  const line = { ...typed, amount: Decimal.from('1.10') }
  const report = await testStep(billing, 'total', [line, { ...line, invoice: 'B1' }, line])
  expect(report.keys).toEqual({
    A1: [{ invoice: 'A1', amount: Decimal.from('2.20') }],
    B1: [{ invoice: 'B1', amount: Decimal.from('1.10') }],
  })
  expect(report.records).toHaveLength(2)
})

test('a step finds window, parameters, clients, state, time and log as the test gives them', async () => {
  const logged: unknown[] = []
  const bank: Rates = { factor: () => Promise.resolve(Decimal.from('0.5')) }
  const line = { ...typed, amount: Decimal.from('3.00') }
  const options = { window: '2011-01', params: { factor: '3' }, services: { rates: bank }, state: { A1: 4 } }
  const outcome = await testStep(billing, 'convert', line, { ...options, log: (each) => logged.push(each) })
  assertWritten(outcome, {
    invoice: 'A1',
    amount: Decimal.from('4.5'),
    seen: 5,
    month: '2011-01',
    at: '2011-02-01T00:00:00Z',
  })
  expect(logged).toEqual([{ level: 'info', message: 'converted', fields: { record: 1 } }])
  const report = await testStep(billing, 'convert', [line, line], { ...options, now: '2026-01-02T00:00:00Z' })
  expect(report.records).toMatchObject([{ seen: 5, at: '2026-01-02T00:00:00Z' }, { seen: 6 }])
  assertDead(await testStep(billing, 'convert', line, { window: '2011-01' }), 'SERVICE_NOT_FAKED')
})

test('a step looks rows up in what the test gives for its lookups', async () => {
  const countries = dataset('countries', {
    files: 'countries.csv',
    format: csv(),
    contract: contract(1, record({ code: field.text(), name: field.text() })),
  })
  const naming = job('naming', {}, (steps) => {
    steps
      .records('name')
      .read(lines)
      .lookup({ countries: lookup(countries, { by: 'code' }) })
      .process((line, { use }) => ({ ...line, country: use.countries.get(line.country ?? '')?.name ?? null }))
  })
  const given = { ...typed, country: 'UK' }
  const rows = { countries: [{ code: 'UK', name: 'United Kingdom' }] }
  assertWritten(await testStep(naming, 'name', given, { lookups: rows }), { ...typed, country: 'United Kingdom' })
  assertWritten(await testStep(naming, 'name', given, { lookups: { countries: [] } }), { ...typed, country: null })
  assertDead(await testStep(naming, 'name', given), 'LOOKUP_NOT_GIVEN')
  await expect(testStep(naming, 'name', given, { lookups: { country: [] } })).rejects.toMatchObject({
    code: 'LOOKUP_UNKNOWN',
  })
})

test('files of a record are kept in memory and told with it; those of a call that failed are not', async () => {
  const thumbs = dataset('thumbs', { location: 'out/thumbs', format: files() })
  let calls = 0
  const drawing = job('drawing', {}, (steps) => {
    steps
      .records('draw')
      .read(lines)
      .files({ thumbs })
      .process(async (line, context) => {
        calls += 1
        await context.files.thumbs.write(`${line.invoice}/${calls}.txt`, ['thumb of ', line.invoice])
        if (calls === 1) throw new Error('for a moment')
        return line
      })
      .retry({ attempts: 2, errors: ['*'] })
  })
  const outcome = await testStep(drawing, 'draw', typed)
  assertWritten(outcome)
  expect(outcome.files.map(({ output: to, name, content }) => [to, name, content.toString()])).toEqual([
    ['thumbs', 'A1/2.txt', 'thumb of A1'],
  ])
})

test('what is wrong with the test is said as an error', async () => {
  await expect(testStep(billing, 'rat', raw)).rejects.toMatchObject({ code: 'STEP_UNKNOWN' })
  await expect(testStep(billing, 'tell', raw)).rejects.toMatchObject({ code: 'STEP_NOT_TESTABLE' })
  await expect(testStep(billing, 'total', raw)).rejects.toMatchObject({ code: 'STEP_NOT_TESTABLE' })
  await expect(testStep(billing, 'rate', raw, { services: { bank: {} } })).rejects.toMatchObject({
    code: 'SERVICE_UNKNOWN',
  })
  await expect(testStep(billing, 'rate', raw, { window: 'soon' })).rejects.toMatchObject({ code: 'WINDOW_INVALID' })
})

test('an assertion that fails says in which columns, or why the record was set aside', async () => {
  const outcome = await testStep(rate, typed)
  expect(() => {
    assertWritten(outcome, { ...typed, country: 'UK', amount: Decimal.from('3.01') })
  }).toThrow('row 1:\n    country: expected "UK", found null\n    amount: expected "3.01", found "3.00"')
  const broken = await testStep((): object => {
    throw new Error('no price list')
  }, typed)
  expect(() => {
    assertWritten(broken)
  }).toThrow(/was set aside: error USER_ERROR: no price list\n\s+at .*test-step\.test\.ts/)
  expect(() => {
    assertDead(outcome, 'zero_price')
  }).toThrow('expected the record to be set aside for "zero_price", it was written: {"invoice":"A1"')
})
