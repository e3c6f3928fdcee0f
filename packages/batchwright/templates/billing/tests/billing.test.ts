import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restartAtEveryCommit, runInMemory } from 'batchwright/testing'
import billing from '../jobs/billing.ts'
import { rate } from '../jobs/rating.ts'

const window = '2026-02'
const use = { id: 'U1', time: '2026-02-01T10:00:00Z', account: 'acc-001', meter: 'compute', units: 10 }

/** Every day of the month has a file; all but the first are empty here. */
function daysWith(rows: readonly object[]): Record<string, readonly object[]> {
  const days = Array.from({ length: 28 }, (_, index) => `2026-02-${String(index + 1).padStart(2, '0')}`)
  return Object.fromEntries(days.map((day, index) => [day, index === 0 ? rows : []]))
}

test('a use costs its units times the price of its meter, exactly', () => {
  const rated = rate(use)
  assert.equal('amount' in rated ? rated.amount.toString() : 'rejected', '0.425')
})

test('invoices add up exactly and are rounded once; the month is their sum', async () => {
  const rows = [use, { ...use, id: 'U2', units: 3 }, { ...use, id: 'U3', account: 'acc-002', units: 1 }]
  const { run, outputs } = await runInMemory(billing, { window, inputs: { usage: daysWith(rows) } })
  assert.equal(run.state, 'succeeded', run.failure?.message)
  const charged = (name: string) => outputs[name]?.map((row) => ('charged' in row ? String(row.charged) : ''))
  assert.deepEqual(charged('invoices'), ['0.55', '0.04'])
  assert.deepEqual(charged('months'), ['0.59'])
})

test('a use that breaks a rule is on no invoice, and is kept with its reason', async () => {
  const good = Array.from({ length: 100 }, (_, index) => ({ ...use, id: `U${String(index)}` }))
  const bad = [good[0] ?? {}, { ...use, id: 'X1', account: '' }, { ...use, id: 'X2', meter: 'trafic' }]
  const { deadLetters } = await runInMemory(billing, { window, inputs: { usage: daysWith([...good, ...bad]) } })
  assert.deepEqual(
    deadLetters['rate']?.map((letter) => letter.reason),
    ['counted_twice', 'no_account', 'unknown_meter'],
  )
})

test('a kill at any commit changes nothing of the result', async () => {
  const rows = Array.from({ length: 20 }, (_, index) => ({ ...use, id: `U${String(index)}` }))
  const { commits } = await restartAtEveryCommit(billing, { step: 'rate', window, inputs: { usage: daysWith(rows) } })
  assert.ok(commits > 1)
})
