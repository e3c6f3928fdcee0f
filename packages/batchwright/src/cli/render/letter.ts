import type { FoundLetter } from '../letters.ts'
import type { TableStyle } from './table.ts'
import { count, printable } from './text.ts'

/** A dead letter, whole: where it stood, why it was set aside, what it held. */
export function letterLines(
  { step, partition, letter, discarded }: FoundLetter,
  { paint }: TableStyle,
): readonly string[] {
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
  ]
  const lines = facts.map(([name, value]) => `${paint(name.padEnd(9), 'dim')}  ${printable(value)}`)
  const stack =
    letter.stack === null ? [] : ['', ...letter.stack.split('\n').map((line) => paint(printable(line), 'dim'))]
  return [...lines, ...stack, '', ...letter.raw.split(/\r?\n/).map(printable)]
}
