/**
 * Tables whose columns fit the terminal: what may be cut is cut, what may go goes, and what must stay continues on a second
 * line. Columns in which no row has anything are left out.
 */
import type { Paint, Tone } from './paint.ts'
import { displayWidth, printable, shorten, shortenMiddle } from './text.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut with an ellipsis, down to this many columns. Absent: never cut. */
  readonly shrinkTo?: number
  /** Where the ellipsis stands; default `end`. `middle` for paths. */
  readonly cut?: 'end' | 'middle'
  /** Left out where the table does not fit; the highest goes first. Absent: always shown. */
  readonly dropOrder?: number
}

export type Cell =
  | string
  | {
      readonly text: string
      readonly tone: Tone
      /** Signs of our own before the text, in tones of their own: branches of a tree, a bar. Never cut. */
      readonly lead?: readonly Sign[]
    }

export interface Sign {
  readonly text: string
  readonly tone: Tone
}

export interface TableStyle {
  /** Columns of the terminal; `Infinity` where nothing limits them. */
  readonly width: number
  readonly paint: Paint
  /** Spaces before each line; default 0. */
  readonly indent?: number
}

const GAP = 2
/** Spaces before what a row continues with on its second line. */
const CONTINUED = 2

/** Lines of a table, its titles first. Cells are foreign text: control characters in them are shown, not obeyed. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle,
): readonly string[] {
  const titles = columns.map(({ title }): Cell => ({ text: title, tone: 'dim' }))
  return layOut(columns, [titles, ...rows], style, rows)
}

/** The same without titles, for rows that explain themselves. */
export function rowsInColumns(
  columns: readonly Omit<Column, 'title'>[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle,
): readonly string[] {
  const untitled = columns.map((column) => ({ ...column, title: '' }))
  return layOut(untitled, rows, style, rows)
}

function layOut(
  columns: readonly Column[],
  lines: readonly (readonly Cell[])[],
  style: TableStyle,
  rows: readonly (readonly Cell[])[],
): readonly string[] {
  const natural = columns.map((_, index) => Math.max(0, ...lines.map((line) => widthOf(line[index] ?? ''))))
  const filled = columns.flatMap((_, index) =>
    rows.length === 0 || rows.some((row) => widthOf(row[index] ?? '') > 0) ? [index] : [],
  )
  const width = style.width - (style.indent ?? 0)
  const folded = fold(fit(filled, columns, natural, width), width)
  return lines.flatMap((line) =>
    folded.flatMap((placed, part) => {
      if (part > 0 && placed.every(({ index }) => widthOf(line[index] ?? '') === 0)) return []
      const cells = placed.map(({ index, width: room }) => drawn(line[index] ?? '', room, columns[index], style.paint))
      const indent = (style.indent ?? 0) + (part === 0 ? 0 : CONTINUED)
      return [`${' '.repeat(indent)}${cells.join(' '.repeat(GAP))}`.trimEnd()]
    }),
  )
}

function textOf(cell: Cell): string {
  return printable(typeof cell === 'string' ? cell : cell.text)
}

function leadOf(cell: Cell): readonly Sign[] {
  return typeof cell === 'string' ? [] : (cell.lead ?? [])
}

function leadWidth(cell: Cell): number {
  return leadOf(cell).reduce((sum, { text }) => sum + displayWidth(text), 0)
}

function widthOf(cell: Cell): number {
  return leadWidth(cell) + displayWidth(textOf(cell))
}

/** The cell in exactly `width` columns. */
function drawn(cell: Cell, width: number, column: Column | undefined, paint: Paint): string {
  const room = Math.max(0, width - leadWidth(cell))
  const text = column?.cut === 'middle' ? shortenMiddle(textOf(cell), room) : shorten(textOf(cell), room)
  const space = ' '.repeat(Math.max(0, room - displayWidth(text)))
  const lead = leadOf(cell).map((sign) => paint(sign.text, sign.tone))
  const painted = paint(text, typeof cell === 'string' ? 'plain' : cell.tone)
  return (column?.align === 'right' ? [space, ...lead, painted] : [...lead, painted, space]).join('')
}

interface Placed {
  readonly index: number
  readonly width: number
}

/** Cuts what may be cut, widest first; then leaves columns out, until the rest fits or nothing more may go. */
function fit(
  filled: readonly number[],
  columns: readonly Column[],
  natural: readonly number[],
  width: number,
): readonly Placed[] {
  let shown = filled
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

/** Columns that do not fit side by side stand on further lines of each row. */
function fold(placed: readonly Placed[], width: number): readonly (readonly Placed[])[] {
  const lines: Placed[][] = []
  let line: Placed[] = []
  for (const column of placed) {
    const room = lines.length === 0 ? width : width - CONTINUED
    if (line.length > 0 && totalWidth([...line, column]) > room) {
      lines.push(line)
      line = []
    }
    line.push(column)
  }
  return [...lines, line]
}

function totalWidth(placed: readonly Placed[]): number {
  return placed.reduce((sum, column) => sum + column.width, 0) + GAP * Math.max(0, placed.length - 1)
}
