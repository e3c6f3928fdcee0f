import { expect, test } from 'vitest'
import { Fault, field, record } from '../../job/index.ts'
import { Decimal } from '../../kernel/decimal.ts'
import { fitsColumns } from './widths.ts'

const { fields } = record({ amount: field.decimal({ scale: 3 }), note: field.text().optional() })
const check = fitsColumns(fields, () => null)

test('a decimal of 38 digits fits a Parquet column, one more is a fault that names the column', () => {
  const widest = Decimal.from(`${'9'.repeat(35)}.999`)
  const beyond = Decimal.from(`1${'0'.repeat(35)}.000`)
  expect(check({ amount: widest, note: null })).toBeNull()
  expect(check({ amount: widest.negated(), note: null })).toBeNull()
  for (const amount of [beyond, beyond.negated()]) {
    expect(check({ amount, note: null })).toMatchObject({ reason: 'bad_number', column: 'amount' })
  }
})

test('what the contract finds comes first', () => {
  const refusal = new Fault('blank', 'blank', 'note')
  expect(fitsColumns(fields, () => refusal)({ amount: Decimal.zero })).toBe(refusal)
})
