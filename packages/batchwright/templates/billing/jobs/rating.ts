import { Decimal, reject } from 'batchwright'
import type { RatedUsage, Usage } from './rows.ts'

/** Price of one unit, by meter. */
const PRICES = new Map([
  ['compute', Decimal.from('0.0425')],
  ['storage', Decimal.from('0.0012')],
  ['traffic', Decimal.from('0.0090')],
])

/** What a use costs, or the first rule that it breaks. */
export function rate(usage: Usage) {
  if (usage.account === null) return reject('no_account')
  const price = PRICES.get(usage.meter)
  if (price === undefined) return reject('unknown_meter', usage.meter)
  if (usage.units < 0) return reject('negative_units')
  const rated: RatedUsage = { id: usage.id, account: usage.account, amount: price.times(usage.units) }
  return rated
}
