import { expect, test } from 'vitest'
import { contract, daily, dataset, field, job, jsonl, lookup, record, reject } from '../index.ts'
import { restartAtEveryCommit, runInMemory } from './index.ts'

const order = record({ id: field.integer(), currency: field.text(), price: field.decimal({ scale: 2 }) })
const rate = record({ currency: field.text(), rate: field.decimal({ scale: 4 }) })
const converted = record({ id: field.integer(), amount: field.decimal({ scale: 6 }) })
const shared = { window: daily(), format: jsonl() }

const orders = dataset('orders', { ...shared, files: 'orders/{date}', contract: contract(1, order) })
const rates = dataset('rates', { ...shared, files: 'rates/{date}', contract: contract(1, rate) })
const amounts = dataset('amounts', { ...shared, location: 'out/amounts', contract: contract(1, converted) })

const converting = job('converting', { window: daily() }, (steps) => {
  steps
    .records('convert')
    .read(orders)
    // Yesterday's: today's are not known before the evening.
    .lookup({ rates: lookup(rates.previous(1), { by: 'currency' }) })
    .process((each, { use }) => {
      const found = use.rates.get(each.currency)
      return found === undefined ? reject('no_rate') : { id: each.id, amount: each.price.times(found.rate) }
    })
    .rejects({ no_rate: '50%' })
    .write(amounts)
})

const inputs = {
  orders: {
    '2026-03-02': Array.from({ length: 40 }, (_, id) => ({
      id,
      currency: ['EUR', 'USD', 'XXX'][id % 3] ?? '',
      price: '0.10',
    })),
  },
  rates: {
    '2026-03-01': [
      { currency: 'EUR', rate: '1.1001' },
      { currency: 'USD', rate: '0.3333' },
    ],
    '2026-03-02': [{ currency: 'EUR', rate: '9' }],
  },
}

test('rows of another window are looked up exactly, and a killed step that goes on finds the same', async () => {
  const { commits, undisturbed } = await restartAtEveryCommit(converting, {
    step: 'convert',
    window: '2026-03-02',
    inputs,
  })
  expect(commits).toBeGreaterThan(2)
  expect(undisturbed.outputs['amounts']?.slice(0, 2).map((each) => JSON.stringify(each))).toEqual([
    '{"id":0,"amount":"0.11001"}',
    '{"id":1,"amount":"0.03333"}',
  ])
  expect(undisturbed.counters['convert']).toMatchObject({ read: 40, reasons: { no_rate: 13 } })
})

test('a window of the lookup that is missing fails the run by its name', async () => {
  const { run } = await runInMemory(converting, {
    window: '2026-03-03',
    inputs: { ...inputs, orders: { '2026-03-03': [] }, rates: {} },
  })
  expect(run).toMatchObject({ state: 'failed', failure: { code: 'INPUT_MISSING' } })
  expect(run.failure?.message).toContain('rates')
})
