import { contract, field, record } from 'batchwright'
import type { RecordOf } from 'batchwright'

const lineRow = record({
  id: field.integer(),
  customer: field.text(),
  date: field.date(),
  quantity: field.integer(),
  price: field.decimal({ scale: 2 }),
  country: field.text(),
})
export type Line = RecordOf<typeof lineRow>

const pricedRow = record({ ...lineRow.shape, amount: field.decimal({ scale: 2 }) })
export type Priced = RecordOf<typeof pricedRow>

export const lineContract = contract(1, lineRow)
export const pricedContract = contract(1, pricedRow)

/** The one function of the benchmark: exact money, one record for one. */
export function price(line: Line): Priced {
  const { id, customer, date, quantity, country } = line
  return { id, customer, date, quantity, price: line.price, country, amount: line.price.times(quantity) }
}
