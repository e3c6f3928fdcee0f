import { field, record } from 'batchwright'
import type { RecordOf } from 'batchwright'

/**
 * A customer as the old system exports it. Only what its own totals count must be right here (the balance); all else is text,
 * and judged by `carryOver`, so that a bad row is missing from no total.
 */
export const oldCustomerRow = record({
  number: field.text().column('CUST_NO'),
  name: field.text({ trim: true }).column('NAME').optional(),
  born: field.text().column('BORN').optional(),
  email: field.text({ trim: true }).column('EMAIL').optional(),
  branch: field.text().column('BRANCH'),
  balance: field.decimal({ scale: 2 }).column('BALANCE'),
  closed: field.boolean({ true: ['Y'], false: ['N'] }).column('CLOSED'),
})
export type OldCustomer = RecordOf<typeof oldCustomerRow>

/** What the old system says it has exported, by branch. */
export const oldTotalRow = record({
  branch: field.text().column('BRANCH'),
  customers: field.integer().column('CUSTOMERS'),
  balance: field.decimal({ scale: 2 }).column('BALANCE'),
})

/** A customer of the new system. */
export const customerRow = record({
  id: field.text(),
  name: field.text(),
  born: field.date(),
  email: field.text().optional(),
  branch: field.text(),
  balance: field.decimal({ scale: 2 }),
})
export type Customer = RecordOf<typeof customerRow>

export const branchRow = record({
  branch: field.text(),
  customers: field.integer(),
  balance: field.decimal({ scale: 2 }),
})
export type Branch = RecordOf<typeof branchRow>
