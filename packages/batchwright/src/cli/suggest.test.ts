import { expect, test } from 'vitest'
import { nearest, suggestion } from './suggest.ts'

test('a name with a few wrong letters is found', () => {
  expect(nearest('biling', ['billing', 'nightly'])).toBe('billing')
  expect(nearest('Billing', ['billing'])).toBe('billing')
  expect(nearest('bliling', ['billing', 'filing'])).toBe('billing')
  expect(nearest('month', ['month_totals', 'invoices'])).toBe('month_totals')
})

test('something else altogether is not guessed at', () => {
  expect(nearest('payroll', ['billing', 'nightly'])).toBeNull()
  expect(suggestion('payroll', ['billing', 'nightly'], 'batchwright jobs')).toBe('there are: billing, nightly')
  expect(suggestion('payroll', [], 'batchwright jobs')).toBe('`batchwright jobs` lists them')
})
