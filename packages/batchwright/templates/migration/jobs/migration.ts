import { check, contract, csv, dataset, Decimal, job, jsonl } from 'batchwright'
import { carryOver } from './carry-over.ts'
import { branchRow, customerRow, oldCustomerRow, oldTotalRow } from './rows.ts'
import type { Branch, Customer } from './rows.ts'

const oldTotals = dataset('old_totals', {
  files: 'in/totals.csv',
  format: csv({ delimiter: ';' }),
  contract: contract(1, oldTotalRow),
})
const oldCustomers = dataset('old_customers', {
  files: 'in/customers.csv',
  format: csv({ delimiter: ';' }),
  contract: contract(1, oldCustomerRow),
})

const customers = dataset('customers', {
  location: 'out/customers',
  format: jsonl(),
  key: ['id'],
  contract: contract(1, customerRow),
  checks: [check.unique('id'), check.pattern('id', /C-\d{8}/), check.range('born', { min: '1900-01-01' })],
})
const branches = dataset('branches', {
  location: 'out/branches',
  format: csv(),
  key: ['branch'],
  contract: contract(1, branchRow),
  checks: [check.unique('branch'), check.rowCount({ min: 1 })],
})

/**
 * Customers of the old system become customers of the new one. Two control totals stand before publication: what has arrived is
 * what the old system says it has exported (`exported`, `customers`), and what is in the branches is what was carried over
 * (`carried`). Where one differs by a cent, readers keep what they have.
 */
export default job('migration', { owner: 'core-banking' }, (steps) => {
  const promised = steps
    .records('promised')
    .read(oldTotals)
    .control({ customers: (total) => total.customers, exported: (total) => total.balance })

  const arrived = steps
    .records('arrived')
    .read(oldCustomers)
    .after(promised)
    .control({ customers: () => 1, exported: (old) => old.balance })

  const carried = steps
    .records('carry-over')
    .read(oldCustomers)
    .distinct({ within: 'file', by: (old) => old.number, reject: 'duplicate_customer' })
    .process(carryOver)
    .after(arrived)
    .rejects({ closed_with_balance: '1%', '*': '5%' })
    .control({ carried: (customer) => customer.balance })
    .write(customers)

  steps
    .reduce('by-branch')
    .read(carried)
    .by((customer) => customer.branch)
    .fold({
      initial: (branch: string): Branch => ({ branch, customers: 0, balance: Decimal.zero }),
      add: (sum: Branch, customer: Customer): Branch => ({
        ...sum,
        customers: sum.customers + 1,
        balance: sum.balance.plus(customer.balance),
      }),
      finish: (sum: Branch) => sum,
    })
    .buckets(1)
    .control({ carried: (branch) => branch.balance })
    .write(branches)
})
