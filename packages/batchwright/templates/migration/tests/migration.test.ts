import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decimal } from 'batchwright'
import { restartAtEveryCommit, runInMemory } from 'batchwright/testing'
import { carryOver, dayOf } from '../jobs/carry-over.ts'
import migration from '../jobs/migration.ts'

const HEADER = 'CUST_NO;NAME;BORN;EMAIL;BRANCH;BALANCE;CLOSED\n'
const lines = Array.from({ length: 20 }, (_, index) => `${String(index + 1)};Ada Mason;07-MAR-1981;;LON;1.25;N\n`)
const old = {
  number: '17',
  name: 'Ada Mason',
  born: '07-MAR-1981',
  email: 'Ada@Example.COM',
  branch: 'LON',
  balance: Decimal.from('1.25'),
  closed: false,
}

/** The input of a run: the customers, and what the old system says they come to. */
function inputs(customers: readonly string[], balance: string) {
  const totals = `BRANCH;CUSTOMERS;BALANCE\nLON;${String(customers.length)};${balance}\n`
  return { inputs: { old_customers: HEADER + customers.join(''), old_totals: totals } }
}

test('days that do not exist are not carried over', () => {
  assert.equal(dayOf('07-MAR-1981'), '1981-03-07')
  assert.equal(dayOf('31-FEB-1970'), null)
})

test('a customer gets the form of the new system', () => {
  assert.deepEqual(carryOver(old), {
    id: 'C-00000017',
    name: 'Ada Mason',
    born: '1981-03-07',
    email: 'ada@example.com',
    branch: 'LON',
    balance: old.balance,
  })
})

test('customers are published with their branches, and the totals agree', async () => {
  const { run, outputs, controls } = await runInMemory(migration, inputs(lines, '25.00'))
  assert.equal(run.state, 'succeeded', run.failure?.message)
  assert.equal(outputs['customers']?.length, 20)
  assert.equal(String(controls['by-branch']?.['carried']), '25')
})

test('where a row was lost on the way nothing is published', async () => {
  const { run, outputs } = await runInMemory(migration, inputs(lines, '26.25'))
  assert.equal(run.state, 'failed')
  assert.deepEqual(outputs['customers'] ?? [], [])
})

test('a kill at any commit changes nothing of the result', async () => {
  const { commits } = await restartAtEveryCommit(migration, { step: 'carry-over', ...inputs(lines, '25.00') })
  assert.ok(commits > 1)
})
