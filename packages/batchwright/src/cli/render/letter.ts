import type { FoundLetter } from '../letters.ts'
import type { PlaceStyle } from './places.ts'
import { stackLines, thrownAt } from './places.ts'
import type { TableStyle } from './table.ts'
import { count, printable } from './text.ts'

export interface LetterStyle extends TableStyle, Pick<PlaceStyle, 'projectFolder' | 'source'> {
  /** Whole stacks, in place of the line that threw. */
  readonly verbose: boolean
  readonly runId: string
}

/** A dead letter, whole: where it stood, why it was set aside, the user's line that threw, what it held. */
export function letterLines(found: FoundLetter, style: LetterStyle): readonly string[] {
  const { step, partition, letter, discarded } = found
  const { paint } = style
  const { position } = letter
  const offset = position.offset === null ? '' : `, byte ${count(position.offset)}`
  const window = position.windowKey === null ? '' : ` (${position.windowKey})`
  const facts: readonly (readonly [string, string])[] = [
    ['id', letter.id],
    ['step', `${step}, partition ${partition}`],
    ['where', `${position.source}${window}, record ${count(position.record)}${offset}`],
    ['cause', letter.cause],
    ['reason', letter.reason],
    ['message', letter.message],
    ...(discarded === null ? [] : [['discarded', `${discarded.at} by ${discarded.by}: ${discarded.why}`] as const]),
    ['debug', `batchwright dead-letters debug ${letter.id} --run ${style.runId}`],
    ['replay', `batchwright dead-letters replay ${letter.id} --run ${style.runId}`],
    ['mend', `batchwright dead-letters export ${style.runId} --reason ${letter.reason} --output letters.jsonl`],
  ]
  const lines = facts.map(([name, value]) => `${paint(name.padEnd(9), 'dim')}  ${printable(value)}`)
  return [...lines, ...threwLines(letter.stack, style), '', ...letter.raw.split(/\r?\n/).map(printable)]
}

/** The user's own line with the lines around it; the stack as it is where none of it is theirs. */
function threwLines(stack: string | null, style: LetterStyle): readonly string[] {
  if (stack === null) return []
  const { paint, projectFolder, verbose } = style
  const report = { code: 'USER_ERROR', message: '', retryable: false, stack }
  const thrown = verbose ? null : thrownAt(report, projectFolder)
  if (thrown === null) return ['', ...stack.split('\n').map((line) => paint(printable(line), 'dim'))]
  const [first = '', ...more] = stackLines(thrown, style)
  return [`${paint('at'.padEnd(9), 'dim')}  ${thrown.at}`, first, ...(more.at(-1) === '' ? more.slice(0, -1) : more)]
}
