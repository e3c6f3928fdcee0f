/** Problems of a pass as text: what, where, what to do. */
import { factLines, failureLines, headline } from '../failure.ts'
import { toldHint } from '../hint.ts'
import { placesLines } from '../render/places.ts'
import { plural, printable } from '../render/text.ts'
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
    return [
      '',
      ...headline(problem.level, problem.message, style),
      ...(problem.place === null ? [] : placesLines([problem.place], style)),
      ...(problem.hint === null ? [] : factLines(style)('hint', toldHint(problem.hint))),
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
