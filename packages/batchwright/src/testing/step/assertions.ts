import { AssertionError } from 'node:assert'
import { diffRecords } from '../diff.ts'
import { valueText } from '../plain.ts'
import type { Dead, Dropped, StepOutcome, Written } from './outcome.ts'

/**
 * Throws unless the record was written; with `expected` unless it gave exactly this record, or these. Decimals are equal by
 * amount. The error says in which columns they differ, or why the record was set aside.
 */
export function assertWritten<Out>(
  outcome: StepOutcome<Out>,
  expected?: Out | readonly Out[],
): asserts outcome is Written<Out> {
  if (outcome.outcome !== 'written')
    throw failure(`expected the record to be written, it ${fateText(outcome)}`, outcome, expected ?? 'written')
  if (expected === undefined) return
  const wanted = asRecords(expected)
  const found = asRecords(outcome.records)
  const lines = diffRecords(wanted, found, { key: null })
  if (lines.length > 0)
    throw failure(`the step wrote other records than expected:\n  ${lines.join('\n  ')}`, found, wanted)
}

/** Throws unless the record was dropped. */
export function assertDropped(outcome: StepOutcome<unknown>): asserts outcome is Dropped {
  if (outcome.outcome !== 'dropped')
    throw failure(`expected the record to be dropped, it ${fateText(outcome)}`, outcome, 'dropped')
}

/** Throws unless the record was set aside; with `reason` unless for this one: a rule, a contract reason, an error code. */
export function assertDead<Rule extends string>(
  outcome: StepOutcome<unknown, Rule>,
  reason?: string,
): asserts outcome is Dead<Rule> {
  const wanted = reason === undefined ? 'to be set aside' : `to be set aside for ${JSON.stringify(reason)}`
  if (outcome.outcome === 'dead' && (reason === undefined || outcome.reason === reason)) return
  throw failure(`expected the record ${wanted}, it ${fateText(outcome)}`, outcome, reason ?? 'dead')
}

/** Throws unless two lists of records say the same, row by row; with `key` rows are matched by these columns. */
export function assertRecords(
  actual: readonly object[],
  expected: readonly object[],
  options: { readonly key?: readonly string[] } = {},
): void {
  const lines = diffRecords(expected, actual, { key: options.key ?? null })
  if (lines.length > 0) throw failure(`the records differ:\n  ${lines.join('\n  ')}`, actual, expected)
}

function asRecords(given: unknown): readonly object[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  return list.filter((each) => typeof each === 'object' && each !== null)
}

function fateText(outcome: StepOutcome<unknown>): string {
  switch (outcome.outcome) {
    case 'written':
      return `was written: ${outcome.records.map(valueText).join(', ')}`
    case 'dropped':
      return 'was dropped'
    case 'dead':
      return `was set aside: ${outcome.cause} ${outcome.reason}: ${outcome.message}${stackOf(outcome)}`
  }
}

/** Of what was thrown, the first lines: they name the place in the job. */
function stackOf(outcome: Dead): string {
  if (outcome.cause === 'rule' || !(outcome.error instanceof Error)) return ''
  const frames = (outcome.error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return frames
    .slice(0, 3)
    .map((line) => `\n${line}`)
    .join('')
}

function failure(message: string, actual: unknown, expected: unknown): AssertionError {
  return new AssertionError({ message, actual, expected, operator: 'batchwright', stackStartFn: failure })
}
