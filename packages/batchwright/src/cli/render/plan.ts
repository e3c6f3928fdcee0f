/** A plan as text: partitions and their sizes, how evenly they are cut, how long the run will take, what it will need. */
import { span } from '../explain/sentence.ts'
import type { Estimate } from '../planning/estimate.ts'
import type { Skew } from '../planning/skew.ts'
import { isCompressed } from '../planning/skew.ts'
import type { PartitionPlan } from '../../protocol/index.ts'
import type { Column, TableStyle } from './table.ts'
import { table } from './table.ts'
import { bytes, count, plural, printable, wrap } from './text.ts'

export interface PlannedStepRow {
  readonly step: string
  readonly kind: string
  /** Null for a step that reads what another has yet to make. */
  readonly partitions: readonly PartitionPlan[] | null
  readonly notes: readonly string[]
  readonly skew: Skew | null
  /** Its files are not cut, whatever their size: `distinct` within a file. */
  readonly wholeFiles: boolean
}

const PARTITION_COLUMNS: readonly Column[] = [
  { title: '#', align: 'right' },
  { title: 'partition', shrinkTo: 12, cut: 'middle' },
  { title: 'records', align: 'right' },
  { title: 'size', align: 'right', dropOrder: 1 },
]

/** Partitions shown of each step before the rest is summed up. */
const PARTITIONS_SHOWN = 40
const NOTES_SHOWN = 8
/** Large partitions named. */
const LARGE_NAMED = 3
/** From this many times the median on a plan is called skewed. */
const SKEWED = 3

export function planLines(
  title: string,
  steps: readonly PlannedStepRow[],
  slots: number,
  style: TableStyle,
): readonly string[] {
  const { paint } = style
  return [
    paint(printable(title), 'strong'),
    ...steps.flatMap((step) => [
      '',
      ...wrap(`${printable(step.step)} (${step.kind}): ${planned(step.partitions)}`, style.width - 2).map(
        (line, index) => (index === 0 ? paint(line, 'strong') : `  ${paint(line, 'strong')}`),
      ),
      ...noteLines(step.notes, style),
      ...partitionLines(step.partitions ?? [], style),
      ...advice(step, slots).flatMap((text) => warned(text, style)),
    ]),
  ]
}

function planned(partitions: PlannedStepRow['partitions']): string {
  if (partitions === null) return 'planned when the steps it reads are done'
  const known = partitions.length > 0 && partitions.every((each) => each.records !== null)
  const records = partitions.reduce((sum, each) => sum + (each.records ?? 0), 0)
  const size = partitions.reduce((sum, each) => sum + (each.bytes ?? 0), 0)
  return [
    plural(partitions.length, 'partition'),
    known ? `, ${plural(records, 'record')}` : '',
    size > 0 ? `, ${bytes(size)}` : '',
  ].join('')
}

function noteLines(notes: readonly string[], style: TableStyle): readonly string[] {
  const shown = notes.slice(0, NOTES_SHOWN)
  const rest = notes.length - shown.length
  return [...shown, ...(rest > 0 ? [`and ${plural(rest, 'note')} more: --json has them`] : [])].flatMap((note) =>
    wrap(printable(note), style.width - 7).map((line, index) =>
      index === 0 ? `  ${style.paint('note', 'dim')} ${line}` : `       ${line}`,
    ),
  )
}

function partitionLines(partitions: readonly PartitionPlan[], style: TableStyle): readonly string[] {
  const shown = partitions.slice(0, PARTITIONS_SHOWN)
  if (shown.length === 0) return []
  const rows = shown.map((each) => [
    String(each.index),
    each.label,
    each.records === null ? '' : count(each.records),
    each.bytes === null ? '' : bytes(each.bytes),
  ])
  const left = partitions.length - shown.length
  return [
    ...table(PARTITION_COLUMNS, rows, { ...style, indent: 2 }),
    ...(left > 0 ? [`  ${style.paint(`… and ${plural(left, 'partition')} more`, 'dim')}`] : []),
  ]
}

/** What is uneven, and what can be done about it. */
export function advice({ partitions, skew, wholeFiles }: PlannedStepRow, slots: number): readonly string[] {
  if (partitions === null || partitions.length === 0) return []
  const compressed = partitions.filter(({ label }) => isCompressed(label))
  const uncut =
    'gzip cannot be read from the middle, so that each file is one partition: write more and smaller files, or plain ones, which are cut by size'
  const texts: string[] = []
  if (skew !== null && skew.ratio >= SKEWED) {
    const amount = (value: number): string => (skew.by === 'records' ? plural(value, 'record') : bytes(value))
    const named = skew.large
      .slice(0, LARGE_NAMED)
      .map(({ index, label, amount: size }) => `${index} (${label}, ${amount(size)})`)
    const more = skew.large.length > LARGE_NAMED ? ` and ${count(skew.large.length - LARGE_NAMED)} more` : ''
    const times = Number.isFinite(skew.ratio)
      ? `${skew.ratio.toFixed(1)} times the median of ${amount(skew.median)}`
      : 'while half of the partitions are empty'
    const remedy = skew.large.some(({ label }) => isCompressed(label))
      ? uncut
      : wholeFiles
        ? 'distinct within a file reads each file whole: write smaller files'
        : 'a smaller size in .partition() cuts large files further'
    texts.push(
      `uneven: the largest partition has ${amount(skew.largest)}, ${times}. Large: ${named.join(', ')}${more}. Remedy: ${remedy}.`,
    )
  }
  if (partitions.length < slots && compressed.length === partitions.length) {
    texts.push(`${plural(partitions.length, 'partition')} for ${plural(slots, 'slot')}: ${uncut}.`)
  }
  return texts
}

function warned(text: string, style: TableStyle): readonly string[] {
  return wrap(printable(text), style.width - 2).map((line) => `  ${style.paint(line, 'warn')}`)
}

/** How long it takes and what it needs; or why that cannot be said. */
export function estimateLines(known: Estimate | null, style: TableStyle): readonly string[] {
  const say = (text: string): readonly string[] => wrap(text, style.width - 2).map((line) => `  ${line}`)
  const title = ['', style.paint('estimate', 'strong')]
  if (known === null) {
    return [
      ...title,
      ...say(
        'No run of this job has succeeded yet, so that neither time nor disk can be judged. One window tells: run it, and ask again.',
      ),
    ]
  }
  const { durationMs, slots, runs, steps, unknown, publishedBytes, intermediateBytes } = known
  const slowest = steps.reduce<(typeof steps)[number] | null>(
    (most, step) => (most === null || step.ms > most.ms ? step : most),
    null,
  )
  const most = slowest === null || steps.length < 2 ? '' : `; most of it in step ${slowest.step} (${span(slowest.ms)})`
  return [
    ...title,
    ...say(
      `About ${span(durationMs)} with ${plural(slots, 'slot')}${most}. Judged by the speed of ${runs === 1 ? 'the one run that has succeeded' : `the last ${count(runs)} runs that succeeded`}.`,
    ),
    ...say(
      `About ${bytes(publishedBytes)} on disk for what it publishes${intermediateBytes === 0 ? '' : `, and ${bytes(intermediateBytes)} between steps until it has succeeded`}.`,
    ),
    ...(unknown.length === 0 ? [] : say(`Not counted, because no run has had them yet: ${unknown.join(', ')}.`)),
  ]
}
