import { expect, expectTypeOf, test } from 'vitest'
import {
  contract,
  csv,
  dataset,
  field,
  job,
  jsonl,
  output,
  record,
  reject,
  type Decimal,
  type Named,
  type OutputHandle,
} from '../index.ts'
import { datasetsWritten } from './index.ts'
import type { JobDefinition } from './model.ts'

const line = record({ id: field.text(), quantity: field.integer(), price: field.decimal({ scale: 2 }) })
const refund = record({ id: field.text(), amount: field.decimal({ scale: 2 }) })

const lines = dataset('lines', { files: 'in.csv', format: csv(), contract: contract(1, line) })
const published = { location: 'out', format: jsonl() }
const sales = dataset('sales', { ...published, contract: contract(1, line) })
const refunds = dataset('refunds', { ...published, contract: contract(1, refund) })

function split(steps: Parameters<Parameters<typeof job>[2]>[0]) {
  return steps
    .records('split')
    .read(lines)
    .process((each) => {
      if (each.price.isZero()) return reject('free')
      if (each.quantity < 0) return output('refunds', { id: each.id, amount: each.price.times(-each.quantity) })
      return [each, output('seen', { id: each.id })]
    })
}

function refusal(define: () => JobDefinition): unknown {
  try {
    define()
  } catch (thrown) {
    return thrown
  }
  return 'nothing was refused'
}

test('a record keeps its type on its way to a named output, a dataset and another step', () => {
  const defined = job('types', {}, (steps) => {
    const chain = split(steps).control('refunds', {
      amount: (each) => {
        expectTypeOf(each).toEqualTypeOf<{ id: string; amount: Decimal }>()
        return each.amount
      },
    })
    expectTypeOf(output('seen', { id: 'a' })).toEqualTypeOf<Named<'seen', { id: string }>>()
    const written = chain.outputs({ refunds }).write(sales)
    expectTypeOf(written.output('seen')).toEqualTypeOf<OutputHandle<{ id: string }>>()
    // @ts-expect-error -- process names no such output
    const unnamed = () => written.output('refund')
    expect(unnamed).toBeTypeOf('function')
    steps
      .records('seen')
      .read(written.output('seen'))
      .process((each) => {
        expectTypeOf(each).toEqualTypeOf<{ id: string }>()
        return each
      })
    steps
      .reduce('count')
      .read(written.output('refunds'))
      .by((each) => each.id)
      .fold({ initial: () => 0, add: (sum) => sum + 1, finish: (sum, id) => ({ id, sum }) })
    const totals = dataset('totals', { ...published, location: 'totals', contract: contract(1, refund) })
    steps
      .sql('total')
      .read({ refunds: written.output('refunds') })
      .query('select * from refunds order by id')
      .write(totals)
    // @ts-expect-error -- SQL reads what goes to a dataset
    const untold = () => steps.sql('other').read({ seen: written.output('seen') })
    expect(untold).toBeTypeOf('function')
  })
  const [first, ...others] = defined.steps
  expect(first).toMatchObject({
    name: 'split',
    readInside: false,
    publish: 'together',
    shuffles: [{ output: 'refunds' }],
  })
  expect(
    [...(first?.named ?? [])].map(([name, { output: to, readInside }]) => [name, to?.dataset.name, readInside]),
  ).toEqual([
    ['refunds', 'refunds', false],
    ['seen', undefined, true],
  ])
  expect(first === undefined ? [] : datasetsWritten(first).map(({ key, dataset: { name } }) => [key, name])).toEqual([
    ['main', 'sales'],
    ['output:refunds', 'refunds'],
  ])
  expect(others.map(({ name, after }) => [name, after])).toEqual([
    ['seen', ['split']],
    ['count', ['split']],
    ['total', ['split']],
  ])
})

test('a dataset that does not fit the records of its output is a type error', () => {
  const define = () =>
    job('misfit', {}, (steps) => {
      // @ts-expect-error -- a sale has other columns than a refund
      split(steps).outputs({ refunds: sales })
      // @ts-expect-error -- process gives nothing to an output of this name
      split(steps).outputs({ refund: refunds })
    })
  expect(define).toThrow()
})

test('a step may publish its named outputs alone', () => {
  const defined = job('named', {}, (steps) => {
    split(steps).outputs({ refunds })
  })
  expect(defined.steps[0]).toMatchObject({ output: null, publish: 'together' })
})

test.each([
  ['no datasets', (steps) => split(steps).outputs({}), 'STEP_INVALID', 'expected datasets by name'],
  [
    'the name of the records without one',
    (steps) => split(steps).output('main' as 'seen'),
    'OUTPUT_NAME_RESERVED',
    '.write(dataset)',
  ],
  ['a name that is no name', (steps) => split(steps).output('Not A Name' as 'seen'), 'NAME_INVALID', 'not_a_name'],
  [
    'the same dataset twice',
    (steps) =>
      split(steps)
        .outputs({ refunds })
        .write(refunds as never),
    'DATASET_TWO_WRITERS',
    'split',
  ],
  ['files of others', (steps) => split(steps).outputs({ refunds: lines as never }), 'DATASET_READ_ONLY', 'location'],
  [
    'after write',
    (steps) => {
      ;(split(steps).write(sales) as never as { outputs(of: object): void }).outputs({ refunds })
    },
    'STEP_ORDER',
    'before .write()',
  ],
  [
    'controls of an output that nobody sees',
    (steps) => split(steps).control('refunds', {}),
    'OUTPUT_UNKNOWN',
    '.outputs({ refunds })',
  ],
  [
    'SQL over an output without a dataset',
    (steps) =>
      steps
        .sql('s')
        .read({ t: split(steps).output('seen') as never })
        .query('select 1')
        .write(sales),
    'STEP_INVALID',
    '.outputs({ seen: dataset })',
  ],
] satisfies readonly (readonly [
  string,
  (steps: Parameters<Parameters<typeof job>[2]>[0]) => unknown,
  string,
  string,
])[])('refused at definition: %s', (_, declare, code, hint) => {
  const thrown = refusal(() =>
    job('refused', {}, (steps) => {
      declare(steps)
    }),
  )
  expect(thrown).toMatchObject({ code })
  expect(`${String(thrown)} ${String((thrown as { hint?: string }).hint)}`).toContain(hint)
})
