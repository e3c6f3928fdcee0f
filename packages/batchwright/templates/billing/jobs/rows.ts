import { field, record } from 'batchwright'
import type { Decimal, RecordOf } from 'batchwright'

/** One use of a service, a line of a daily file. */
export const usageRow = record({
  id: field.text(),
  time: field.timestamp(),
  account: field.text().optional(),
  meter: field.text(),
  units: field.integer(),
})
export type Usage = RecordOf<typeof usageRow>

/** A use with what it costs. */
export interface RatedUsage {
  readonly id: string
  readonly account: string
  readonly amount: Decimal
}

/** Amounts are exact to the ten-thousandth; what is charged is rounded once. */
export const invoiceRow = record({
  account: field.text(),
  month: field.text(),
  uses: field.integer(),
  amount_exact: field.decimal({ scale: 4 }),
  charged: field.decimal({ scale: 2 }),
})
export type Invoice = RecordOf<typeof invoiceRow>

export const monthRow = record({
  month: field.text(),
  invoices: field.integer(),
  amount_exact: field.decimal({ scale: 4 }),
  charged: field.decimal({ scale: 2 }),
})
export type Month = RecordOf<typeof monthRow>
