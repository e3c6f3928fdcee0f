import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restartAtEveryCommit, runInMemory } from 'batchwright/testing'
import dailySales from '../jobs/daily-sales.ts'

const window = '2026-03-04'

test('a file of the old form and one of the new give the same totals', async () => {
  const old = 'receipt,store,quantity,price\nR1,Leeds,2,1.50\nR2,Leeds,1,0.25\n'
  const now = 'receipt,shop,channel,quantity,price\nR1,Leeds,till,2,1.50\nR2,Leeds,till,1,0.25\n'
  for (const text of [old, now]) {
    const { run, outputs } = await runInMemory(dailySales, { window, inputs: { sales: { [window]: text } } })
    assert.equal(run.state, 'succeeded', run.failure?.message)
    assert.deepEqual(JSON.parse(JSON.stringify(outputs['daily_totals'])), [
      { shop: 'Leeds', lines: 2, till: '3.25', web: '0', amount: '3.25' },
    ])
  }
})

test('bad lines are set aside, each for its reason', async () => {
  const good = Array.from({ length: 60 }, (_, index) => `R${String(index)},York,web,1,2.00`)
  const bad = [
    'R0,York,web,1,2.00',
    'X1,York,web,1,0.00',
    'X2,York,web,0,2.00',
    'X3,York,web,1,',
    'X4,York,phone,1,2.00',
  ]
  const text = ['receipt,shop,channel,quantity,price', ...good, ...bad, ''].join('\n')
  const { run, deadLetters } = await runInMemory(dailySales, { window, inputs: { sales: { [window]: text } } })
  assert.deepEqual(
    deadLetters['clean']?.map((letter) => letter.reason),
    ['duplicate_line', 'zero_price', 'zero_quantity', 'blank', 'bad_value'],
  )
  assert.equal(run.state, 'succeeded', run.failure?.message)
})

test('a kill at any commit changes nothing of the result', async () => {
  const good = Array.from({ length: 20 }, (_, index) => `R${String(index)},York,web,1,2.00`)
  const text = ['receipt,shop,channel,quantity,price', ...good, ''].join('\n')
  const inputs = { sales: { [window]: text } }
  const { commits } = await restartAtEveryCommit(dailySales, { step: 'clean', window, inputs })
  assert.ok(commits > 1)
})
