import { expect, test } from 'vitest'
import { runRow, steps, T0 } from '../fixtures/rows.ts'
import type { RunView } from '../view.ts'
import { paintAnsi, paintNothing } from './paint.ts'
import { nextCommands, summaryLines } from './summary.ts'
import { displayWidth } from './text.ts'

function view(over: Partial<RunView> = {}): RunView {
  return {
    run: runRow(),
    steps: steps(),
    published: [{ dataset: 'invoices', window: '2011-01', number: 1, rows: 987, state: 'published' }],
    ...over,
  }
}

test('a run that succeeded shows steps, dead letters by reason, what it published and what to do next', () => {
  expect(summaryLines(view(), { width: 120, paint: paintNothing, now: T0 })).toEqual([
    'billing 2011-01  succeeded in 2.3 s  run 01bcd2efg3hjk4mnp5, created 2011-02-01 02:00:00Z',
    '',
    '  step     state      partitions    read  written  dropped    dead  retries   time',
    '  rate     succeeded       24/24  35,147   22,950        0  12,197           1.2 s',
    '  invoice  succeeded         4/4  22,950      987        0       0        1  0.8 s',
    '',
    '  dead letters',
    '    step  reason            records  of read',
    '    rate  missing_customer   12,190   34.7 %',
    '    rate  zero_price              7   <0.1 %',
    '',
    '  published',
    '    dataset   window   version  rows',
    '    invoices  2011-01       v1   987',
    '',
    '  next',
    '    batchwright datasets cat invoices --window 2011-01',
    '    batchwright dead-letters list 01bcd2efg3hjk4mnp5',
  ])
})

test('on a narrow terminal the columns that matter least go first', () => {
  const lines = summaryLines(view(), { width: 60, paint: paintNothing, now: T0 })
  expect(lines.slice(2, 4)).toEqual([
    '  step     state        read  written    dead   time',
    '  rate     succeeded  35,147   22,950  12,197  1.2 s',
  ])
})

test.each([120, 80, 60, 50])('tables fit %i columns, in colour too', (width) => {
  const tables = summaryLines(view(), { width, paint: paintAnsi, now: T0 }).filter((line) =>
    /rate|invoice|reason/.test(line),
  )
  for (const line of tables.filter((each) => !each.includes('batchwright')))
    expect(displayWidth(line)).toBeLessThanOrEqual(width)
})

test('checks that passed are counted, those that did not are told in full', () => {
  const [rate] = steps()
  const finding = {
    kind: 'check',
    name: 'unique(invoice)',
    severity: 'warn',
    expected: 'no repeats',
    found: '2 repeats',
  }
  const verification = [
    { ...finding, passed: true },
    { ...finding, passed: true },
    { ...finding, passed: false },
  ]
  const lines = summaryLines(view({ steps: [{ ...rate!, verification }] }), {
    width: 120,
    paint: paintNothing,
    now: T0,
  })
  expect(lines.slice(lines.indexOf('  checks'), lines.indexOf('  published'))).toEqual([
    '  checks',
    '    rate: 2 passed',
    '    rate: check unique(invoice): expected no repeats, found 2 repeats',
    '',
  ])
})

test('what to do next follows from how the run stands', () => {
  const commands = (over: Parameters<typeof runRow>[0]): readonly string[] => nextCommands(view({ run: runRow(over) }))
  const id = runRow().runId
  expect(commands({ state: 'failed' })).toEqual([
    `batchwright dead-letters list ${id}`,
    `batchwright logs ${id}`,
    `batchwright retry ${id}`,
  ])
  expect(commands({ state: 'cancelled' })).toEqual([`batchwright retry ${id}`])
  expect(commands({ state: 'running', endedAt: null, paused: true })).toEqual([`batchwright resume ${id}`])
  expect(commands({ state: 'running', endedAt: null })).toEqual(['batchwright run billing --window 2011-01'])
})
