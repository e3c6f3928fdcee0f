/** The block that a terminal shows while a run is under way: steps as a tree, bars, speeds, what was set aside, what is slow. */
import type { StepState } from '../../store/index.ts'
import type { StepView } from '../view.ts'
import { dead, elapsedMs } from '../view.ts'
import { GLYPHS, SPINNER } from './glyphs.ts'
import type { Paint } from './paint.ts'
import { toneOf } from './paint.ts'
import type { Cell, Column, Sign } from './table.ts'
import { table } from './table.ts'
import { count, displayWidth, duration, percent, plural, printable, rate, shorten, wrap } from './text.ts'
import type { TreeRow } from './tree.ts'
import { treeRows } from './tree.ts'

/** A run under way, at one moment. */
export interface LiveView {
  readonly title: string
  readonly runId: string
  readonly note: string | null
  /** Since this process began to watch. */
  readonly elapsedMs: number
  /** The store's time, milliseconds since the epoch. */
  readonly now: number
  /** Grows with each frame: turns the sign of what is under way. */
  readonly tick: number
  /** Where the run is one of several. */
  readonly range: RangeProgress | null
  readonly steps: readonly LiveStep[]
  readonly slow: readonly SlowPartition[]
}

export type LiveStep = StepView & { readonly speed: Speed }

/** How fast a step goes and how much is left. */
export interface Speed {
  /** Records a second over the last few seconds; null before it can be told. */
  readonly perSecond: number | null
  readonly leftMs: number | null
  /** 0 to 1; null where it cannot be told. */
  readonly fraction: number | null
}

/** How far a range of windows is. */
export interface RangeProgress {
  readonly job: string
  /** Windows that are done. */
  readonly done: number
  readonly windows: number
  /** Null before it can be told. */
  readonly leftMs: number | null
}

/** A partition that takes, or took, much longer than its finished siblings. */
export interface SlowPartition {
  readonly step: string
  readonly index: number
  readonly label: string
  readonly tookMs: number
  /** Half of the finished partitions of its step took no longer than this. */
  readonly typicalMs: number
  readonly running: boolean
}

export interface LiveStyle {
  readonly width: number
  readonly height: number
  readonly paint: Paint
}

/** The block's lines, each within `width`, at most `height` of them: steps under way stay, ended and waiting ones give way. */
export function liveLines(view: LiveView, style: LiveStyle): readonly string[] {
  const head = [...rangeLine(view, style), headLine(view, style)]
  const notes = view.note === null ? [] : wrap(view.note, style.width).map((line) => style.paint(line, 'warn'))
  const tail = [...deadLines(view.steps, style), ...slowLines(view.slow, style)]
  const fixed = head.length + notes.length
  const needed = fixed + tail.length + view.steps.length + 1
  // What says least goes first: the titles, then what is said below the tree.
  const titled = needed <= style.height
  const shownTail = needed - 1 <= style.height ? tail : tail.slice(0, Math.max(0, style.height - fixed - 3))
  const room = style.height - fixed - shownTail.length - (titled ? 1 : 0)
  const lines = [...head, ...stepLines(view, style, Math.max(1, room), titled), ...shownTail, ...notes]
  return lines
    .map((line) => (displayWidth(line) > style.width ? shorten(line, style.width) : line))
    .slice(-style.height)
}

function headLine({ title, elapsedMs: elapsed, runId }: LiveView, { paint, width }: LiveStyle): string {
  const name = shorten(printable(title), width)
  const rest = [`  ${duration(elapsed)}`, `  run ${runId}`]
  let line = paint(name, 'strong')
  let used = displayWidth(name)
  for (const part of rest) {
    used += displayWidth(part)
    if (used <= width) line += paint(part, 'dim')
  }
  return line
}

function rangeLine({ range, steps }: LiveView, { paint, width }: LiveStyle): readonly string[] {
  if (range === null) return []
  const name = `${printable(range.job)}  ${count(range.done)} of ${plural(range.windows, 'window')}`
  const left = range.leftMs === null ? '' : `  about ${duration(range.leftMs)} left`
  const done = steps.reduce((sum, step) => sum + (isEnded(step.state) ? 1 : (step.speed.fraction ?? 0)), 0)
  const current = steps.length === 0 ? 0 : done / steps.length
  const fraction = Math.min(1, (range.done + current) / range.windows)
  const room = width - displayWidth(name) - displayWidth(left) - 2
  if (room < 12) return [paint(shorten(`${name}${share(fraction)}`, width), 'strong')]
  const drawn = bar(fraction, Math.min(30, room - 6)).map(({ text, tone }) => paint(text, tone))
  return [`${paint(name, 'strong')}  ${drawn.join('')}${share(fraction)}${paint(left, 'dim')}`]
}

/** What a terminal of this width has room for, apart from the columns that are dropped where they do not fit. */
function roomFor(width: number): { readonly name: number; readonly bar: number; readonly detailed: boolean } {
  if (width >= 100) return { name: 32, bar: 12, detailed: true }
  return width >= 60 ? { name: 24, bar: 10, detailed: false } : { name: 12, bar: 5, detailed: false }
}

function columnsOf(name: number): readonly Column[] {
  return [
    { title: 'step', shrinkTo: name },
    { title: '' },
    { title: 'partitions', align: 'right', dropOrder: 6 },
    { title: 'records', align: 'right' },
    { title: 'speed', align: 'right', dropOrder: 4 },
    { title: 'time', align: 'right', dropOrder: 2 },
    { title: 'dead', align: 'right', dropOrder: 5 },
    { title: 'retries', align: 'right', dropOrder: 3 },
  ]
}

const WIDEST_BAR = 24

function stepLines(view: LiveView, style: LiveStyle, room: number, titled: boolean): readonly string[] {
  const tooMany = view.steps.length > room
  const { shown, hidden } = choose(view.steps, tooMany ? Math.max(1, room - 1) : room)
  const tree = treeRows(shown, Math.floor(style.width / 4))
  const { name, bar: narrowest, detailed } = roomFor(style.width)
  const draw = (barWidth: number): readonly string[] => {
    const rows = tree.map((row) => liveRow(row, { view, barWidth, detailed }))
    return table(columnsOf(name), rows, style).slice(titled ? 0 : 1)
  }
  const narrow = draw(narrowest)
  const spare = style.width - Math.max(...narrow.map(displayWidth))
  const lines = spare > 0 ? draw(Math.min(WIDEST_BAR, narrowest + spare)) : narrow
  return hidden.length === 0 || room === 1 ? lines : [...lines, style.paint(hiddenLine(hidden), 'dim')]
}

/** What the tree leaves out, so that nobody misses a step. */
function hiddenLine(hidden: readonly LiveStep[]): string {
  const states = new Map<string, number>()
  for (const { state } of hidden) states.set(state, (states.get(state) ?? 0) + 1)
  return `… and ${[...states].map(([state, steps]) => `${count(steps)} ${state}`).join(', ')}`
}

function isEnded(state: StepState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled' || state === 'skipped'
}

function choose(
  steps: readonly LiveStep[],
  room: number,
): { readonly shown: readonly LiveStep[]; readonly hidden: readonly LiveStep[] } {
  const rank = ({ state }: LiveStep): number => {
    if (state === 'failed') return 0
    if (state === 'waiting') return 2
    return isEnded(state) ? 3 : 1
  }
  // Of those that have ended, the last.
  const kept = new Set(
    [...steps]
      .reverse()
      .sort((left, right) => rank(left) - rank(right))
      .slice(0, room),
  )
  return { shown: steps.filter((step) => kept.has(step)), hidden: steps.filter((step) => !kept.has(step)) }
}

interface RowStyle {
  readonly view: LiveView
  readonly barWidth: number
  readonly detailed: boolean
}

function liveRow({ step, lead, also }: TreeRow<LiveStep>, { view, barWidth, detailed }: RowStyle): readonly Cell[] {
  const { counters, state } = step
  const running = state === 'running'
  const deadLetters = dead(counters)
  const name = also.length === 0 || !detailed ? step.name : `${step.name} (+ ${also.join(', ')})`
  const sign = signOf(state, view.tick)
  return [
    { text: name, tone: state === 'waiting' ? 'dim' : 'plain', lead: [{ text: lead, tone: 'dim' }, sign] },
    progressCell(step, barWidth),
    step.tasks === 0 ? '' : { text: `${count(step.tasksDone)}/${count(step.tasks)}`, tone: 'dim' },
    recordsText(step),
    { text: steady(speedText(step, view.now), 7), tone: running ? 'plain' : 'dim' },
    { text: steady(timeText(step, view.now), 10), tone: running ? 'plain' : 'dim' },
    deadLetters > 0 ? { text: count(deadLetters), tone: 'warn' } : '',
    step.retries > 0 ? { text: count(step.retries), tone: 'warn' } : '',
  ]
}

/** At least as wide as most of what will stand there, so that a number that grows moves no column. */
function steady(text: string, width: number): string {
  return text === '' ? '' : text.padStart(width)
}

function signOf(state: StepState, tick: number): Sign {
  const sign = (): string => {
    switch (state) {
      case 'succeeded':
        return GLYPHS.succeeded
      case 'failed':
      case 'cancelled':
        return GLYPHS.failed
      case 'waiting':
        return GLYPHS.waiting
      case 'skipped':
        return GLYPHS.skipped
      case 'planning':
      case 'running':
      case 'verifying':
      case 'publishing':
        return SPINNER[tick % SPINNER.length] ?? SPINNER[0]
    }
  }
  return { text: `${sign()} `, tone: toneOf(state) }
}

/** A bar while it runs, else the word for what it does; nothing for what has succeeded. */
function progressCell({ state, speed: { fraction } }: LiveStep, width: number): Cell {
  if (state === 'succeeded') return ''
  if (state !== 'running' || fraction === null) return { text: state, tone: toneOf(state) }
  return { text: share(fraction), tone: 'plain', lead: bar(fraction, width) }
}

function bar(fraction: number, width: number): readonly Sign[] {
  const halves = Math.floor(Math.min(1, fraction) * width * 2)
  const full = Math.floor(halves / 2)
  const half = halves % 2
  return [
    { text: GLYPHS.full.repeat(full) + (half === 1 ? GLYPHS.half : ''), tone: 'active' },
    { text: GLYPHS.rest.repeat(width - full - half), tone: 'dim' },
  ]
}

/** ` 45 %`, always as wide. Never 100 % before the end. */
function share(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`.padStart(6)
}

function recordsText({ counters, expected }: LiveStep): string {
  if (counters.read === 0) return ''
  return count(counters.read).padStart(expected === null ? 0 : count(expected).length)
}

function speedText(step: LiveStep, now: number): string {
  if (step.state === 'running') {
    return step.speed.perSecond === null || step.counters.read === 0 ? '' : rate(step.speed.perSecond)
  }
  const took = elapsedMs(step, now)
  return step.endedAt === null || took === null || took < 100 || step.counters.read === 0
    ? ''
    : rate((step.counters.read / took) * 1000)
}

function timeText(step: LiveStep, now: number): string {
  if (step.state === 'running') return step.speed.leftMs === null ? '' : `${duration(step.speed.leftMs)} left`
  const took = step.endedAt === null ? null : elapsedMs(step, now)
  return took === null ? '' : duration(took)
}

/** Dead letters by reason, the most frequent first, in two lines at most. */
function deadLines(steps: readonly LiveStep[], { width, paint }: LiveStyle): readonly string[] {
  const rows = steps.flatMap((step) =>
    Object.entries(step.counters.reasons).map(([reason, records]) => ({ reason, records, read: step.counters.read })),
  )
  if (rows.length === 0) return []
  const items = rows
    .sort((left, right) => right.records - left.records)
    .map(({ reason, records, read }) => `${printable(reason)} ${count(records)} (${percent(records, read)})`)
  return inTwoLines(`dead letters: ${items.join(', ')}`, width).map((line) => paint(line, 'warn'))
}

/** At most so many slow partitions are named. */
const SLOW_NAMED = 2

function slowLines(slow: readonly SlowPartition[], { width, paint }: LiveStyle): readonly string[] {
  return slow
    .filter(({ running }) => running)
    .slice(0, SLOW_NAMED)
    .flatMap((each) => inTwoLines(`slow: ${slowText(each)}`, width))
    .map((line) => paint(line, 'warn'))
}

/** `rate, partition 3 (2011-01-07.csv): 41 s so far, where others took 4.1 s`. */
export function slowText({ step, index, label, tookMs, typicalMs, running }: SlowPartition): string {
  const place = `${step}, partition ${index}${label === '' ? '' : ` (${label})`}`
  const took = `${duration(tookMs)}${running ? ' so far' : ''}`
  return printable(`${place}: ${took}, where others took ${duration(typicalMs)}`)
}

function inTwoLines(text: string, width: number): readonly string[] {
  const [first = '', ...more] = wrap(text, width)
  return more.length === 0 ? [first] : [first, shorten(`  ${more.join(' ')}`, width)]
}
