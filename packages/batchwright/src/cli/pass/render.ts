/** Problems of a pass as text: what, where, what to do. */
import { failureLines } from '../failure.ts'
import { placesLines } from '../render/places.ts'
import { plural, printable, wrap } from '../render/text.ts'
import type { Session } from '../session.ts'
import type { TypesReport } from './types.ts'
import { typeProblems, type Problem } from './verdict.ts'

/** Problems shown; the rest is counted. */
const MOST = 10

/** Each problem as an error or a warning, with the lines of its place. Empty where there are none. */
export function problemLines(problems: readonly Problem[], session: Session): readonly string[] {
  const { terminal } = session
  const { paint, width } = terminal
  const shown = problems.slice(0, MOST).flatMap((problem) => {
    const style = { paint, width, verbose: terminal.verbose, projectFolder: session.project.folder }
    if (problem.report !== null) return ['', ...failureLines({ ...problem.report, message: problem.message }, style)]
    const tone = problem.level === 'error' ? 'bad' : 'warn'
    const [first = '', ...more] = wrap(printable(problem.message), Math.max(20, width - 9))
    return [
      '',
      `${paint(`${problem.level}:`, tone)} ${first}`,
      ...more.map((line) => `  ${line}`),
      ...(problem.place === null ? [] : placesLines([problem.place], style)),
      ...(problem.hint === null ? [] : [`  ${paint('hint', 'dim')}  ${printable(problem.hint)}`]),
      `  ${paint('code', 'dim')}  ${printable(problem.code)}`,
    ]
  })
  return [...shown, ...(problems.length > MOST ? ['', `and ${plural(problems.length - MOST, 'more problem')}`] : [])]
}

/** What TypeScript says of the jobs: one line where all is well. */
export function typeLines(types: TypesReport, session: Session): readonly string[] {
  const { paint } = session.terminal
  if (types.state === 'unchecked') {
    return [
      `${paint('types:', 'warn')} not checked: ${printable(types.why)}  ${paint(`(${printable(types.hint)})`, 'dim')}`,
    ]
  }
  if (types.problems.length === 0) return [paint(`types: no errors (TypeScript ${types.version})`, 'dim')]
  return problemLines(typeProblems(types), session)
}
