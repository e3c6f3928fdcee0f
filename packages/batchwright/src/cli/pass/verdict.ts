/** What of a pass is wrong: in a run of tonight, or only perhaps. */
import { readPlaces, type SourcePlace } from '../../kernel/source-place.ts'
import type { ErrorReport } from '../../kernel/errors.ts'
import type { DryOutput, DryStep } from '../../dry-run/index.ts'
import type { PassReport } from './contract.ts'
import type { TypesReport } from './types.ts'

/** `error`: a run would break. `warning`: it may, or it is worth knowing. */
export interface Problem {
  readonly level: 'error' | 'warning'
  readonly code: string
  /** With the step or dataset that it is about. */
  readonly message: string
  readonly hint: string | null
  readonly place: SourcePlace | null
  /** Where the error came from as it was; null where it is none of an error. */
  readonly report: ErrorReport | null
}

/**
 * Everything that is wrong, the worst first. A limit or a check counts as an error where more
 * records would not mend it.
 */
export function problemsOf(pass: PassReport): readonly Problem[] {
  const problems: Problem[] = []
  if (pass.error !== null) problems.push(ofError(pass.error))
  for (const { problem } of pass.contracts) {
    if (problem !== null) problems.push({ level: 'error', ...problem, place: null, report: null })
  }
  if (pass.run === null) return problems
  const { inputs, steps, outputs, failure } = pass.run
  for (const { error } of inputs) if (error !== null) problems.push(ofError(error))
  if (failure !== null) {
    const problem = ofError(failure)
    problems.push({ ...problem, message: `${failure.step ?? 'the run'}: ${problem.message}` })
  }
  const whole = inputs.every((input) => input.whole)
  problems.push(...steps.flatMap((step) => stepProblems(step, whole)))
  problems.push(...outputs.flatMap((output) => outputProblems(output, whole)))
  return problems.toSorted((left, right) => Number(left.level === 'warning') - Number(right.level === 'warning'))
}

/** What a sample shows may be its own fault; what is true of it alone is true of the whole. */
function judged(code: string, certain: boolean, whole: boolean, text: string, hint: string): Problem {
  const message = whole ? text : `${text} of the sample`
  return { level: certain || whole ? 'error' : 'warning', code, message, hint, place: null, report: null }
}

function stepProblems(step: DryStep, whole: boolean): readonly Problem[] {
  const { counters, name, limits, certain, dead } = step
  const unexpected = dead.find(({ cause }) => cause !== 'rule')
  const failed = (counters?.deadByError ?? 0) + (counters?.deadByContract ?? 0)
  if (counters !== null && counters.read > 0 && failed === counters.read && unexpected !== undefined) {
    return [
      judged(
        'RECORDS_ALL_FAIL',
        true,
        true,
        `${name}: every one of the ${failed} records ${whole ? '' : 'of the sample '}fails: ${unexpected.example.message}`,
        'mend the step or the contract; `batchwright dev` shows the records',
      ),
    ]
  }
  return limits
    .filter((limit) => !limit.passed)
    .map((limit) =>
      judged(
        'LIMIT_EXCEEDED',
        certain.includes(limit.name),
        whole,
        `${name}: ${limit.name}: expected ${limit.expected}, found ${limit.found}`,
        'mend the rule or the data, or raise the limit; `batchwright dev` shows the records',
      ),
    )
}

function outputProblems({ dataset, checks, certain }: DryOutput, whole: boolean): readonly Problem[] {
  return checks
    .filter((check) => !check.passed)
    .map((check) => {
      const text = `${dataset}: ${check.name}: expected ${check.expected}, found ${check.found}`
      const problem = judged('CHECK_FAILED', certain.includes(check.name), whole, text, 'mend the step or the check')
      return check.severity === 'block' ? problem : { ...problem, level: 'warning' }
    })
}

function ofError(error: ErrorReport): Problem {
  return {
    level: 'error',
    code: error.code,
    message: error.message,
    hint: error.hint ?? null,
    place: readPlaces(error.details?.['places'])[0] ?? null,
    report: error,
  }
}

/** Type errors as problems. */
export function typeProblems(types: TypesReport): readonly Problem[] {
  if (types.state === 'unchecked') return []
  return types.problems.map(({ file, line, column, code, message }) => ({
    level: 'error' as const,
    code,
    message: ownSentence(message) ?? message,
    hint: null,
    place: file === '' ? null : { file, line, column, length: 1, message: null },
    report: null,
  }))
}

/**
 * What our types say of records that do not fit a dataset: TypeScript shows the sentence as the argument of a type, at the
 * end of a long story about the type parameters. Null where the error is about something else.
 */
function ownSentence(message: string): string | null {
  const [, text] = /\bColumnProblem<("(?:[^"\\]|\\.)*"(?: \| "(?:[^"\\]|\\.)*")*)>/.exec(message) ?? []
  if (text === undefined) return null
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, each = '']) => each.replaceAll('\\"', '"')).join('; ')
}
