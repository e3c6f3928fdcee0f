import { expect, test } from 'vitest'
import { paintAnsi, paintNothing } from './paint.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import { displayWidth } from './text.ts'

const COLUMNS: readonly Column[] = [
  { title: 'step', shrinkTo: 5 },
  { title: 'records', align: 'right' },
  { title: 'message', shrinkTo: 8, dropOrder: 1 },
]
const ROWS = [
  ['rate', '1,234', 'column UnitPrice: expected a decimal'],
  ['customer_month', '12', ''],
]

test('without a limit every column has its natural width', () => {
  expect(table(COLUMNS, ROWS, { width: Infinity, paint: paintNothing })).toEqual([
    'step            records  message',
    'rate              1,234  column UnitPrice: expected a decimal',
    'customer_month       12',
  ])
})

test('what may shrink shrinks first, the widest before the others', () => {
  expect(table(COLUMNS, ROWS, { width: 40, paint: paintNothing })).toEqual([
    'step            records  message',
    'rate              1,234  column UnitPri…',
    'customer_month       12',
  ])
})

test('what may go goes when shrinking is not enough', () => {
  expect(table(COLUMNS, ROWS, { width: 20, paint: paintNothing })).toEqual([
    'step         records',
    'rate           1,234',
    'customer_m…       12',
  ])
})

test.each([200, 80, 60, 40, 24])('no line is wider than the terminal at %i columns', (width) => {
  for (const line of table(COLUMNS, ROWS, { width, paint: paintAnsi, indent: 2 })) {
    expect(displayWidth(line)).toBeLessThanOrEqual(width)
  }
})

test('foreign text cannot break out of its cell', () => {
  const [, line] = table([{ title: 'a' }], [['x\n\x1b[31my']], { width: Infinity, paint: paintNothing })
  expect(line).toBe('x\\n\\x1b[31my')
})

test('a column in which no row has anything is left out', () => {
  const lines = table([{ title: 'a' }, { title: 'b' }, { title: 'c' }], [['1', '', '3']], {
    width: 80,
    paint: paintNothing,
  })
  expect(lines).toEqual(['a  c', '1  3'])
})

test('what must stay and does not fit side by side continues on a second line, whole', () => {
  const columns: readonly Column[] = [{ title: 'run' }, { title: 'state' }, { title: 'window' }, { title: 'took' }]
  const rows = [['01bcd2efg3hjk4mnp5', 'succeeded', '2011-01', '2.3 s']]
  expect(table(columns, rows, { width: 30, paint: paintNothing })).toEqual([
    'run                 state',
    '  window   took',
    '01bcd2efg3hjk4mnp5  succeeded',
    '  2011-01  2.3 s',
  ])
})

test('a path is cut in its middle', () => {
  const columns: readonly Column[] = [{ title: 'file', shrinkTo: 12, cut: 'middle' }]
  const [, line] = table(columns, [['retail/files/2011-01-04.csv']], { width: 20, paint: paintNothing })
  expect(line).toBe('retail/fi…-01-04.csv')
})

test('wide characters keep columns in line', () => {
  const columns: readonly Column[] = [
    { title: 'job', shrinkTo: 4 },
    { title: 'n', align: 'right' },
  ]
  const rows = [
    ['日本語の仕事', '1'],
    ['👩‍👩‍👧 é', '12'],
  ]
  expect(table(columns, rows, { width: 12, paint: paintNothing })).toEqual([
    'job        n',
    '日本語…    1',
    '👩‍👩‍👧 é      12',
  ])
})
