import { check, contract, csv, dataset, drop, field, job, record, reject } from 'batchwright'

const order = record({
  order: field.text(),
  placed: field.date(),
  customer: field.integer().optional(),
  quantity: field.integer(),
  price: field.decimal({ scale: 2 }),
})
const priced = record({ ...order.shape, amount: field.decimal({ scale: 2 }) })

const raw = dataset('raw_orders', { files: 'in/orders.csv', format: csv(), contract: contract(1, order) })
const orders = dataset('orders', {
  location: 'out/orders',
  format: csv(),
  contract: contract(1, priced),
  checks: [check.unique('order'), check.range('amount', { min: 0 })],
})

export default job('orders', { owner: 'shop', description: 'Orders, cleaned and priced' }, (steps) => {
  steps
    .records('clean')
    .read(raw)
    .distinct({ within: 'file', reject: 'duplicate' })
    .process((order) => {
      if (order.quantity === 0) return drop() // cancelled by the customer: not wanted, and no fault
      if (order.customer === null) return reject('no_customer')
      if (order.quantity < 0) return reject('negative_quantity')
      return { ...order, amount: order.price.times(order.quantity) }
    })
    .rejects({ no_customer: '10%', duplicate: '5%', '*': '5%' })
    .skip('5%') // rows that break the contract: a bad number, a blank price
    .write(orders)
})
