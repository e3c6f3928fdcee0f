import { DROP, REJECT, type Dropped, type Rejected } from './model.ts'
import { checkName } from './names.ts'

/** Sets the record aside as a dead letter of a named rule. `detail` is shown beside it: no secrets. */
export function reject<const Rule extends string>(rule: Rule, detail?: string): Rejected<Rule> {
  return { [REJECT]: checkedRule(rule), detail: detail ?? null }
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

const DROPPED: Dropped = Object.freeze({ [DROP]: true as const })

/** The record is not wanted. It is counted, and that is all. */
export function drop(): Dropped {
  return DROPPED
}

export function isRejected(value: unknown): value is Rejected {
  return typeof value === 'object' && value !== null && REJECT in value
}

export function isDropped(value: unknown): value is Dropped {
  return typeof value === 'object' && value !== null && DROP in value
}
