/** What is said of a run when it has ended, and by `show`. */
import { isJsonObject } from '../json.ts'
import type { RunView, StepView } from '../view.ts'
import { carriedOver, checksOf, dead, elapsedMs, runTitle, stepElapsedMs } from '../view.ts'
import { GLYPHS } from './glyphs.ts'
import type { SlowPartition } from './live.ts'
import { slowText } from './live.ts'
import type { NextOptions } from './next.ts'
import { nextCommands, nextLines } from './next.ts'
import type { Paint } from './paint.ts'
import { toneOf } from './paint.ts'
import type { StepLimits } from './reasons.ts'
import { reasonLines } from './reasons.ts'
import type { Cell, Column } from './table.ts'
import { table } from './table.ts'
import { bytes, count, duration, instant, plural, printable, rate, wrap } from './text.ts'
import { treeRows } from './tree.ts'

export interface SummaryStyle {
  readonly width: number
  readonly paint: Paint
  /** Milliseconds since the epoch: for what has not ended. */
  readonly now: number
}

/** What is known of a run beside the store's rows. */
export interface RunFacts extends NextOptions {
  readonly limits: ReadonlyMap<string, StepLimits>
  /** Folder of each published version, as one would type it; by dataset and number, see `placeKey`. */
  readonly places: ReadonlyMap<string, string>
  /** Partitions that took much longer than their siblings. */
  readonly slow: readonly SlowPartition[]
  /** Sections about its time, ready to be shown before what to do next: what `show` has more. */
  readonly times?: readonly string[]
}

export function placeKey(dataset: string, number: number): string {
  return `${dataset} ${number}`
}

/** The run's title, how it ended and when, what came in and how fast. Under this, of a run that failed, stands the cause. */
export function titleLines(view: RunView, { width, paint, now }: SummaryStyle): readonly string[] {
  const { run, steps } = view
  const took = elapsedMs(run, now)
  const state = run.paused && run.endedAt === null ? 'paused' : run.state
  const time = took === null ? '' : run.endedAt === null ? ` for ${duration(took)}` : ` in ${duration(took)}`
  const title = `${paint(signOf(state), toneOf(state))}${paint(printable(runTitle(run)), 'strong')}`
  const read = recordsIn(steps)
  const files = steps.reduce((sum, step) => sum + step.files, 0)
  const size = steps.reduce((sum, step) => sum + step.fileBytes, 0)
  const facts = [
    `run ${run.runId}`,
    `created ${instant(run.createdAt)}`,
    ...(read === 0
      ? []
      : [`${plural(read, 'record')} read${files === 0 ? '' : ` from ${plural(files, 'file')} (${bytes(size)})`}`]),
    ...(read === 0 || took === null || took < 100 || steps.some((step) => carriedOver(step, run))
      ? []
      : [`${rate((read / took) * 1000).replace('/s', '')} records/s`]),
  ]
  return [
    `${title}  ${paint(state, toneOf(state))}${time}`,
    ...wrap(facts.join(', '), width - 2).map((line) => `  ${paint(line, 'dim')}`),
  ]
}

function signOf(state: string): string {
  if (state === 'succeeded') return `${GLYPHS.succeeded} `
  if (state === 'failed' || state === 'cancelled') return `${GLYPHS.failed} `
  return state === 'paused' ? `${GLYPHS.paused} ` : ''
}

/** Records that came into the run: read by the steps that read files from outside, or no other step. */
export function recordsIn(steps: readonly StepView[]): number {
  return steps
    .filter((step) => step.files > 0 || step.after.length === 0)
    .reduce((sum, step) => sum + step.counters.read, 0)
}

/** The run in full below its title: steps, dead letters by reason, checks, what was slow, what was published, what to do next. */
export function summaryLines(view: RunView, facts: RunFacts, style: SummaryStyle): readonly string[] {
  const indented = { ...style, indent: 4 }
  return [
    '',
    ...stepLines(view, style),
    ...section('notes', noteLines(view.steps, style), style),
    ...section('dead letters', reasonLines(view.steps, facts.limits, indented), style),
    ...section('checks', findingLines(view, style), style),
    ...section('slow', slowLines(facts.slow, style), style),
    ...section('published', publishedLines(view, facts.places, style), style),
    ...(facts.times ?? []),
    ...section('next', nextLines(nextCommands(view, facts), indented), style),
  ]
}

function section(title: string, lines: readonly string[], { paint }: SummaryStyle): readonly string[] {
  return lines.length === 0 ? [] : ['', `  ${paint(title, 'strong')}`, ...lines]
}

/** Text in lines that fit, below a section's title. */
function inSection(text: string, { width }: SummaryStyle): readonly string[] {
  return wrap(printable(text), width - 6).map((line, index) => `${index === 0 ? '    ' : '      '}${line}`)
}

const STEP_COLUMNS: readonly Column[] = [
  { title: 'step', shrinkTo: 12 },
  { title: 'state' },
  { title: 'partitions', align: 'right', dropOrder: 5 },
  { title: 'read', align: 'right' },
  { title: 'written', align: 'right', dropOrder: 0 },
  { title: 'dropped', align: 'right', dropOrder: 2 },
  { title: 'dead', align: 'right' },
  { title: 'retries', align: 'right', dropOrder: 3 },
  { title: 'time', align: 'right', dropOrder: 1 },
  { title: 'records/s', align: 'right', dropOrder: 4 },
]

/** The steps as a tree. Their states are named unless all have succeeded, which the title says. */
function stepLines({ run, steps }: RunView, style: SummaryStyle): readonly string[] {
  const named = steps.some((step) => step.state !== 'succeeded')
  const rows = treeRows(steps, Math.floor(style.width / 4)).map(({ step, lead }) =>
    stepRow(step, { lead, named, took: stepElapsedMs(step, run, style.now), atOnce: !carriedOver(step, run) }),
  )
  return table(STEP_COLUMNS, rows, { ...style, indent: 2 })
}

interface StepRowFacts {
  readonly lead: string
  readonly named: boolean
  readonly took: number | null
  /** Whether its records were read in the time that it took. */
  readonly atOnce: boolean
}

function stepRow(step: StepView, { lead, named, took, atOnce }: StepRowFacts): readonly Cell[] {
  const { counters } = step
  const some = (value: number): string => (value === 0 ? '' : count(value))
  const deadLetters = dead(counters)
  return [
    { text: step.name, tone: 'plain', lead: [{ text: lead, tone: 'dim' }] },
    named ? { text: step.state, tone: toneOf(step.state) } : '',
    step.tasks === 0 ? '' : `${count(step.tasksDone)}/${count(step.tasks)}`,
    counters.read === 0 && step.state !== 'succeeded' ? '' : count(counters.read),
    counters.read === 0 && counters.written === 0 && step.state !== 'succeeded' ? '' : count(counters.written),
    some(counters.dropped),
    deadLetters > 0 ? { text: count(deadLetters), tone: 'warn' } : '',
    step.retries === 0 ? '' : { text: count(step.retries), tone: 'warn' },
    took === null ? '' : duration(took),
    took === null || took < 100 || counters.read === 0 || !atOnce
      ? ''
      : rate((counters.read / took) * 1000).replace('/s', ''),
  ]
}

const SHOWN_NOTES = 5

/** What planning had to say: empty files, missing ones that were skipped. The first few; `--json` has all. */
function noteLines(steps: readonly StepView[], style: SummaryStyle): readonly string[] {
  const notes = steps.flatMap((step) => step.notes.map((note) => `${step.name}: ${note}`))
  const shown = notes.slice(0, SHOWN_NOTES).flatMap((note) => inSection(note, style))
  const more = notes.length - SHOWN_NOTES
  return more <= 0 ? shown : [...shown, `    and ${count(more)} more: show --json has them`]
}

/** What verification found: a line for each step, and one for each thing that did not hold. */
function findingLines(view: RunView, style: SummaryStyle): readonly string[] {
  return view.steps.flatMap((step) => {
    const findings = checksOf(step.verification).filter(isJsonObject)
    const failed = findings.filter((finding) => finding['passed'] !== true)
    const passed = findings.length - failed.length
    return [
      ...(passed === 0 ? [] : [`    ${printable(step.name)}: ${count(passed)} passed`]),
      ...failed.flatMap((finding) => {
        const { kind, name, severity, expected, found } = Object.fromEntries(
          Object.entries(finding).map(([member, value]) => [member, typeof value === 'string' ? value : '']),
        )
        const text = `${step.name}: ${kind ?? ''} ${name ?? ''}: expected ${expected ?? ''}, found ${found ?? ''}`
        return inSection(text, style).map((line) => style.paint(line, severity === 'block' ? 'bad' : 'warn'))
      }),
    ]
  })
}

/** At most so many slow partitions are named. */
const SHOWN_SLOW = 3

function slowLines(slow: readonly SlowPartition[], style: SummaryStyle): readonly string[] {
  const shown = slow.slice(0, SHOWN_SLOW).flatMap((each) => inSection(slowText(each), style))
  const more = slow.length - SHOWN_SLOW
  return more <= 0 ? shown : [...shown, `    and ${plural(more, 'partition')} more`]
}

const PUBLISHED_COLUMNS: readonly Column[] = [
  { title: 'dataset', shrinkTo: 16 },
  { title: 'window', dropOrder: 1 },
  { title: 'version', align: 'right' },
  { title: 'rows', align: 'right' },
  { title: 'place', shrinkTo: 20, cut: 'middle', dropOrder: 2 },
]

function publishedLines(view: RunView, places: ReadonlyMap<string, string>, style: SummaryStyle): readonly string[] {
  const rows = view.published.map(({ dataset, window, number, rows: records, state }) => [
    dataset,
    window ?? '',
    `v${number}${state === 'published' ? '' : ` (${state})`}`,
    records === null ? '' : count(records),
    state === 'published' ? (places.get(placeKey(dataset, number)) ?? '') : '',
  ])
  return rows.length === 0 ? [] : table(PUBLISHED_COLUMNS, rows, { ...style, indent: 4 })
}
