/** The end of a range of windows: one line for each, then what they add up to. */
import type { RunView, StepView } from '../view.ts'
import { dead, elapsedMs } from '../view.ts'
import { nextCommands, nextLines } from './next.ts'
import { toneOf } from './paint.ts'
import { reasonLines } from './reasons.ts'
import type { RunFacts, SummaryStyle } from './summary.ts'
import { recordsIn } from './summary.ts'
import type { Cell, Column } from './table.ts'
import { table } from './table.ts'
import { count, displayWidth, duration, plural, rate, wrap } from './text.ts'

export interface RangeView {
  readonly job: string
  /** Windows asked for. */
  readonly windows: number
  /** Runs of those that were begun, in order of time. */
  readonly runs: readonly WindowView[]
}

/** A window's run, and whether it had succeeded before. */
export interface WindowView {
  readonly view: RunView
  readonly earlier: boolean
}

const COLUMNS: readonly Column[] = [
  { title: 'window' },
  { title: 'state' },
  { title: 'records', align: 'right' },
  { title: 'dead', align: 'right', dropOrder: 1 },
  { title: 'retries', align: 'right', dropOrder: 3 },
  { title: 'time', align: 'right', dropOrder: 2 },
  { title: 'published', shrinkTo: 24, dropOrder: 4 },
]

/** The range's title: how many windows succeeded, how many of them before, and how fast the others went. */
export function rangeTitle({ job, windows, runs }: RangeView, { paint, width, now }: SummaryStyle): readonly string[] {
  const done = runs.filter(({ view }) => view.run.state === 'succeeded').length
  const earlier = runs.filter((each) => each.earlier).length
  const worked = runs.filter((each) => !each.earlier).map(({ view }) => view)
  const read = worked.reduce((sum, { steps }) => sum + recordsIn(steps), 0)
  const took = worked.reduce((sum, { run }) => sum + (elapsedMs(run, now) ?? 0), 0)
  const before = earlier === 0 ? '' : `, ${earlier === done ? 'all of them' : count(earlier)} before`
  const nothing = earlier === windows ? '; nothing to do. `rerun` makes them anew on new snapshots.' : ''
  const facts =
    read === 0 || took === 0
      ? []
      : [
          `${plural(read, 'record')} read in ${duration(took)}, ${rate((read / took) * 1000).replace('/s', '')} records/s`,
        ]
  const title = `${job}  ${count(done)} of ${plural(windows, 'window')} succeeded${before}${nothing}`
  const lines = displayWidth(title) <= width ? [title] : wrap(title, width)
  return [
    ...lines.map((line) => paint(line, 'strong')),
    ...facts.flatMap((fact) => wrap(fact, width - 2)).map((line) => `  ${paint(line, 'dim')}`),
  ]
}

export function rangeLines({ runs }: RangeView, facts: RunFacts, style: SummaryStyle): readonly string[] {
  const { paint, now } = style
  const views = runs.map(({ view }) => view)
  const reasons = reasonLines(addUp(views), facts.limits, { ...style, indent: 4 })
  const last = views.at(-1)
  const next = last === undefined ? [] : nextLines(nextCommands(last, facts), { ...style, indent: 4 })
  return [
    '',
    ...table(
      COLUMNS,
      runs.map((each) => windowRow(each, now)),
      { ...style, indent: 2 },
    ),
    ...(reasons.length === 0 ? [] : ['', `  ${paint('dead letters', 'strong')}`, ...reasons]),
    ...(next.length === 0 ? [] : ['', `  ${paint('next', 'strong')}`, ...next]),
  ]
}

function windowRow({ view: { run, steps, published }, earlier }: WindowView, now: number): readonly Cell[] {
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
    earlier ? { text: 'before', tone: 'dim' } : took === null ? '' : duration(took),
    rows.join(', '),
  ]
}

/** Steps of the same name over all runs: reads and reasons added up. */
function addUp(runs: readonly RunView[]): readonly StepView[] {
  const sums = new Map<string, StepView>()
  for (const step of runs.flatMap(({ steps }) => steps)) {
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
      counters: {
        ...before.counters,
        read: before.counters.read + step.counters.read,
        deadByRule: before.counters.deadByRule + step.counters.deadByRule,
        deadByContract: before.counters.deadByContract + step.counters.deadByContract,
        deadByError: before.counters.deadByError + step.counters.deadByError,
        reasons,
      },
    })
  }
  return [...sums.values()]
}
