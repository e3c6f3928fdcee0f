import { Decimal } from 'batchwright'
import type { Invoice, Month, RatedUsage } from './rows.ts'

interface Sum {
  count: number
  exact: Decimal
  charged: Decimal
}

const nothing = (): Sum => ({ count: 0, exact: Decimal.zero, charged: Decimal.zero })

/** The month of a run, `2026-02`. The job has a window, so it is there. */
type InMonth = { readonly window: { readonly key: string } | null }

/** The uses of one account, to its invoice. */
export const invoiceOfUses = {
  initial: nothing,
  add: (sum: Sum, use: RatedUsage): Sum => {
    sum.count += 1
    sum.exact = sum.exact.plus(use.amount)
    return sum
  },
  finish: (sum: Sum, account: string, { window }: InMonth): Invoice => ({
    account,
    month: window?.key ?? '',
    uses: sum.count,
    amount_exact: sum.exact,
    charged: sum.exact.round(2), // the only place where money is rounded
  }),
}

/** The invoices of a month, to its totals. */
export const monthOfInvoices = {
  initial: nothing,
  add: (sum: Sum, invoice: Invoice): Sum => {
    sum.count += 1
    sum.exact = sum.exact.plus(invoice.amount_exact)
    sum.charged = sum.charged.plus(invoice.charged)
    return sum
  },
  finish: (sum: Sum, month: string): Month => ({
    month,
    invoices: sum.count,
    amount_exact: sum.exact,
    charged: sum.charged,
  }),
}
