/** The block that a terminal shows while a run is under way, and the sparse lines that take its place elsewhere. */
import type { StepState } from '../../store/index.ts'
import type { StepView } from '../view.ts'
import { dead } from '../view.ts'
import type { Paint } from './paint.ts'
import { toneOf } from './paint.ts'
import type { Cell, Column } from './table.ts'
import { table } from './table.ts'
import { count, duration, plural, rate, shorten } from './text.ts'

/** A run under way, at one moment. */
export interface LiveView {
  readonly title: string
  readonly note: string | null
  readonly elapsedMs: number
  readonly steps: readonly (StepView & { readonly speed: Speed })[]
}

/** How fast a step goes and how much is left. */
export interface Speed {
  /** Records a second over the last few seconds; null before it can be told. */
  readonly perSecond: number | null
  readonly leftMs: number | null
  /** 0 to 1; null where it cannot be told. */
  readonly fraction: number | null
}

const COLUMNS: readonly Column[] = [
  { title: 'step', shrinkTo: 8 },
  { title: 'state' },
  { title: 'done', align: 'right', dropOrder: 1 },
  { title: 'records', align: 'right' },
  { title: 'records/s', align: 'right', dropOrder: 3 },
  { title: 'left', align: 'right', dropOrder: 2 },
  { title: 'retries', align: 'right', dropOrder: 5 },
  { title: 'dead', align: 'right', dropOrder: 4 },
]

const ENDED: readonly StepState[] = ['succeeded', 'failed', 'cancelled', 'skipped']

/** The block's lines, each within `width`, at most `height` of them: steps under way stay, ended and waiting ones give way. */
export function liveLines(
  view: LiveView,
  style: { readonly width: number; readonly height: number; readonly paint: Paint },
): readonly string[] {
  const { paint, width } = style
  const head = paint(shorten(`${view.title}  ${duration(view.elapsedMs)}`, width), 'strong')
  const room = Math.max(1, style.height - 3)
  const { shown, hidden } = choose(view.steps, room)
  const lines = [head, ...table(COLUMNS, shown.map(liveRow), { width, paint })]
  if (hidden > 0) lines.push(paint(shorten(`… and ${plural(hidden, 'step')} more`, width), 'dim'))
  if (view.note !== null) lines.push(paint(shorten(view.note, width), 'warn'))
  return lines
}

function choose<Step extends StepView>(
  steps: readonly Step[],
  room: number,
): { shown: readonly Step[]; hidden: number } {
  if (steps.length <= room) return { shown: steps, hidden: 0 }
  const rank = (step: Step): number => (ENDED.includes(step.state) ? 2 : step.state === 'waiting' ? 1 : 0)
  const kept = new Set([...steps].sort((left, right) => rank(left) - rank(right)).slice(0, room))
  return { shown: steps.filter((step) => kept.has(step)), hidden: steps.length - room }
}

function liveRow(step: LiveView['steps'][number]): readonly Cell[] {
  const { speed } = step
  const underWay = !ENDED.includes(step.state) && step.state !== 'waiting'
  const deadLetters = dead(step.counters)
  return [
    step.name,
    { text: step.state, tone: toneOf(step.state) },
    underWay && speed.fraction !== null ? `${Math.floor(speed.fraction * 100)} %` : '',
    step.counters.read > 0 ? count(step.counters.read) : '',
    step.state === 'running' && speed.perSecond !== null ? rate(speed.perSecond) : '',
    step.state === 'running' && speed.leftMs !== null ? duration(speed.leftMs) : '',
    step.retries > 0 ? { text: count(step.retries), tone: 'warn' } : '',
    deadLetters > 0 ? { text: count(deadLetters), tone: 'warn' } : '',
  ]
}

/**
 * Lines for a file or a pipe: one when a step changes state, and one for each step under way when `progress` is asked for.
 */
export function plainLines(before: readonly StepView[], view: LiveView, progress: boolean): readonly string[] {
  const lines: string[] = []
  for (const step of view.steps) {
    const earlier = before.find((each) => each.name === step.name)
    const changed = earlier === undefined ? step.state !== 'waiting' : earlier.state !== step.state
    if (changed) lines.push(`${view.title}  ${step.name}: ${step.state}${counted(step)}`)
    else if (progress && step.state === 'running')
      lines.push(`${view.title}  ${step.name}: running${counted(step)}${soFar(step.speed)}`)
  }
  return lines
}

function counted(step: StepView): string {
  const { counters } = step
  if (counters.read === 0) return step.tasks > 0 ? `, ${plural(step.tasks, 'partition')}` : ''
  const deadLetters = dead(counters)
  return [
    `, ${count(counters.read)} read`,
    `, ${count(counters.written)} written`,
    deadLetters > 0 ? `, ${plural(deadLetters, 'dead letter')}` : '',
    step.retries > 0 ? `, ${plural(step.retries, 'retry', 'retries')}` : '',
  ].join('')
}

function soFar(speed: Speed): string {
  return [
    speed.fraction === null ? '' : `, ${Math.floor(speed.fraction * 100)} %`,
    speed.perSecond === null ? '' : `, ${rate(speed.perSecond)}`,
    speed.leftMs === null ? '' : `, ${duration(speed.leftMs)} left`,
  ].join('')
}
