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
