import { reject } from 'batchwright'
import type { Line, RatedLine } from './rows.ts'

/**
 * What a line comes to, or the first rule that it breaks: the order is part of the rules. Lines with another number of
 * fields, or with a number that is none, never come here: the contract rejects them.
 */
export function rate(line: Line) {
  const { invoice, customer, quantity, price } = line
  if (invoice.startsWith('A')) return reject('bad_debt_adjustment')
  if (customer === null) return reject('missing_customer')
  if (price.isNegative()) return reject('negative_price')
  if (price.isZero()) return reject('zero_price')
  const credit = invoice.startsWith('C')
  if (quantity < 0 && !credit) return reject('negative_quantity_no_credit')
  const rated: RatedLine = {
    invoice,
    customer,
    date: line.time.slice(0, 10),
    country: line.country,
    kind: credit ? 'credit' : 'invoice',
    quantity,
    amount: price.times(quantity),
  }
  return rated
}
