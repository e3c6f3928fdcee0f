import { field, record } from 'batchwright'
import type { Decimal, RecordOf } from 'batchwright'

/** A line of a daily file. All eight columns, so that `distinct` compares all eight. Numbers that are none break one rule. */
export const lineRow = record({
  invoice: field.text().column('InvoiceNo'),
  stock: field.text().column('StockCode'),
  description: field.text().column('Description').optional(),
  quantity: field.integer().column('Quantity').reason('bad_number'),
  time: field.timestamp({ local: true }).column('InvoiceDate'),
  price: field.decimal({ scale: 3 }).column('UnitPrice').reason('bad_number'),
  customer: field.integer({ allowZeroFraction: true }).column('CustomerID').optional().reason('bad_number'),
  country: field.text().column('Country'),
})
export type Line = RecordOf<typeof lineRow>

/** A line that broke no rule, with what it comes to. */
export interface RatedLine {
  readonly invoice: string
  readonly customer: number
  readonly date: string
  readonly country: string
  readonly kind: 'invoice' | 'credit'
  readonly quantity: number
  readonly amount: Decimal
}

/** Money is exact to the thousandth; `_2dp` columns are rounded once, half away from zero. */
const exact = field.decimal({ scale: 3 })
const cents = field.decimal({ scale: 2 })

export const invoiceRow = record({
  invoice: field.text(),
  customer: field.integer(),
  date: field.date(),
  country: field.text(),
  kind: field.oneOf(['invoice', 'credit']),
  lines: field.integer(),
  quantity: field.integer(),
  amount_exact: exact,
  amount_2dp: cents,
})
export type Invoice = RecordOf<typeof invoiceRow>

export const customerMonthRow = record({
  customer: field.integer(),
  month: field.text(),
  invoices: field.integer(),
  credit_notes: field.integer(),
  charges_exact: exact,
  credits_exact: exact,
  net_exact: exact,
  net_2dp: cents,
})
export type CustomerMonth = RecordOf<typeof customerMonthRow>

export const monthTotalsRow = record({
  month: field.text(),
  invoices: field.integer(),
  credit_notes: field.integer(),
  charges_exact: exact,
  credits_exact: exact,
  net_exact: exact,
})
