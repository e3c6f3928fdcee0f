/** Rows of a sample as text: as a table where the terminal is wide enough, else as names and values. */
import type { Row } from '../../dry-run/index.ts'
import type { Paint } from '../render/paint.ts'
import { table } from '../render/table.ts'
import { count, displayWidth, printable, wrap } from '../render/text.ts'

export interface DevStyle {
  readonly width: number
  readonly paint: Paint
}

/** Rows as a table of their columns; as names and values where that is too wide. */
export function rowLines(rows: readonly Row[], { width, paint }: DevStyle): readonly string[] {
  if (rows.length === 0) return []
  const names = columnsOf(rows)
  const cells = rows.map((row) => names.map((name) => cellOf(row[name])))
  const natural = names.map((name, index) =>
    Math.max(displayWidth(name), ...cells.map((row) => displayWidth(printable(row[index] ?? '')))),
  )
  if (natural.reduce((sum, each) => sum + each + 2, 0) > width) {
    return rows.flatMap((row) => ['', ...fieldLines(row, null, '', width)]).slice(1)
  }
  return table(
    names.map((title) => ({ title })),
    cells,
    { width, paint, indent: 2 },
  )
}

/** A value of a record that is shown as names and values. */
const NARROW = 24

/** `in  invoice=536365 customer=17850 ...`; with `before` only what is new or different from it. */
export function fieldLines(row: Row, before: Row | null, label: string, width: number): readonly string[] {
  const entries = Object.entries(row)
  const different = entries.filter(([name, value]) => before === null || cellOf(before[name]) !== cellOf(value))
  const left = entries.length - different.length
  const fields = different.map(([name, value]) => `${name}=${fieldOf(cellOf(value))}`)
  const text = [...fields, ...(left === 0 ? [] : [`(${count(left)} unchanged)`])].join(' ')
  const indent = label === '' ? '  ' : `  ${' '.repeat(label.length)} `
  return wrap(text, Math.max(20, width - indent.length)).map((line, index) =>
    index === 0 && label !== '' ? `  ${label} ${line}` : `${indent}${line}`,
  )
}

function fieldOf(text: string): string {
  const shown = printable(text)
  return shown.length <= NARROW ? shown : `${shown.slice(0, NARROW - 1)}…`
}

export function columnsOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))]
}

/** A value as a cell: text as it is, nothing for null, the rest as JSON. */
export function cellOf(value: Row[string] | undefined): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
