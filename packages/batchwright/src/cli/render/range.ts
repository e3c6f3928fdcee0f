/** The end of a range of windows: one line for each, then what they add up to. */
import type { RunView, StepView } from '../view.ts'
import { dead, elapsedMs } from '../view.ts'
import { toneOf } from './paint.ts'
import type { SummaryStyle } from './summary.ts'
import { nextCommands, reasonLines } from './summary.ts'
import type { Cell, Column } from './table.ts'
import { table } from './table.ts'
import { count, duration, plural } from './text.ts'

export interface RangeView {
  readonly job: string
  /** Windows asked for. */
  readonly windows: number
  /** Runs of those that were begun, in order of time. */
  readonly runs: readonly RunView[]
}

const COLUMNS: readonly Column[] = [
  { title: 'window' },
  { title: 'state' },
  { title: 'records', align: 'right' },
  { title: 'dead', align: 'right', dropOrder: 2 },
  { title: 'retries', align: 'right', dropOrder: 3 },
  { title: 'time', align: 'right', dropOrder: 1 },
  { title: 'published', shrinkTo: 12, dropOrder: 4 },
]

export function rangeLines(view: RangeView, style: SummaryStyle): readonly string[] {
  const { runs } = view
  const done = runs.filter(({ run }) => run.state === 'succeeded').length
  const reasons = reasonLines(addUp(runs), style)
  const last = runs.at(-1)
  const next = last === undefined ? [] : nextCommands(last)
  return [
    style.paint(`${view.job}  ${done} of ${plural(view.windows, 'window')} succeeded`, 'strong'),
    '',
    ...table(
      COLUMNS,
      runs.map((each) => windowRow(each, style.now)),
      { ...style, indent: 2 },
    ),
    ...(reasons.length === 0
      ? []
      : ['', `  ${style.paint('dead letters', 'dim')}`, ...reasons.map((line) => `  ${line}`)]),
    ...(next.length === 0 ? [] : ['', `  ${style.paint('next', 'dim')}`, ...next.map((command) => `    ${command}`)]),
  ]
}

function windowRow({ run, steps, published }: RunView, now: number): readonly Cell[] {
  const took = elapsedMs(run, now)
  const set = steps.reduce((sum, step) => sum + dead(step.counters), 0)
  const retries = steps.reduce((sum, step) => sum + step.retries, 0)
  const rows = published.map((each) => `${each.dataset} ${each.rows === null ? `v${each.number}` : count(each.rows)}`)
  return [
    run.window?.key ?? '',
    { text: run.paused && run.endedAt === null ? 'paused' : run.state, tone: toneOf(run.state) },
    count(recordsIn(steps)),
    set === 0 ? '' : { text: count(set), tone: 'warn' },
    retries === 0 ? '' : { text: count(retries), tone: 'warn' },
    took === null ? '' : duration(took),
    rows.join(', '),
  ]
}

/** Records that came into the run: read by the steps that read no other. */
function recordsIn(steps: readonly StepView[]): number {
  return steps.filter((step) => step.after.length === 0).reduce((sum, step) => sum + step.counters.read, 0)
}

/** Steps of the same name over all runs: reads and reasons added up. */
function addUp(runs: readonly RunView[]): readonly StepView[] {
  const sums = new Map<string, StepView>()
  for (const step of runs.flatMap((each) => each.steps)) {
    const before = sums.get(step.name)
    if (before === undefined) {
      sums.set(step.name, step)
      continue
    }
    const reasons: Record<string, number> = { ...before.counters.reasons }
    for (const [reason, records] of Object.entries(step.counters.reasons))
      reasons[reason] = (reasons[reason] ?? 0) + records
    sums.set(step.name, {
      ...before,
      counters: { ...before.counters, read: before.counters.read + step.counters.read, reasons },
    })
  }
  return [...sums.values()]
}
