import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restartAtEveryCommit, runInMemory } from 'batchwright/testing'
import orders from '../jobs/orders.ts'

const good = { order: 'A1', placed: '2026-03-01', customer: '7', quantity: '3', price: '1.50' }
const inputs = {
  raw_orders: [
    good,
    good,
    { ...good, order: 'A2', customer: '' },
    { ...good, order: 'A3', quantity: '0' },
    { ...good, order: 'A4', price: 'n/a' },
    ...Array.from({ length: 20 }, (_, index) => ({ ...good, order: `B${String(index)}` })),
  ],
}

test('good orders are priced; the others are set aside, each for its reason', async () => {
  const { run, outputs, deadLetters, counters } = await runInMemory(orders, { inputs })
  assert.equal(run.state, 'succeeded', run.failure?.message)
  assert.equal(outputs['orders']?.length, 21)
  assert.deepEqual(
    deadLetters['clean']?.map((letter) => letter.reason),
    ['duplicate', 'no_customer', 'bad_number'],
  )
  assert.equal(counters['clean']?.dropped, 1)
})

test('a kill at any commit changes nothing of the result', async () => {
  const { commits } = await restartAtEveryCommit(orders, { step: 'clean', inputs })
  assert.ok(commits > 1)
})
