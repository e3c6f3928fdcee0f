import { Decimal } from 'batchwright'
import type { CustomerMonth, Invoice, RatedLine } from './rows.ts'

interface InvoiceSum {
  /** Customer, day and country of an invoice are those of its first line. */
  first: RatedLine | null
  lines: number
  quantity: number
  amount: Decimal
}

/** The lines of one invoice, to the invoice. */
export const invoiceOfLines = {
  initial: (): InvoiceSum => ({ first: null, lines: 0, quantity: 0, amount: Decimal.zero }),
  add: (sum: InvoiceSum, line: RatedLine): InvoiceSum => {
    sum.first ??= line
    sum.lines += 1
    sum.quantity += line.quantity
    sum.amount = sum.amount.plus(line.amount)
    return sum
  },
  finish: ({ first, lines, quantity, amount }: InvoiceSum): Invoice[] => {
    if (first === null) return []
    const { invoice, customer, date, country, kind } = first
    return [
      { invoice, customer, date, country, kind, lines, quantity, amount_exact: amount, amount_2dp: amount.round(2) },
    ]
  },
}

interface CustomerSum {
  first: Invoice | null
  invoices: number
  creditNotes: number
  charges: Decimal
  credits: Decimal
}

/** The invoices and credit notes of one customer, to the customer's month. */
export const monthOfInvoices = {
  initial: (): CustomerSum => ({
    first: null,
    invoices: 0,
    creditNotes: 0,
    charges: Decimal.zero,
    credits: Decimal.zero,
  }),
  add: (sum: CustomerSum, invoice: Invoice): CustomerSum => {
    sum.first ??= invoice
    if (invoice.kind === 'credit') {
      sum.creditNotes += 1
      sum.credits = sum.credits.plus(invoice.amount_exact)
    } else {
      sum.invoices += 1
      sum.charges = sum.charges.plus(invoice.amount_exact)
    }
    return sum
  },
  finish: ({ first, invoices, creditNotes, charges, credits }: CustomerSum): CustomerMonth[] => {
    if (first === null) return []
    const net = charges.plus(credits)
    return [
      {
        customer: first.customer,
        month: first.date.slice(0, 7),
        invoices,
        credit_notes: creditNotes,
        charges_exact: charges,
        credits_exact: credits,
        net_exact: net,
        net_2dp: net.round(2),
      },
    ]
  },
}
