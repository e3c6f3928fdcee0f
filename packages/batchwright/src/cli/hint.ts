/** What to do about an error, as it is told: whole sentences, and no command that cannot be typed. */
import { sentence } from '../kernel/sentence.ts'

/** The end of a hint that goes on with a run: `, then \`batchwright retry RUN\` goes on`. */
const GOING_ON = /[,;]? then `batchwright (?:retry|rerun) (?:RUN|JOB)\b[^`]*`[^.;]*/g
/** The same as a sentence of its own. */
const GOES_ON = / Then `batchwright (?:retry|rerun) (?:RUN|JOB)\b[^`]*`[^.;]*\./g

/**
 * The hint of an error. Where something fails outside a run (`check`, `dev`, `debug`), hints still speak of the run to go
 * on with: that part is left out, since there is none.
 */
export function toldHint(hint: string): string {
  return sentence(hint.replaceAll(GOES_ON, '').replaceAll(GOING_ON, ''))
}
