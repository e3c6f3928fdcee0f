import { expect, expectTypeOf, test } from 'vitest'
import {
  contract,
  csv,
  daily,
  dataset,
  field,
  job,
  jsonl,
  lookup,
  monthly,
  record,
  service,
  type Decimal,
  type RecordOf,
} from '../index.ts'
import { planFingerprint } from './index.ts'
import type { JobDefinition } from './model.ts'

const lineRow = record({ id: field.text(), customer: field.integer(), currency: field.text() })
const customerRow = record({ id: field.integer(), name: field.text() })
const rateRow = record({ currency: field.text(), day: field.date(), rate: field.decimal({ scale: 4 }) })
type Customer = RecordOf<typeof customerRow>
type Rate = RecordOf<typeof rateRow>

const lines = dataset('lines', {
  window: daily(),
  files: 'in/{date}.csv',
  format: csv(),
  contract: contract(1, lineRow),
})
const customers = dataset('customers', { files: 'customers.csv', format: csv(), contract: contract(1, customerRow) })
const rates = dataset('rates', { window: daily(), location: 'rates', format: jsonl(), contract: contract(1, rateRow) })
const out = dataset('out', { window: daily(), location: 'out', format: jsonl(), contract: contract(1, lineRow) })
const months = dataset('months', {
  window: monthly(),
  files: '{window}.csv',
  format: csv(),
  contract: contract(1, rateRow),
})

type Steps = Parameters<Parameters<typeof job>[2]>[0]

function daily1(declare: (steps: Steps) => unknown): JobDefinition {
  return job('looking', { window: daily() }, (steps) => {
    declare(steps)
  })
}

test('a table is found by the types of its key fields, and gives rows of its contract', () => {
  const defined = daily1((steps) => {
    steps
      .records('price')
      .read(lines)
      .lookup({
        customers: lookup(customers, { by: 'id' }),
        rates: lookup(rates.previous(7), { by: ['currency', 'day'], duplicates: 'last', limit: '1MB', rows: 10 }),
        named: lookup(customers, { by: 'name', duplicates: 'list' }),
      })
      .process((line, { use }) => {
        expectTypeOf(use.customers.get(line.customer)).toEqualTypeOf<Customer | undefined>()
        expectTypeOf(use.rates.get('EUR', '2011-01-04')).toEqualTypeOf<Rate | undefined>()
        expectTypeOf(use.named.get('Ann')).toEqualTypeOf<readonly Customer[]>()
        expectTypeOf(use.rates.get('EUR', '2011-01-04')?.rate).toEqualTypeOf<Decimal | undefined>()
        // @ts-expect-error -- customers are found by number
        expect(use.customers.get(line.id)).toBeUndefined()
        // @ts-expect-error -- rates are found by currency and day
        expect(() => use.rates.get('EUR')).toThrow()
        return line
      })
      .write(out)
    const sized = { customers: lookup(customers, { by: 'id' }) }
    steps.function('count', { lookup: sized }, ({ use }) => {
      expectTypeOf(use.customers.size).toEqualTypeOf<number>()
    })
  })
  const [price, count] = defined.steps
  expect(price?.lookups.get('rates')).toMatchObject({
    by: ['currency', 'day'],
    windows: { select: 'previous', count: 7 },
    duplicates: 'last',
    limitBytes: 1_000_000,
    limitRows: 10,
  })
  expect(count?.lookups.get('customers')).toMatchObject({
    duplicates: 'fail',
    limitBytes: 16_000_000,
    limitRows: 1_000_000,
  })
  expect([...defined.datasets.keys()].sort()).toEqual(['customers', 'lines', 'out', 'rates'])
})

test('what a step looks up is part of its plan: another key is another plan', () => {
  const by = (field: 'id' | 'name') =>
    daily1((steps) => {
      steps
        .records('a')
        .read(lines)
        .lookup({ customers: lookup(customers, { by: field }) })
        .process((line) => line)
    })
  expect(planFingerprint(by('id'), 'a')).toBe(planFingerprint(by('id'), 'a'))
  expect(planFingerprint(by('id'), 'a')).not.toBe(planFingerprint(by('name'), 'a'))
})

const read = (steps: Steps) => steps.records('a').read(lines)

test.each([
  ['a field that is not there', () => lookup(customers, { by: 'nam' as 'name' }), 'LOOKUP_INVALID', '"name"'],
  ['no field', () => lookup(customers, { by: [] as never }), 'LOOKUP_INVALID', 'one or more'],
  ['no dataset', () => lookup(customerRow as never, { by: 'id' as never }), 'LOOKUP_INVALID', 'expected a dataset'],
  [
    'an unknown policy',
    () => lookup(customers, { by: 'id', duplicates: 'frist' as 'first' }),
    'LOOKUP_INVALID',
    'first',
  ],
  ['no rows', () => lookup(customers, { by: 'id', rows: 0 }), 'LOOKUP_INVALID', '100_000'],
  ['a mistyped option', () => lookup(customers, { by: 'id', maxRows: 3 } as never), 'UNKNOWN_OPTION', 'rows'],
  [
    'a dataset in place of a lookup',
    () => daily1((steps) => read(steps).lookup({ customers } as never)),
    'STEP_INVALID',
    "lookup(dataset, { by: 'id' })",
  ],
  [
    'one name for a service and a lookup',
    () =>
      daily1((steps) =>
        read(steps)
          .use({ a: service('a', { open: () => 1 }) })
          .lookup({ a: lookup(customers, { by: 'id' }) }),
      ),
    'STEP_INVALID',
    'another name',
  ],
  [
    'windows that do not fit',
    () => daily1((steps) => read(steps).lookup({ months: lookup(months, { by: 'day' }) })),
    'WINDOW_MISFIT',
    '.lookup()',
  ],
  [
    'what the job itself is about to write',
    () =>
      daily1((steps) =>
        read(steps)
          .lookup({ out: lookup(out, { by: 'id' }) })
          .process((line) => line as never)
          .write(out),
      ),
    'DATASET_NOT_YET_PUBLISHED',
    'previous(1)',
  ],
])('refused at definition: %s', (_, define, code, said) => {
  let thrown: unknown
  try {
    define()
  } catch (error) {
    thrown = error
  }
  expect(thrown).toMatchObject({ code })
  expect(`${String(thrown)} ${String((thrown as { hint?: string }).hint)}`).toContain(said)
})
