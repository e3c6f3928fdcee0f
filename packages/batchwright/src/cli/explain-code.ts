/** `explain CODE`: an entry of the catalogue of errors. */
import { CATALOGUE } from './catalogue/index.ts'
import { usageError } from './failure.ts'
import { codeJson, codeLines } from './render/catalogue.ts'
import type { Session } from './session.ts'
import { nearest } from './suggest.ts'

/** The code or the reason that is meant, where the word is one or looks like one; null for other names and ids. */
export function asCode(what: string): string | null {
  const upper = what.toUpperCase().replaceAll('-', '_')
  if (CATALOGUE.has(upper)) return upper
  const lower = upper.toLowerCase()
  if (CATALOGUE.has(lower)) return lower
  return /^[A-Z][A-Z0-9_]+$/.test(what) ? what : null
}

/** Prints what the catalogue says. Throws CODE_UNKNOWN with the nearest code. */
export function explainCode({ terminal }: Session, code: string): void {
  const entry = CATALOGUE.get(code)
  if (entry === undefined) throw unknownCode(code)
  terminal.printJson(codeJson(code, entry))
  terminal.print(codeLines(code, entry, terminal))
}

function unknownCode(code: string): Error {
  const near = nearest(code, [...CATALOGUE.keys()])
  return usageError({
    code: 'CODE_UNKNOWN',
    message: `no error of Batchwright has the code ${JSON.stringify(code)}`,
    hint:
      near === null
        ? 'a code stands in the last line of an error; one that is not here was set by your code or by a library'
        : `did you mean ${near}?`,
    details: { given: code },
  })
}
