import { Decimal } from '../kernel/decimal.ts'
import type { ControlTotals } from '../protocol/index.ts'

/** Control totals added up by name, exactly. */
export function addControls(all: readonly ControlTotals[]): ControlTotals {
  const sums = new Map<string, Decimal>()
  for (const controls of all) {
    for (const [name, total] of Object.entries(controls)) {
      sums.set(name, (sums.get(name) ?? Decimal.zero).plus(total))
    }
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum.toString()]))
}
