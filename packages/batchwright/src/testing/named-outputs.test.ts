import { beforeAll, describe, expect, test } from 'vitest'
import { check, contract, Decimal, dataset, drop, field, job, jsonl, output, record, reject } from '../index.ts'
import { restartAtEveryCommit, runInMemory, type InMemoryResult, type RestartReport } from './index.ts'

const line = record({ id: field.integer(), quantity: field.integer(), price: field.decimal({ scale: 2 }) })
const sale = record({ ...line.shape, amount: field.decimal({ scale: 2 }) })
const refund = record({ id: field.integer(), amount: field.decimal({ scale: 2 }) })
const total = record({ bucket: field.text(), refunds: field.integer(), amount: field.decimal({ scale: 2 }) })

const lines = dataset('lines', { files: 'lines', format: jsonl(), contract: contract(1, line) })
const sales = dataset('sales', { location: 'out/sales', format: jsonl(), contract: contract(1, sale) })
const refunds = dataset('refunds', {
  location: 'out/refunds',
  format: jsonl(),
  contract: contract(1, refund),
  checks: [check.unique('id')],
})
const large = dataset('large', { location: 'out/large', format: jsonl(), contract: contract(1, refund) })
const totals = dataset('totals', { location: 'out/totals', format: jsonl(), contract: contract(1, total) })
/** What becomes of line `id`: 0 dropped, 1 rejected, 2 to the main output and twice to `large`, 3 a refund, the rest sales. */
const splitting = job('splitting', {}, (steps) => {
  const split = steps
    .records('split')
    .read(lines)
    .process((each) => {
      const amount = each.price.times(each.quantity)
      switch (each.id % 7) {
        case 0:
          return drop()
        case 1:
          return reject('unwanted')
        case 2:
          return [
            output('large', { id: each.id, amount }),
            { ...each, amount },
            output('large', { id: each.id, amount }),
          ]
        case 3:
          // Record 38 breaks the contract of refunds: more decimals than it has.
          return output('refunds', {
            id: each.id,
            amount: each.id === 38 ? amount.times(Decimal.from('0.001')) : amount,
          })
        default:
          return { ...each, amount }
      }
    })
    .skip(1)
    .control({ amount: (each) => each.amount })
    .control('refunds', { amount: (each) => each.amount })
    .outputs({ refunds, large }, { recordsPerPart: 5 })
    .write(sales)
  steps
    .reduce('sum')
    .read(split.output('refunds'))
    .by((each) => `b${each.id % 2}`)
    .fold({
      initial: () => ({ refunds: 0, amount: Decimal.zero }),
      add: (sum, each) => ({ refunds: sum.refunds + 1, amount: sum.amount.plus(each.amount) }),
      finish: (sum, bucket) => ({ bucket, ...sum }),
    })
    .control({ amount: (each) => each.amount })
    .write(totals)
  steps
    .records('again')
    .read(split.output('large'))
    .process(() => drop())
})

const LINES = 70
const input = Array.from({ length: LINES }, (_, id) => ({ id, quantity: (id % 5) + 1, price: '1.25' }))
const ids = (of: number) => input.flatMap(({ id }) => (id % 7 === of ? [id] : []))

describe('a step with named outputs', () => {
  let report: RestartReport
  let result: InMemoryResult

  beforeAll(async () => {
    report = await restartAtEveryCommit(splitting, { step: 'split', inputs: { lines: input } })
    result = report.undisturbed
  })

  test('killed at every commit, it publishes the same bytes in all outputs', () => {
    expect(report.commits).toBeGreaterThan(5)
  })

  test('gives each record to the outputs that process named, and publishes them together', () => {
    const idsOf = (name: string) => result.outputs[name]?.map((each) => (each as { id: number }).id)
    expect(idsOf('refunds')).toEqual(ids(3).filter((id) => id !== 38))
    expect(idsOf('large')).toEqual(ids(2).flatMap((id) => [id, id]))
    expect(idsOf('sales')).toEqual(input.flatMap(({ id }) => ([0, 1, 3].includes(id % 7) ? [] : [id])))
    expect(result.digests['large']?.length).toBeGreaterThan(1)
  })

  test('counts each output, and reconciles: each record is accepted, dropped or dead, once', () => {
    const counters = result.counters['split']
    expect(counters).toMatchObject({
      read: LINES,
      accepted: LINES - ids(0).length - ids(1).length - 1,
      dropped: ids(0).length,
      deadByRule: ids(1).length,
      deadByError: 1,
      reasons: { unwanted: ids(1).length, OUTPUT_INVALID: 1 },
      named: { refunds: ids(3).length - 1, large: 2 * ids(2).length },
    })
    expect(counters?.written).toBe((result.outputs['sales']?.length ?? 0) + ids(3).length - 1 + 2 * ids(2).length)
  })

  test('keeps exact control totals for each output, and compares them with the step that reads it', () => {
    expect(Object.keys(result.controls['split'] ?? {}).sort()).toEqual(['amount', 'refunds.amount'])
    expect(result.controls['sum']?.['amount']).toBe(result.controls['split']?.['refunds.amount'])
  })

  test('lets other steps read one output: as it is, and cut by key', () => {
    expect(result.counters['again']).toMatchObject({ read: 2 * ids(2).length, dropped: 2 * ids(2).length })
    expect(result.counters['sum']).toMatchObject({ read: ids(3).length - 1 })
  })
})

test('a record for an output that the step does not have is a failed record, and says what there is', async () => {
  const mistyped = job('mistyped', {}, (steps) => {
    steps
      .records('split')
      .read(lines)
      .process((each) =>
        output(each.id < 5 ? 'refunds' : ('refundz' as 'refunds'), { id: each.id, amount: each.price }),
      )
      .outputs({ refunds })
  })
  const { run, outputs } = await runInMemory(mistyped, { inputs: { lines: input.slice(0, 10) } })
  expect(run).toMatchObject({ state: 'failed', failure: { code: 'RECORD_FAILED' } })
  expect(run.failure?.message).toContain('OUTPUT_UNKNOWN')
  expect(run.failure?.message).toContain('"refundz"')
  expect(outputs['refunds']).toEqual([])
})

test('control totals that a step splits over its outputs agree with what it read; else nothing is published', async () => {
  const conserving = (withRefunds: boolean) =>
    job('conserving', {}, (steps) => {
      const read = steps
        .records('read')
        .read(lines)
        .process((each) => each)
        .control({ quantity: (each) => each.quantity })
      const chain = steps
        .records('split')
        .read(read)
        .process((each) =>
          each.id % 2 === 0
            ? { ...each, amount: each.price }
            : output('refunds', { id: each.id, quantity: each.quantity }),
        )
        .control({ quantity: (each) => each.quantity })
      const split = withRefunds ? chain.control('refunds', { quantity: (each) => each.quantity }) : chain
      steps
        .records('after')
        .read(split.output('refunds'))
        .process(() => drop())
      split.write(sales)
    })
  const kept = await runInMemory(conserving(true), { inputs: { lines: input } })
  expect(kept.run).toMatchObject({ state: 'succeeded', failure: null })
  const lost = await runInMemory(conserving(false), { inputs: { lines: input } })
  expect(lost.run).toMatchObject({ state: 'failed', failure: { code: 'VERIFICATION_FAILED' } })
})

test('SQL reads a named output as a table, under the contract of its dataset', async () => {
  const querying = job('querying', {}, (steps) => {
    const split = steps
      .records('split')
      .read(lines)
      .process((each) => [each, output('refunds', { id: each.id, amount: each.price })])
      .outputs({ refunds })
    steps
      .sql('largest')
      .read({ refunds: split.output('refunds') })
      .query('select max(id) as id, 1.00 as amount from refunds')
      .write(large)
  })
  const { run, outputs, counters } = await runInMemory(querying, { inputs: { lines: input } })
  expect(run).toMatchObject({ state: 'succeeded', failure: null })
  expect(outputs['large']).toMatchObject([{ id: LINES - 1 }])
  expect(counters['split']).toMatchObject({ written: 2 * LINES, named: { refunds: LINES } })
})
