import { check, contract, csv, daily, dataset, Decimal, field, job, record, reject } from 'batchwright'
import type { RecordOf } from 'batchwright'

/** A line of a till's daily file, as it is delivered now. */
const sale = record({
  receipt: field.text(),
  shop: field.text(),
  channel: field.oneOf(['till', 'web']),
  quantity: field.integer(),
  price: field.decimal({ scale: 2 }),
})

/** Until 3 March the files said `store` for shop and knew no channel: that was contract version 1. */
const sales = dataset('sales', {
  window: daily(),
  files: 'in/sales/{date}.csv',
  format: csv(),
  contract: contract(2, sale, { upcast: { 1: (old) => ({ ...old, shop: old['store'], channel: 'till' }) } }),
})

const total = record({
  shop: field.text(),
  lines: field.integer(),
  till: field.decimal({ scale: 2 }),
  web: field.decimal({ scale: 2 }),
  amount: field.decimal({ scale: 2 }),
})

const dailyTotals = dataset('daily_totals', {
  window: daily(),
  location: 'out/daily_totals',
  format: csv(),
  key: ['shop'],
  contract: contract(1, total),
  checks: [check.unique('shop'), check.rowCount({ min: 1, withinOfHistory: 0.5 })],
})

/** What a line comes to, or the rule that it breaks. A plain function: tested as one. */
export function amounts(line: RecordOf<typeof sale>) {
  if (line.price.isZero()) return reject('zero_price')
  if (line.quantity === 0) return reject('zero_quantity')
  return { ...line, amount: line.price.times(line.quantity) }
}

export default job('daily-sales', { owner: 'shops', window: daily({ timezone: 'Europe/London' }) }, (steps) => {
  const cleaned = steps
    .records('clean')
    .read(sales)
    .distinct({ within: 'file', reject: 'duplicate_line' })
    .process(amounts)
    .rejects({ '*': '10%' })
    .skip('5%')
    .control({ amount: (line) => line.amount })

  steps
    .reduce('total')
    .read(cleaned)
    .by((line) => line.shop)
    .fold({
      initial: (shop) => ({ shop, lines: 0, till: Decimal.zero, web: Decimal.zero }),
      add: (sum, line) => ({ ...sum, lines: sum.lines + 1, [line.channel]: sum[line.channel].plus(line.amount) }),
      finish: (sum) => ({ ...sum, amount: sum.till.plus(sum.web) }),
    })
    .buckets(1) // in one bucket the rows come in the order of their keys
    .control({ amount: (row) => row.amount }) // what came in went out, to the cent, or nothing is published
    .write(dailyTotals)
})
