import { DROP, OUTCOME, OUTPUT, REJECT, type Dropped, type Named, type Rejected } from './model.ts'
import { checkName } from './names.ts'

/**
 * Sets the record aside as a dead letter of a named rule. `detail` is shown beside it: no secrets.
 *
 * @example
 * ```ts
 * import { reject } from 'batchwright'
 *
 * export function rate(line: { readonly customer: number | null; readonly quantity: number }) {
 *   if (line.customer === null) return reject('missing_customer')
 *   if (line.quantity > 1000) return reject('too_many', `${line.quantity} pieces`)
 *   return line
 * }
 * ```
 */
export function reject<const Rule extends string>(rule: Rule, detail?: string): Rejected<Rule> {
  return { [OUTCOME]: true, [REJECT]: checkedRule(rule), detail: detail ?? null }
}

/** Rules seen before are not checked again: a job rejects millions of records by a handful of rules. */
const checkedRules = new Set<string>()

function checkedRule<Rule extends string>(rule: Rule): Rule {
  if (!checkedRules.has(rule)) {
    checkName('rule', rule)
    checkedRules.add(rule)
  }
  return rule
}

const DROPPED: Dropped = Object.freeze({ [OUTCOME]: true as const, [DROP]: true as const })

/** The record is not wanted. It is counted, and that is all. */
export function drop(): Dropped {
  return DROPPED
}

/**
 * Gives the record to one of the step's named outputs: `.outputs({ refunds })` publishes them, `step.output('refunds')` lets
 * another step read them. The record passes no further operation of the step.
 */
export function output<const Output extends string, Row extends object>(name: Output, record: Row): Named<Output, Row> {
  if (!checkedOutputs.has(name)) {
    checkName('output', name)
    checkedOutputs.add(name)
  }
  return { [OUTCOME]: true, [OUTPUT]: name, record }
}

const checkedOutputs = new Set<string>()

export function isRejected(value: unknown): value is Rejected {
  return typeof value === 'object' && value !== null && REJECT in value
}

export function isDropped(value: unknown): value is Dropped {
  return typeof value === 'object' && value !== null && DROP in value
}
