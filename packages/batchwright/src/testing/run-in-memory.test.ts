import { describe, expect, test } from 'vitest'
import { contract, csv, dataset, Decimal, field, job, jsonl, record, reject } from '../index.ts'
import { restartAtEveryCommit, runInMemory } from './index.ts'

const lineRow = record({ invoice: field.text(), price: field.decimal({ scale: 2 }) })
const invoiceRow = record({ invoice: field.text(), total: field.decimal({ scale: 2 }) })
const lines = dataset('lines', { files: 'nowhere/*.csv', format: csv(), contract: contract(1, lineRow) })
const rated = dataset('rated', { location: 'out/rated', format: jsonl(), contract: contract(1, lineRow) })
const invoices = dataset('invoices', { location: 'out/invoices', format: jsonl(), contract: contract(1, invoiceRow) })

const billing = job('billing', {}, (steps) => {
  const rate = steps
    .records('rate')
    .read(lines)
    .distinct({ within: 'file', reject: 'duplicate_line' })
    .process((line) => (line.price.isZero() ? reject('zero_price') : line))
    .rejects({ zero_price: '50%', duplicate_line: '50%' })
    .write(rated)
  steps
    .reduce('invoice')
    .read(rate)
    .by((line) => line.invoice)
    .fold({
      initial: (invoice) => ({ invoice, total: Decimal.from('0') }),
      add: (sum, line) => ({ invoice: sum.invoice, total: sum.total.plus(line.price) }),
      finish: (sum) => sum,
    })
    .buckets(1)
    .write(invoices)
})

const rows = Array.from({ length: 95 }, (_, index) => ({
  invoice: `I${String(index % 7)}`,
  price: index % 10 === 0 ? '0.00' : `${String(index % 50)}.10`,
}))

describe('runInMemory', () => {
  test('gives the outputs, dead letters and counters of a real run', async () => {
    const result = await runInMemory(billing, { inputs: { lines: rows } })
    expect(result.run).toMatchObject({ state: 'succeeded', failure: null })
    expect(result.counters['rate']).toMatchObject({ read: 95, accepted: 85, deadByRule: 10 })
    expect(result.outputs['rated']).toHaveLength(85)
    expect(result.deadLetters['rate']).toHaveLength(10)
    expect(result.outputs['invoices']?.length).toBe(7)
  })

  test('takes raw text in the dataset’s own format too', async () => {
    const text = 'invoice,price\nI1,1.10\nI1,\nI2,2.20\n'
    const result = await runInMemory(billing, { inputs: { lines: text } })
    expect(result.run).toMatchObject({ state: 'failed', failure: { code: 'RECORD_FAILED', details: { record: 2 } } })
  })

  test('a transient error in process is retried; a lasting one is a failure with its reason', async () => {
    const once = await runInMemory(billing, {
      inputs: { lines: rows },
      faults: [{ fault: 'throw', step: 'rate', record: 42 }],
    })
    expect(once.run.state).toBe('succeeded')
    const always = await runInMemory(billing, {
      inputs: { lines: rows },
      faults: [{ fault: 'throw', step: 'rate', record: 42, times: 1_000, error: new Error('poison') }],
    })
    expect(always.run).toMatchObject({ state: 'failed' })
  })

  test.each(['before', 'after'] as const)(
    'a store that fails %s it has done the work changes nothing',
    async (when) => {
      const undisturbed = await runInMemory(billing, { inputs: { lines: rows } })
      for (let call = 1; call <= 3; call += 1) {
        for (const verb of ['checkpoint', 'finish'] as const) {
          const result = await runInMemory(billing, {
            inputs: { lines: rows },
            faults: [{ fault: 'store', verb, call, when }],
          })
          expect(result.run.state).toBe('succeeded')
          expect(result.digests).toEqual(undisturbed.digests)
          expect(result.counters).toEqual(undisturbed.counters)
        }
      }
    },
  )

  test('is the same however many slots there are', async () => {
    const one = await runInMemory(billing, { inputs: { lines: rows } })
    const three = await runInMemory(billing, { inputs: { lines: rows }, slots: 3 })
    expect(three.digests).toEqual(one.digests)
  })

  test('refuses inputs for a dataset that the job does not have', async () => {
    await expect(runInMemory(billing, { inputs: { linse: rows } })).rejects.toMatchObject({ code: 'INPUT_UNKNOWN' })
  })
})

describe('restartAtEveryCommit', () => {
  test('a step killed at every commit and resumed publishes what the undisturbed run published', async () => {
    const report = await restartAtEveryCommit(billing, { step: 'rate', inputs: { lines: rows } })
    expect(report.commits).toBeGreaterThanOrEqual(9)
    expect(report.undisturbed.counters['rate']).toMatchObject({ read: 95, deadByRule: 10 })
  })

  test('a step that keeps state outside its checkpoint is found out', async () => {
    let calls = 0
    const counting = job('counting', {}, (steps) => {
      steps
        .records('rate')
        .read(lines)
        .process((line) => ({ ...line, invoice: `${line.invoice}-${String((calls += 1))}` }))
        .write(rated)
    })
    await expect(restartAtEveryCommit(counting, { step: 'rate', inputs: { lines: rows } })).rejects.toMatchObject({
      code: 'RESTART_DIFFERS',
    })
  })
})
