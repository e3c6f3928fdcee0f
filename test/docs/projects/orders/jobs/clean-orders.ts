import { check, contract, csv, daily, dataset, field, job, jsonl, record, reject } from 'batchwright'

const orderRow = record({
  order: field.text(),
  customer: field.integer().optional(),
  price: field.decimal({ scale: 2 }),
})

const orders = dataset('orders', {
  window: daily(),
  files: 'in/{date}.csv',
  format: csv(),
  contract: contract(1, orderRow),
})

const goodOrders = dataset('good_orders', {
  window: daily(),
  location: 'out/good_orders',
  format: jsonl(),
  contract: contract(1, orderRow),
  checks: [check.unique('order')],
})

export default job('clean-orders', { description: 'Orders of known customers', window: daily() }, (steps) => {
  steps
    .records('clean')
    .read(orders)
    .process((order) => (order.customer === null ? reject('missing_customer') : order))
    .rejects({ missing_customer: '50%' })
    .skip('20%')
    .write(goodOrders)
})
