import { Decimal } from '../../kernel/decimal.ts'
import type { ControlTotals, Counters } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'

/** Counters and control totals of several tasks. Control totals are exact: decimals, added as decimals. */
export interface Totals {
  readonly counters: Counters
  readonly controls: ControlTotals
}

export const NO_TOTALS: Totals = { counters: NO_COUNTERS, controls: {} }

export function addTotals(parts: readonly Totals[]): Totals {
  return {
    counters: addCounters(parts.map(({ counters }) => counters)),
    controls: addControls(parts.map(({ controls }) => controls)),
  }
}

function addCounters(parts: readonly Counters[]): Counters {
  const sum = { ...NO_COUNTERS }
  const reasons = new Map<string, number>()
  const named = new Map<string, number>()
  const files = new Map<string, number>()
  for (const part of parts) {
    sum.read += part.read
    sum.accepted += part.accepted
    sum.written += part.written
    sum.dropped += part.dropped
    sum.deadByRule += part.deadByRule
    sum.deadByContract += part.deadByContract
    sum.deadByError += part.deadByError
    sum.bytesRead += part.bytesRead
    sum.bytesWritten += part.bytesWritten
    sum.retries += part.retries
    for (const [reason, count] of Object.entries(part.reasons)) reasons.set(reason, (reasons.get(reason) ?? 0) + count)
    for (const [name, count] of Object.entries(part.named ?? {})) named.set(name, (named.get(name) ?? 0) + count)
    for (const [name, count] of Object.entries(part.files ?? {})) files.set(name, (files.get(name) ?? 0) + count)
  }
  return {
    ...sum,
    reasons: Object.fromEntries(reasons),
    ...(named.size === 0 ? {} : { named: Object.fromEntries(named) }),
    ...(files.size === 0 ? {} : { files: Object.fromEntries(files) }),
  }
}

function addControls(parts: readonly ControlTotals[]): ControlTotals {
  const sums = new Map<string, Decimal>()
  for (const part of parts) {
    for (const [name, amount] of Object.entries(part)) {
      sums.set(name, (sums.get(name) ?? Decimal.zero).plus(Decimal.from(amount)))
    }
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum.toString()]))
}
