/** Lines of a source file around a place, with a caret under it. */
import type { Paint } from './paint.ts'
import { displayWidth, printable, shorten } from './text.ts'

export interface FrameStyle {
  readonly paint: Paint
  /** Columns of the terminal; `Infinity` where nothing limits them. */
  readonly width: number
}

/** A place in the text: lines and columns from 1; `length` characters are marked. */
export interface Marked {
  readonly line: number
  readonly column: number
  readonly length: number
}

const LINES_BEFORE = 2
const LINES_AFTER = 1
const TAB = '  '

/**
 *     11 | export function rate(line: Line) {
 *   > 12 |   return line.price.times(quantity)
 *        |                           ^^^^^^^^
 *     13 | }
 *
 * Empty where the text has no such line: the file has changed since. Common indentation is taken away, long lines are cut
 * so that the mark stays in sight.
 */
export function codeFrame(text: string, marked: Marked, { paint, width }: FrameStyle): readonly string[] {
  const all = text.split(/\r?\n/)
  if (all[marked.line - 1] === undefined) return []
  const first = Math.max(1, marked.line - LINES_BEFORE)
  const last = Math.min(all.length, marked.line + LINES_AFTER)
  const shown = all.slice(first - 1, last)
  const common = commonIndent(shown)
  const gutter = String(last).length
  const room = Math.max(10, width - gutter - 8)
  const { skip, caret } = windowOn(all[marked.line - 1] ?? '', marked, common, room)
  return trimmed(shown, first).flatMap(({ number, line }) => {
    const body = shorten(showLine(line.slice(common)).slice(skip), room)
    const label = String(number).padStart(gutter)
    if (number !== marked.line) return [paint(`    ${label} | ${body}`.trimEnd(), 'dim')]
    return [
      `  ${paint('>', 'bad')} ${paint(`${label} |`, 'dim')} ${body}`.trimEnd(),
      `    ${paint(`${' '.repeat(gutter)} |`, 'dim')} ${' '.repeat(caret.at)}${paint('^'.repeat(caret.length), 'bad')}`,
    ]
  })
}

/** Without blank lines at both ends: they show nothing. */
function trimmed(
  lines: readonly string[],
  first: number,
): readonly { readonly number: number; readonly line: string }[] {
  const numbered = lines.map((line, index) => ({ number: first + index, line }))
  const from = numbered.findIndex(({ line }) => line.trim() !== '')
  const to = numbered.findLastIndex(({ line }) => line.trim() !== '')
  return from === -1 ? numbered : numbered.slice(from, to + 1)
}

/** What of the marked line is shown, so that the mark is within `room` columns, and where the caret stands then. */
function windowOn(
  line: string,
  { column, length }: Marked,
  common: number,
  room: number,
): { readonly skip: number; readonly caret: { readonly at: number; readonly length: number } } {
  const before = displayWidth(showLine(line.slice(common, column - 1)))
  const skip = before > room - 10 ? before - Math.floor(room / 2) : 0
  const at = before - skip
  const rest = displayWidth(showLine(line.slice(column - 1)))
  return { skip, caret: { at, length: Math.max(1, Math.min(length, rest, room - at)) } }
}

function showLine(line: string): string {
  return printable(line.replaceAll('\t', TAB))
}

function commonIndent(lines: readonly string[]): number {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^\s*/.exec(line)?.[0].length ?? 0)
  return indents.length === 0 ? 0 : Math.min(...indents)
}
