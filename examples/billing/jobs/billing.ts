import path from 'node:path'
import { check, contract, csv, daily, dataset, job, monthly, parquet } from 'batchwright'
import { retailFiles } from './input.ts'
import { rate } from './rating.ts'
import { customerMonthRow, invoiceRow, lineRow, monthTotalsRow } from './rows.ts'
import { invoiceOfLines, monthOfInvoices } from './totals.ts'

/** One file for each day that the shop was open: Saturdays and holidays have none. */
const lines = dataset('retail_lines', {
  window: daily(),
  missing: 'skip',
  files: ({ window, project }) => path.join(retailFiles(project), `${window?.date ?? '*'}.csv.gz`),
  format: csv(),
  contract: contract(1, lineRow),
})

const invoices = dataset('invoices', {
  window: monthly(),
  location: 'out/invoices',
  format: parquet(),
  key: ['invoice'],
  contract: contract(1, invoiceRow),
  checks: [
    check.unique('invoice'),
    check.notNull(['customer', 'date', 'country']),
    check.rowCount({ min: 1 }),
    check.sql("select invoice from output where (amount_exact < 0) <> (kind = 'credit')", {
      name: 'only_credits_are_below_zero',
    }),
  ],
})

const customerMonth = dataset('customer_month', {
  window: monthly(),
  location: 'out/customer_month',
  format: csv(),
  key: ['customer', 'month'],
  contract: contract(1, customerMonthRow),
  checks: [
    check.unique(['customer', 'month']),
    check.sql('select customer from output where net_exact <> charges_exact + credits_exact', {
      name: 'net_is_the_sum',
    }),
  ],
})

const monthTotals = dataset('month_totals', {
  window: monthly(),
  location: 'out/month_totals',
  format: csv(),
  key: ['month'],
  contract: contract(1, monthTotalsRow),
  checks: [check.unique('month'), check.rowCount({ max: 1 })],
})

const MONTH_TOTALS = `
  select
    strftime(date, '%Y-%m') as month,
    count(*) filter (kind = 'invoice') as invoices,
    count(*) filter (kind = 'credit') as credit_notes,
    coalesce(sum(amount_exact) filter (kind = 'invoice'), 0) as charges_exact,
    coalesce(sum(amount_exact) filter (kind = 'credit'), 0) as credits_exact,
    sum(amount_exact) as net_exact
  from invoices
  group by month
  order by month`

/**
 * A month of a shop's transactions becomes its invoices and credit notes. Lines that break a rule are set aside under its
 * name; nothing is published unless lines and invoices agree to the thousandth.
 */
export default job('billing', { owner: 'payments', window: monthly({ timezone: 'Europe/London' }) }, (steps) => {
  const rated = steps
    .records('rate')
    .read(lines)
    .process(rate)
    // After `rate`, so that a repeat is one of an accepted line; without `by`, all eight columns as they were read.
    .distinct({ within: 'file', reject: 'duplicate_line' })
    .rejects({ missing_customer: '60%', '*': '20%' })
    .skip('20%')
    .control({ amount: (line) => line.amount })

  const billed = steps
    .reduce('invoice')
    .read(rated)
    .by((line) => line.invoice)
    .fold(invoiceOfLines)
    .buckets(1) // in one bucket the published order is that of the keys
    .control({ amount: (invoice) => invoice.amount_exact })
    .write(invoices)

  steps
    .reduce('customer')
    .read(billed)
    .by((invoice) => `${invoice.customer}/${invoice.date.slice(0, 7)}`)
    .fold(monthOfInvoices)
    .buckets(1)
    .control({ amount: (month) => month.net_exact })
    .write(customerMonth)

  steps.sql('month').read({ invoices: billed }).query(MONTH_TOTALS).write(monthTotals)
})
