/** What of a pass is wrong: in a run of tonight, or only perhaps. */
import { readPlaces, type SourcePlace } from '../../kernel/source-place.ts'
import type { ErrorReport } from '../../kernel/errors.ts'
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

/** Everything that is wrong, the worst first. A limit or a check counts as an error where the sample was all there is. */
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
  const level = whole ? 'error' : 'warning'
  const where = whole ? '' : ' of the sample'
  for (const step of steps) {
    for (const limit of step.limits) {
      if (limit.passed) continue
      problems.push({
        level,
        code: 'LIMIT_EXCEEDED',
        message: `${step.name}: ${limit.name}: expected ${limit.expected}, found ${limit.found}${where}`,
        hint: 'mend the rule or the data, or raise the limit',
        place: null,
        report: null,
      })
    }
  }
  for (const output of outputs) {
    for (const check of output.checks) {
      if (check.passed) continue
      problems.push({
        level: check.severity === 'block' ? level : 'warning',
        code: 'CHECK_FAILED',
        message: `${output.dataset}: ${check.name}: expected ${check.expected}, found ${check.found}${where}`,
        hint: 'mend the step or the check',
        place: null,
        report: null,
      })
    }
  }
  return problems.toSorted((left, right) => Number(left.level === 'warning') - Number(right.level === 'warning'))
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
    message,
    hint: null,
    place: file === '' ? null : { file, line, column, length: 1, message: null },
    report: null,
  }))
}
