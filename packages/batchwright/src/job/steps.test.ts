/* eslint-disable @typescript-eslint/no-unsafe-call -- calls that do not compile have no type */
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  check,
  contract,
  csv,
  daily,
  dataset,
  Decimal,
  drop,
  field,
  job,
  jsonl,
  monthly,
  parameters,
  parquet,
  record,
  reject,
  service,
  type Fold,
  type RecordOf,
  type WindowValue,
  type StepHandle,
} from '../index.ts'
import type { ColumnProblem, Fits } from './step-types.ts'

const lineRow = record({
  invoice: field.text().column('InvoiceNo'),
  quantity: field.integer(),
  price: field.decimal({ scale: 3 }),
  customer: field.integer({ allowZeroFraction: true }).optional(),
})
type Line = RecordOf<typeof lineRow>

const invoiceRow = record({ invoice: field.text(), lines: field.integer(), amount: field.decimal({ scale: 3 }) })
const ratedRow = record({ ...lineRow.shape, customer: field.integer(), amount: field.decimal({ scale: 3 }) })

const lines = dataset('lines', {
  window: daily(),
  missing: 'skip',
  files: 'in/{date}.csv.gz',
  format: csv(),
  contract: contract(1, lineRow),
})
const rated = dataset('rated', {
  window: monthly(),
  location: 'out/rated',
  format: jsonl(),
  contract: contract(1, ratedRow),
})
const invoices = dataset('invoices', {
  window: monthly(),
  location: 'out/invoices',
  format: parquet(),
  contract: contract(1, invoiceRow),
  key: ['invoice'],
  checks: [check.unique('invoice')],
})

function rate(line: Line) {
  if (line.customer === null) return reject('missing_customer')
  if (line.price.isZero()) return reject('zero_price')
  if (line.quantity === 0) return drop()
  return { ...line, customer: line.customer, amount: line.price.times(line.quantity) }
}

const total: Fold<RecordOf<typeof ratedRow>, { lines: number; amount: Decimal }, RecordOf<typeof invoiceRow>> = {
  initial: () => ({ lines: 0, amount: Decimal.zero }),
  add: (state, line) => ({ lines: state.lines + 1, amount: state.amount.plus(line.amount) }),
  finish: (state, invoice) => ({ invoice, ...state }),
}

const mail = service('mail', {
  open: () => ({ send: (to: string) => to.length }),
  close: (client) => void client.send(''),
})
const inLondon = { window: monthly({ timezone: 'Europe/London' }) }

type RecordIn<Step> = Step extends StepHandle<infer Row> ? Row : never

describe('records keep their type from the contract to the sink', () => {
  test('a whole job compiles and becomes the model', () => {
    const billing = job(
      'billing',
      { ...inLondon, parameters: parameters({ rate: field.decimal({ scale: 2 }).default('1') }) },
      (steps) => {
        const ratedLines = steps
          .records('rate')
          .read(lines)
          .use({ mail })
          .distinct({ within: 'file', reject: 'duplicate_line' })
          .process((line, context) => {
            expectTypeOf(line).toEqualTypeOf<Line>()
            expectTypeOf(context.window).toEqualTypeOf<WindowValue>()
            expectTypeOf(context.parameters.rate).toEqualTypeOf<string>()
            expectTypeOf(context.use.mail.send('a')).toEqualTypeOf<number>()
            // @ts-expect-error -- keyed state has to be declared
            expectTypeOf(context.state).toBeAny()
            return rate(line)
          })
          .rejects({ missing_customer: '40%', duplicate_line: 10, '*': { ratio: '1%', count: 1000 } })
          .retry({ attempts: 4, backoff: { first: '1s', max: '1min' } })
          .control({ amount: (line) => line.amount })
          .write(rated, { recordsPerPart: 50_000 })
        steps
          .reduce('invoice')
          .read(ratedLines)
          .by((line) => line.invoice)
          .fold(total)
          .control({ amount: (invoice) => invoice.amount })
          .write(invoices)
      },
    )
    expect(billing.steps.map((step) => [step.kind, step.name, step.after])).toEqual([
      ['records', 'rate', []],
      ['reduce', 'invoice', ['rate']],
    ])
    const [first, second] = billing.steps
    expect(first).toMatchObject({
      publish: 'together',
      readInside: false,
      shuffles: [{ to: 'invoice', buckets: 4 }],
      retry: { attempts: 4, firstMs: 1000, maxMs: 60_000, multiplier: 2, jitter: 0.2 },
      skip: { ratio: null, count: 0 },
      commit: { chunk: 1000, everyMs: 1000 },
      stateVersion: 0,
    })
    expect(first?.kind === 'records' && [...first.rejects]).toEqual([
      ['missing_customer', { ratio: 0.4, count: null }],
      ['duplicate_line', { ratio: null, count: 10 }],
      ['*', { ratio: 0.01, count: 1000 }],
    ])
    expect(second).toMatchObject({ input: { from: 'step', step: 'rate' }, memoryBytes: 64_000_000 })
    expect(billing.datasets.get('lines')?.window?.timezone).toBe('Europe/London')
  })

  test('process may return lists and promises, and its rules are known', () => {
    job('kinds', inLondon, (steps) => {
      const start = () => steps.records('a').read(lines)
      expectTypeOf(start).returns.toHaveProperty('process')
      const several = start().process(async (line) => {
        await Promise.resolve()
        return line.quantity > 1 ? [line, line] : reject('single')
      })
      const limited = several.skip(1)
      // @ts-expect-error -- a rule that process never rejects by
      limited.rejects({ other: 1 })
      steps
        .records('b')
        .read(several)
        .process((line) => {
          expectTypeOf(line).toEqualTypeOf<Line>()
          return drop()
        })
    })
  })

  test('a missing, an extra and a mistyped column are type errors that name the column', () => {
    const define = () =>
      job('columns', inLondon, (steps) => {
        const read = () => steps.records('a').read(lines)
        const whole = read().process((line) => ({ ...line, customer: 1, amount: line.price }))
        expectTypeOf(whole).toHaveProperty('write')
        expectTypeOf<Fits<RecordIn<typeof whole>, RecordOf<typeof ratedRow>>>().toEqualTypeOf<unknown>()
        const without = read().process((line) => ({ ...line, customer: 1 }))
        expectTypeOf<Fits<RecordIn<typeof without>, RecordOf<typeof ratedRow>>>().toEqualTypeOf<
          ColumnProblem<'column "amount" is missing from the records of this step'>
        >()
        // @ts-expect-error -- a column is missing
        without.write(rated)
        const more = read().process((line) => ({ ...line, customer: 1, amount: line.price, extra: 1 }))
        expectTypeOf<Fits<RecordIn<typeof more>, RecordOf<typeof ratedRow>>>().toEqualTypeOf<
          ColumnProblem<'column "extra" is not in the contract of the dataset'>
        >()
        // @ts-expect-error -- a column too many
        more.write(rated)
        const float = read().process((line) => ({ ...line, customer: 1, amount: 1.5 }))
        expectTypeOf<Fits<RecordIn<typeof float>, RecordOf<typeof ratedRow>>>().toEqualTypeOf<
          ColumnProblem<'column "amount" has another type than the contract says'>
        >()
        // @ts-expect-error -- a float where the contract says decimal
        float.write(rated)
        const nullable = read().process((line) => ({ ...line, amount: line.price }))
        // @ts-expect-error -- a customer that may be null
        nullable.write(rated)
        const nothing = read().process((line) =>
          line.quantity > 1 ? { ...line, customer: 1, amount: line.price } : undefined,
        )
        // @ts-expect-error -- one branch gives something that is no record
        nothing.write(rated)
        const unprocessed = read()
        // @ts-expect-error -- files cannot be written
        unprocessed.write(lines)
        const folded = steps
          .reduce('r')
          .read(lines)
          .by((line) => line.invoice)
        const counts = folded.fold({
          initial: () => 0,
          add: (n, line) => n + line.quantity,
          finish: (n, invoice) => ({ invoice, n }),
        })
        // @ts-expect-error -- what a fold gives is checked too
        counts.write(invoices)
      })
    expect(define).toThrow()
  })

  test('a wrong order of the chain is a type error', () => {
    const define = () =>
      job('order', inLondon, (steps) => {
        // @ts-expect-error -- read comes first
        steps.records('a').process(rate)
        // @ts-expect-error -- read comes first
        steps.records('a').write(rated)
        const processed = steps.records('b').read(lines).process(rate)
        // @ts-expect-error -- services are named before process uses them
        processed.use({ mail })
        // @ts-expect-error -- state is declared before process uses it
        processed.state()
        const limited = processed.rejects({ zero_price: 1 })
        // @ts-expect-error -- operations come before policies
        limited.process(rate)
        // @ts-expect-error -- operations come before policies
        limited.distinct({ within: 'file' })
        const written = limited.write(rated)
        // @ts-expect-error -- write ends the chain
        written.retry({ attempts: 2 })
        const keyless = steps.reduce('f').read(written)
        // @ts-expect-error -- a reduce step needs its key before its fold
        keyless.fold(total)
        const unfolded = keyless.by((line) => line.invoice)
        // @ts-expect-error -- a reduce step needs its fold before it can write
        unfolded.write(invoices)
        // @ts-expect-error -- a query needs its tables first
        steps.sql('h').query('select 1')
        // @ts-expect-error -- SQL reads what has been written
        steps.sql('i').read({ a: processed })
        const prepare = steps.function('k', () => null)
        // @ts-expect-error -- a function step gives no records
        steps.records('l').read(prepare)
      })
    expect(define).toThrow()
  })

  test('columns of keys and checks are those of the contract', () => {
    const common = { location: 'x', format: jsonl(), contract: contract(1, invoiceRow) }
    // @ts-expect-error -- no such field
    expect(() => dataset('a', { ...common, key: ['invoce'] })).toThrow(/no field "invoce".*contract/)
    // @ts-expect-error -- no such field
    expect(() => dataset('a', { ...common, checks: [check.unique('invoce')] })).toThrow(/check unique\(invoce\)/)
  })
})
