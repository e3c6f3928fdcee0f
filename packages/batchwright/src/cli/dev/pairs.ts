/** Records before and after a step: side by side where the terminal is wide enough, else one over the other. */
import type { DryKey, DryRecord, DryStep, Row } from '../../dry-run/index.ts'
import type { Tone } from '../render/paint.ts'
import { table, type Cell, type Column } from '../render/table.ts'
import { displayWidth, printable } from '../render/text.ts'
import { cellOf, columnsOf, fieldLines, rowLines, type DevStyle } from './rows.ts'

/** Records and keys that are shown of a step. */
const SHOWN = 6
const ARROW = '→'

export function pairLines(step: DryStep, style: DevStyle): readonly string[] {
  if (step.kind === 'records') return recordLines(worthSeeing(step.records, SHOWN), style)
  if (step.kind === 'reduce') return keyLines(step.keys.slice(0, SHOWN), style)
  return rowLines(step.rows.slice(0, SHOWN), style)
}

/** One line of a comparison: a record, and one of those that were made of it, or what else became of it. */
interface Pair {
  readonly before: Row | null
  readonly after: Row | null
  readonly fate: { readonly text: string; readonly tone: Tone } | null
}

function recordLines(records: readonly DryRecord[], style: DevStyle): readonly string[] {
  if (records.length === 0) return []
  const pairs = records.flatMap(pairsOf)
  return beside(pairs, style) ?? stacked(pairs, style)
}

function pairsOf({ before, after, fate, reason }: DryRecord): readonly Pair[] {
  if (fate === 'dead') return [{ before, after: null, fate: { text: `✗ ${reason ?? ''}`, tone: 'bad' } }]
  if (fate === 'dropped') return [{ before, after: null, fate: { text: '– dropped', tone: 'dim' } }]
  return after.map(({ output, row }, index) => ({
    before: index === 0 ? before : null,
    after: row,
    fate: output === null ? null : { text: `${ARROW} ${output}`, tone: 'active' },
  }))
}

/** Both in one table, with an arrow between them; null where that is too wide. */
function beside(pairs: readonly Pair[], { width, paint }: DevStyle): readonly string[] | null {
  const left = columnsOf(pairs.flatMap(({ before }) => (before === null ? [] : [before])))
  const right = columnsOf(pairs.flatMap(({ after }) => (after === null ? [] : [after])))
  const fates = pairs.some(({ fate }) => fate !== null)
  const columns: readonly Column[] = [
    ...left.map((title): Column => ({ title })),
    { title: ARROW },
    ...right.map((title): Column => ({ title })),
    ...(fates ? [{ title: ' ' }] : []),
  ]
  const rows = pairs.map(({ before, after, fate }): readonly Cell[] => [
    ...left.map((name): Cell => cellOf(before?.[name])),
    { text: ARROW, tone: 'dim' },
    ...right.map((name) => afterCell(name, before, after)),
    ...(fates ? [fate ?? ''] : []),
  ])
  const natural = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(textOf(row[index])))),
  )
  if (natural.reduce((sum, each) => sum + each + 2, 0) > width) return null
  return table(columns, rows, { width, paint, indent: 2 })
}

/** What a step has left as it was is said quietly. */
function afterCell(name: string, before: Row | null, after: Row | null): Cell {
  const text = cellOf(after?.[name])
  const same = before !== null && name in before && cellOf(before[name]) === text
  return { text, tone: same ? 'dim' : 'strong' }
}

function textOf(cell: Cell | undefined): string {
  return printable(typeof cell === 'string' ? cell : (cell?.text ?? ''))
}

function stacked(pairs: readonly Pair[], { width, paint }: DevStyle): readonly string[] {
  return pairs.flatMap(({ before, after, fate }, index) => [
    ...(index === 0 ? [] : ['']),
    ...(before === null ? [] : fieldLines(before, null, 'in ', width)),
    ...(after === null ? [] : fieldLines(after, before, 'out', width).map((line) => paint(line, 'strong'))),
    ...(fate === null ? [] : [`  ${paint(fate.text, fate.tone)}`]),
  ])
}

/** Keys with the number of their records, and what each became. */
function keyLines(keys: readonly DryKey[], style: DevStyle): readonly string[] {
  if (keys.length === 0) return []
  const pairs = keys.flatMap(({ key, records, after }): readonly Pair[] => {
    const before: Row = { key, records }
    if (after.length === 0) return [{ before, after: null, fate: { text: '– nothing', tone: 'dim' } }]
    return after.map((row, index) => ({ before: index === 0 ? before : null, after: row, fate: null }))
  })
  return beside(pairs, style) ?? stacked(pairs, style)
}

/** Records worth seeing: the first of each fate and reason before more of the same. */
function worthSeeing(records: readonly DryRecord[], most: number): readonly DryRecord[] {
  const seen = new Map<string, number>()
  const ranked = records.map((record, index) => {
    const kind = record.reason ?? record.fate
    const before = seen.get(kind) ?? 0
    seen.set(kind, before + 1)
    return { record, index, rank: before }
  })
  return ranked
    .toSorted((left, right) => left.rank - right.rank || left.index - right.index)
    .slice(0, most)
    .toSorted((left, right) => left.index - right.index)
    .map(({ record }) => record)
}
