/** Tables whose columns fit the terminal. */
import type { Paint, Tone } from './paint.ts'
import { displayWidth, printable, shorten } from './text.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut with an ellipsis, down to this many columns. Absent: never cut. */
  readonly shrinkTo?: number
  /** Left out where the table does not fit; the highest goes first. Absent: always shown. */
  readonly dropOrder?: number
}

export type Cell = string | { readonly text: string; readonly tone: Tone }

export interface TableStyle {
  /** Columns of the terminal; `Infinity` where nothing limits them. */
  readonly width: number
  readonly paint: Paint
  /** Spaces before each line; default 0. */
  readonly indent?: number
}

const GAP = 2

/** Lines of a table, its titles first. Cells are foreign text: control characters in them are shown, not obeyed. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle,
): readonly string[] {
  const indent = style.indent ?? 0
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? plainCell(cell) : cell)))
  const texts = cells.map((row) => row.map((cell) => printable(cell.text)))
  const natural = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...texts.map((row) => displayWidth(row[index] ?? ''))),
  )
  const layout = fit(columns, natural, style.width - indent)
  const line = (parts: readonly string[]): string => `${' '.repeat(indent)}${parts.join(' '.repeat(GAP))}`.trimEnd()
  const titles = layout.map(({ index, width }) => {
    const column = columns[index]
    return style.paint(pad(shorten(column?.title ?? '', width), width, column?.align), 'dim')
  })
  return [
    line(titles),
    ...cells.map((row, rowIndex) =>
      line(
        layout.map(({ index, width }) => {
          const text = pad(shorten(texts[rowIndex]?.[index] ?? '', width), width, columns[index]?.align)
          return style.paint(text, row[index]?.tone ?? 'plain')
        }),
      ),
    ),
  ]
}

function plainCell(text: string): { readonly text: string; readonly tone: Tone } {
  return { text, tone: 'plain' }
}

interface Placed {
  readonly index: number
  readonly width: number
}

/** Cuts what may be cut, widest first; then leaves columns out, until the rest fits or nothing more may go. */
function fit(columns: readonly Column[], natural: readonly number[], width: number): readonly Placed[] {
  let shown = columns.map((_, index) => index)
  for (;;) {
    const placed = shrink(shown, columns, natural, width)
    if (totalWidth(placed) <= width) return placed
    const droppable = shown.filter((index) => columns[index]?.dropOrder !== undefined)
    if (droppable.length === 0) return placed
    const goes = droppable.reduce((left, right) =>
      (columns[right]?.dropOrder ?? 0) > (columns[left]?.dropOrder ?? 0) ? right : left,
    )
    shown = shown.filter((index) => index !== goes)
  }
}

function shrink(
  shown: readonly number[],
  columns: readonly Column[],
  natural: readonly number[],
  width: number,
): readonly Placed[] {
  const placed = shown.map((index) => ({ index, width: natural[index] ?? 0 }))
  let excess = totalWidth(placed) - width
  while (excess > 0) {
    const widest = placed
      .filter((column) => column.width > (columns[column.index]?.shrinkTo ?? Infinity))
      .reduce<{ width: number } | null>(
        (left, right) => (left === null || right.width > left.width ? right : left),
        null,
      )
    if (widest === null) break
    widest.width -= 1
    excess -= 1
  }
  return placed
}

function totalWidth(placed: readonly Placed[]): number {
  return placed.reduce((sum, column) => sum + column.width, 0) + GAP * Math.max(0, placed.length - 1)
}

function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + space : space + text
}
