import { check, contract, csv, daily, dataset, job, monthly } from 'batchwright'
import { rate } from './rating.ts'
import { invoiceRow, monthRow, usageRow } from './rows.ts'
import { invoiceOfUses, monthOfInvoices } from './totals.ts'

/** A file for each day. The job is monthly: it reads every day of its month. */
const usage = dataset('usage', {
  window: daily(),
  files: 'in/usage/{date}.csv',
  format: csv(),
  contract: contract(1, usageRow),
})

const invoices = dataset('invoices', {
  window: monthly(),
  location: 'out/invoices',
  format: csv(),
  key: ['account'],
  contract: contract(1, invoiceRow),
  checks: [check.unique('account'), check.rowCount({ min: 1 }), check.range('charged', { min: 0 })],
})

const months = dataset('months', {
  window: monthly(),
  location: 'out/months',
  format: csv(),
  key: ['month'],
  contract: contract(1, monthRow),
  checks: [check.rowCount({ min: 1, max: 1 })],
})

/**
 * A month of use becomes its invoices and their total. Both are published together, once the amounts of uses, invoices and
 * month agree to the ten-thousandth and every check has passed.
 */
export default job('billing', { owner: 'payments', window: monthly({ timezone: 'UTC' }) }, (steps) => {
  const rated = steps
    .records('rate')
    .read(usage)
    .distinct({ within: 'file', reject: 'counted_twice' })
    .process(rate)
    .rejects({ no_account: '5%', '*': '5%' })
    .skip('2%')
    .control({ amount: (use) => use.amount })

  const billed = steps
    .reduce('invoice')
    .read(rated)
    .by((use) => use.account)
    .fold(invoiceOfUses)
    .buckets(1) // in one bucket the invoices come in the order of their accounts
    .control({ amount: (invoice) => invoice.amount_exact, charged: (invoice) => invoice.charged })
    .write(invoices)

  steps
    .reduce('month')
    .read(billed)
    .by((invoice) => invoice.month)
    .fold(monthOfInvoices)
    .buckets(1)
    .control({ amount: (month) => month.amount_exact, charged: (month) => month.charged })
    .write(months)
})
