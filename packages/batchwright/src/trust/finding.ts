import type { CheckDefinition } from '../job/index.ts'
import { BatchwrightError, type JsonValue } from '../kernel/errors.ts'

/** What one rule of trust came to, whether it held or not. Kept with the step, shown by `show`. */
export interface Finding {
  readonly kind: 'check' | 'reconciliation' | 'limit' | 'control' | 'files'
  /** As the user or this room calls it: `unique(invoice)`, `read = accepted + dropped + dead`. */
  readonly name: string
  /** `block`: nothing is published while it does not hold. `warn`: it is recorded. */
  readonly severity: 'block' | 'warn'
  readonly passed: boolean
  /** With numbers, as the rule states it. */
  readonly expected: string
  readonly found: string
  /** What to do where it did not hold; null where it did. */
  readonly hint: string | null
  /** Up to five records or keys that broke it. */
  readonly samples: readonly JsonValue[]
}

/** Findings keep this many examples. */
export const SAMPLES = 5

/** Findings as JSON, for a task's result. */
export function findingsJson(findings: readonly Finding[]): JsonValue {
  return findings.map((finding) => ({ ...finding }))
}

/** Throws VERIFICATION_FAILED, with all that did not hold, where one of them blocks. */
export function refuseFailures(step: string, findings: readonly Finding[]): void {
  const failed = findings.filter((finding) => !finding.passed && finding.severity === 'block')
  const [first] = failed
  if (first === undefined) return
  const others = failed.length === 1 ? '' : ` (and ${failed.length - 1} more)`
  throw new BatchwrightError({
    code: 'VERIFICATION_FAILED',
    message: `step ${step}: ${first.kind} ${first.name}: expected ${first.expected}, found ${first.found}${others}`,
    hint: first.hint ?? 'Look at the step with `batchwright show RUN`.',
    details: { step, failed: findingsJson(failed) },
  })
}

/** What all findings of a check have in common. */
export function checkBase(
  check: CheckDefinition,
  passed: boolean,
): Pick<Finding, 'kind' | 'name' | 'severity' | 'passed' | 'hint'> {
  const hint =
    check.severity === 'warn'
      ? 'It is a warning: nothing is held back.'
      : "Nothing was published. Mend the step or the check, then `batchwright retry RUN --from STEP`; or mend the data, then `batchwright rerun JOB --window WINDOW`. A check that should only warn has severity: 'warn'."
  return { kind: 'check', name: check.name, severity: check.severity, passed, hint: passed ? null : hint }
}
