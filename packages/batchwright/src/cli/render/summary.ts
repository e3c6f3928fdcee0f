/** What is said of a run when it has ended, and by `show`. */
import { isJsonObject } from '../json.ts'
import type { RunView, StepView } from '../view.ts'
import { dead, elapsedMs, runTitle } from '../view.ts'
import type { Paint } from './paint.ts'
import { toneOf } from './paint.ts'
import type { Cell, Column } from './table.ts'
import { table } from './table.ts'
import { count, duration, instant, percent, printable } from './text.ts'

export interface SummaryStyle {
  readonly width: number
  readonly paint: Paint
  /** Milliseconds since the epoch: for what has not ended. */
  readonly now: number
}

const STEP_COLUMNS: readonly Column[] = [
  { title: 'step', shrinkTo: 8 },
  { title: 'state' },
  { title: 'partitions', align: 'right', dropOrder: 3 },
  { title: 'read', align: 'right' },
  { title: 'written', align: 'right' },
  { title: 'dropped', align: 'right', dropOrder: 2 },
  { title: 'dead', align: 'right' },
  { title: 'retries', align: 'right', dropOrder: 4 },
  { title: 'time', align: 'right', dropOrder: 1 },
]

/** The run in full: title, steps, dead letters by reason, what was published, findings of checks, what to do next. */
export function summaryLines(view: RunView, style: SummaryStyle): readonly string[] {
  return [
    titleLine(view, style),
    '',
    ...table(
      STEP_COLUMNS,
      view.steps.map((step) => stepRow(step, style.now)),
      { ...style, indent: 2 },
    ),
    ...section('notes', noteLines(view.steps), style),
    ...section('dead letters', reasonLines(view.steps, style), style),
    ...section('checks', findingLines(view, style), style),
    ...section('published', publishedLines(view, style), style),
    ...section(
      'next',
      nextCommands(view).map((command) => `  ${command}`),
      style,
    ),
  ]
}

function titleLine({ run }: RunView, { paint, now }: SummaryStyle): string {
  const took = elapsedMs(run, now)
  const state = run.paused && run.endedAt === null ? 'paused' : run.state
  const time = took === null ? '' : run.endedAt === null ? ` for ${duration(took)}` : ` in ${duration(took)}`
  const title = paint(printable(runTitle(run)), 'strong')
  return `${title}  ${paint(state, toneOf(state))}${time}  ${paint(`run ${run.runId}, created ${instant(run.createdAt)}`, 'dim')}`
}

function stepRow(step: StepView, now: number): readonly Cell[] {
  const { counters } = step
  const took = elapsedMs(step, now)
  const some = (value: number): string => (value === 0 && counters.read === 0 ? '' : count(value))
  const deadLetters = dead(counters)
  return [
    step.name,
    { text: step.state, tone: toneOf(step.state) },
    step.tasks === 0 ? '' : `${count(step.tasksDone)}/${count(step.tasks)}`,
    some(counters.read),
    counters.written === 0 ? some(0) : count(counters.written),
    some(counters.dropped),
    deadLetters > 0 ? { text: count(deadLetters), tone: 'warn' } : some(0),
    step.retries === 0 ? '' : { text: count(step.retries), tone: 'warn' },
    took === null ? '' : duration(took),
  ]
}

function section(title: string, lines: readonly string[], { paint }: SummaryStyle): readonly string[] {
  return lines.length === 0 ? [] : ['', `  ${paint(title, 'dim')}`, ...lines.map((line) => `  ${line}`)]
}

const SHOWN_NOTES = 5

/** What planning had to say: empty files, missing ones that were skipped. The first few; `--json` has all. */
function noteLines(steps: readonly StepView[]): readonly string[] {
  const notes = steps.flatMap((step) => step.notes.map((note) => `  ${printable(`${step.name}: ${note}`)}`))
  if (notes.length <= SHOWN_NOTES) return notes
  return [...notes.slice(0, SHOWN_NOTES), `  and ${count(notes.length - SHOWN_NOTES)} more: show --json has them`]
}

const REASON_COLUMNS: readonly Column[] = [
  { title: 'step', shrinkTo: 6 },
  { title: 'reason', shrinkTo: 10 },
  { title: 'records', align: 'right' },
  { title: 'of read', align: 'right', dropOrder: 1 },
]

/** Dead letters by step and reason, the most frequent first. */
export function reasonLines(steps: readonly StepView[], style: SummaryStyle): readonly string[] {
  const rows = steps.flatMap((step) =>
    Object.entries(step.counters.reasons)
      .sort(([, left], [, right]) => right - left)
      .map(([reason, records]) => [step.name, reason, count(records), percent(records, step.counters.read)]),
  )
  return rows.length === 0 ? [] : table(REASON_COLUMNS, rows, { ...style, width: style.width - 2, indent: 2 })
}

/** What verification found: a line for each step, and one for each thing that did not hold. */
function findingLines(view: RunView, { paint }: SummaryStyle): readonly string[] {
  return view.steps.flatMap((step) => {
    const findings = Array.isArray(step.verification) ? step.verification.filter(isJsonObject) : []
    const failed = findings.filter((finding) => finding['passed'] !== true)
    const passed = findings.length - failed.length
    return [
      ...(passed === 0 ? [] : [`  ${printable(step.name)}: ${count(passed)} passed`]),
      ...failed.map((finding) => {
        const { kind, name, severity, expected, found } = Object.fromEntries(
          Object.entries(finding).map(([member, value]) => [member, typeof value === 'string' ? value : '']),
        )
        const text = `${step.name}: ${kind ?? ''} ${name ?? ''}: expected ${expected ?? ''}, found ${found ?? ''}`
        return `  ${paint(printable(text), severity === 'block' ? 'bad' : 'warn')}`
      }),
    ]
  })
}

const PUBLISHED_COLUMNS: readonly Column[] = [
  { title: 'dataset', shrinkTo: 8 },
  { title: 'window' },
  { title: 'version', align: 'right' },
  { title: 'rows', align: 'right' },
]

function publishedLines(view: RunView, style: SummaryStyle): readonly string[] {
  const rows = view.published.map(({ dataset, window, number, rows: records, state }) => [
    dataset,
    window ?? '',
    `v${number}${state === 'published' ? '' : ` (${state})`}`,
    records === null ? '' : count(records),
  ])
  return rows.length === 0 ? [] : table(PUBLISHED_COLUMNS, rows, { ...style, width: style.width - 2, indent: 2 })
}

/** Commands that make sense now, most useful first. */
export function nextCommands(view: RunView): readonly string[] {
  const { run } = view
  const windowOption = run.window === null ? '' : ` --window ${run.window.key}`
  const deadLetters = view.steps.some((step) => dead(step.counters) > 0)
  const look = deadLetters ? [`batchwright dead-letters list ${run.runId}`] : []
  if (run.state === 'failed') return [...look, `batchwright logs ${run.runId}`, `batchwright retry ${run.runId}`]
  if (run.state === 'cancelled') return [`batchwright retry ${run.runId}`]
  if (run.paused) return [`batchwright resume ${run.runId}`]
  if (run.state !== 'succeeded') return [`batchwright run ${run.job}${windowOption}`]
  const cat = view.published.map(
    ({ dataset, window }) => `batchwright datasets cat ${dataset}${window === null ? '' : ` --window ${window}`}`,
  )
  return [...cat.slice(0, 1), ...look]
}
