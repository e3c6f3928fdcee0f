/** `explain CODE|RUN|TASK`: what an error means, or what happened. */
import { CATALOGUE } from '../catalogue/index.ts'
import { usageError } from '../failure.ts'
import { codeJson, codeLines } from '../render/catalogue.ts'
import type { Session } from '../session.ts'
import { nearest } from '../suggest.ts'

/** `batchwright explain WHAT`: an error's code (`JOB_UNKNOWN`, `job-unknown`), else a run or a task. */
export function explain(session: Session, what: string): Promise<void> {
  const code = asCode(what)
  if (code !== null) {
    explainCode(session, code)
    return Promise.resolve()
  }
  throw usageError({
    code: 'CODE_UNKNOWN',
    message: `no error has the code ${JSON.stringify(what)}`,
    hint: 'the code stands in the last line of an error',
    details: { given: what },
  })
}

/** The code that is meant, where the word is one or looks like one; null for names and ids, which are lower case. */
function asCode(what: string): string | null {
  const upper = what.toUpperCase().replaceAll('-', '_')
  if (Object.hasOwn(CATALOGUE, upper)) return upper
  return /^[A-Z][A-Z0-9_]+$/.test(what) ? what : null
}

function explainCode(session: Session, code: string): void {
  const entry = new Map(Object.entries(CATALOGUE)).get(code)
  if (entry === undefined) throw unknownCode(code)
  session.terminal.printJson(codeJson(code, entry))
  session.terminal.print(codeLines(code, entry, session.terminal))
}

function unknownCode(code: string): Error {
  const near = nearest(code, Object.keys(CATALOGUE))
  return usageError({
    code: 'CODE_UNKNOWN',
    message: `no error has the code ${JSON.stringify(code)}`,
    hint: near === null ? 'the code stands in the last line of an error' : `did you mean ${near}?`,
    details: { given: code },
  })
}
