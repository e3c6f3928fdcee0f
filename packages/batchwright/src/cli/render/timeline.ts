/** Where the time of a run went, as text: a picture of its steps over time, the chain that decided, its longest partitions. */
import type { AttemptRow } from '../../store/contract.ts'
import { span } from '../explain/sentence.ts'
import type { CriticalPath, Stretch } from '../times/critical-path.ts'
import type { RunTimes } from '../times/gather.ts'
import type { WhereTime } from '../times/where.ts'
import type { Tone } from './paint.ts'
import type { Column, TableStyle } from './table.ts'
import { table } from './table.ts'
import { count, displayWidth, percent, plural, printable, rate, shortenMiddle, wrap } from './text.ts'

const INDENT = 4
const GAP = 2
const NAME_LEAST = 10
const NAME_MOST = 24
const TOOK_WIDTH = 10

/** Columns that the picture itself has, at a width of the terminal. */
export function pictureColumns(width: number, names: readonly string[]): number {
  const all = Number.isFinite(width) ? Math.min(width, 120) : 100
  return Math.max(8, all - INDENT - nameWidth(names, all) - GAP * 2 - TOOK_WIDTH)
}

function nameWidth(names: readonly string[], width: number): number {
  const widest = Math.max(NAME_LEAST, ...names.map(displayWidth))
  return Math.min(widest, NAME_MOST, Math.max(6, Math.floor(width / 4)))
}

const LEVELS = '▁▂▃▄▅▆▇█'
const OTHER_PHASES = { plan: '░', verify: '▒', publish: '▓' } as const

export interface Picture {
  readonly times: RunTimes
  readonly path: CriticalPath | null
  readonly where: WhereTime
  /** Draw the longest attempts too. */
  readonly tasks: boolean
}

/** Sections `timeline`, `critical path`, `where the time went`, `longest partitions`. None for a run that was not worked on. */
export function timelineLines(picture: Picture, style: TableStyle): readonly string[] {
  const { times, path, where, tasks } = picture
  if (times.totals.length === 0) return []
  return [
    ...section('timeline', stepBars(times, style), style),
    ...(tasks ? section('its longest partitions over time', taskBars(times, style), style) : []),
    ...(path === null ? [] : section('critical path', pathLines(path, times, style), style)),
    ...section('where the time went', whereLines(where, style), style),
    ...(tasks || times.longest.length < 2 ? [] : section('longest partitions', longestLines(times, style), style)),
  ]
}

function section(title: string, lines: readonly string[], { paint }: TableStyle): readonly string[] {
  return lines.length === 0 ? [] : ['', `  ${paint(title, 'strong')}`, ...lines]
}

function stepBars(times: RunTimes, style: TableStyle): readonly string[] {
  const shown = times.steps.filter(({ name }) => times.activity.lanes.some(({ step }) => step === name))
  const names = times.steps.map(({ name }) => name)
  const most = Math.max(1, ...times.activity.lanes.filter(({ kind }) => kind === 'partition').map((lane) => lane.most))
  const rows = shown.map(({ name }) => {
    const groups = times.totals.filter(({ step }) => step === name)
    const begin = Math.min(...groups.map(({ firstLeasedAt }) => Math.max(firstLeasedAt, times.from)))
    const end = Math.max(...groups.map(({ lastEndedAt }) => lastEndedAt ?? times.to))
    return barLine({ name, bar: stepBar(times, name, most, style), took: span(end - begin) }, names, style)
  })
  const scale = `${most === 1 ? '█ partitions' : `▁-█ partitions at once, up to ${count(most)}`}, ░ planning, ▒ verifying, ▓ publishing`
  return [
    ...rows,
    axisLine(times, names, style),
    ...wrap(scale, style.width - INDENT).map((line) => `${' '.repeat(INDENT)}${style.paint(line, 'dim')}`),
  ]
}

interface Bar {
  readonly name: string
  /** Painted, as wide as the picture. */
  readonly bar: string
  readonly took: string
}

function barLine({ name, bar, took }: Bar, names: readonly string[], style: TableStyle): string {
  const width = nameWidth(names, Number.isFinite(style.width) ? Math.min(style.width, 120) : 100)
  const label = shortenMiddle(printable(name), width)
  const pad = ' '.repeat(Math.max(0, width - displayWidth(label)))
  return `${' '.repeat(INDENT)}${label}${pad}${' '.repeat(GAP)}${bar}${' '.repeat(GAP)}${took.padStart(TOOK_WIDTH)}`
}

/** A sign for each bucket: the phase that had most of it; for partitions, how many there were at once. */
function stepBar(times: RunTimes, name: string, most: number, style: TableStyle): string {
  const lanes = times.activity.lanes.filter(({ step }) => step === name)
  const columns = lanes[0]?.mean.length ?? 0
  const signs: { sign: string; tone: Tone }[] = []
  for (let column = 0; column < columns; column += 1) {
    const [lane] = lanes
      .filter(({ mean }) => (mean[column] ?? 0) > 0)
      .sort((a, b) => (b.mean[column] ?? 0) - (a.mean[column] ?? 0))
    if (lane === undefined) signs.push({ sign: ' ', tone: 'plain' })
    else if (lane.kind === 'partition') signs.push({ sign: level((lane.mean[column] ?? 0) / most), tone: 'active' })
    else signs.push({ sign: OTHER_PHASES[lane.kind], tone: 'dim' })
  }
  return painted(signs, style)
}

function level(share: number): string {
  return LEVELS[Math.max(0, Math.min(LEVELS.length - 1, Math.ceil(share * LEVELS.length) - 1))] ?? '█'
}

/** Neighbours of one tone are painted together. */
function painted(signs: readonly { readonly sign: string; readonly tone: Tone }[], { paint }: TableStyle): string {
  let text = ''
  for (let from = 0; from < signs.length;) {
    const tone = signs[from]?.tone ?? 'plain'
    let to = from
    while (to < signs.length && signs[to]?.tone === tone) to += 1
    text += paint(
      signs
        .slice(from, to)
        .map(({ sign }) => sign)
        .join(''),
      tone,
    )
    from = to
  }
  return text
}

/** `0` under the first column and the whole length under the last. */
function axisLine({ from, to, activity }: RunTimes, names: readonly string[], style: TableStyle): string {
  const columns = activity.lanes[0]?.mean.length ?? 0
  const end = span(to - from)
  const axis = `0${end.padStart(Math.max(0, columns - 1))}`
  return barLine({ name: '', bar: style.paint(axis, 'dim'), took: '' }, names, style).trimEnd()
}

/** The longest attempts in order of their beginning, each on the same scale. */
function taskBars(times: RunTimes, style: TableStyle): readonly string[] {
  const names = times.steps.map(({ name }) => name)
  const columns = times.activity.lanes[0]?.mean.length ?? 0
  const inside = times.longest.filter(({ endedAt }) => (endedAt ?? times.to) >= times.from)
  const rows = inside
    .toSorted((left, right) => left.leasedAt - right.leasedAt)
    .map((attempt) => {
      const end = attempt.leasedAt + attempt.workedMs
      const place = (at: number): number =>
        Math.floor((Math.max(0, at - times.from) / (times.to - times.from)) * columns)
      const first = Math.min(columns - 1, place(attempt.leasedAt))
      const length = Math.max(1, Math.min(columns, place(end)) - first)
      const bar = `${' '.repeat(first)}${style.paint('━'.repeat(length), toneOfOutcome(attempt))}${' '.repeat(Math.max(0, columns - first - length))}`
      const name = `${attempt.step}/${attempt.index ?? attempt.kind}`
      return barLine({ name, bar, took: span(end - attempt.leasedAt) }, names, style)
    })
  const all = times.totals.filter(({ kind }) => kind === 'partition').reduce((sum, { attempts }) => sum + attempts, 0)
  const rest = all - rows.length
  const more =
    rest > 0
      ? wrap(`and ${plural(rest, 'shorter attempt')}; --tasks N shows the N longest`, style.width - INDENT).map(
          (line) => `${' '.repeat(INDENT)}${style.paint(line, 'dim')}`,
        )
      : []
  return [...rows, axisLine(times, names, style), ...more]
}

function toneOfOutcome({ outcome }: AttemptRow): Tone {
  if (outcome === 'succeeded') return 'active'
  return outcome === null ? 'good' : outcome === 'returned' ? 'dim' : 'bad'
}

const PHASE_WORDS = { plan: 'planned', verify: 'verified', publish: 'published', wait: 'waited for a slot' } as const

function pathLines(path: CriticalPath, times: RunTimes, style: TableStyle): readonly string[] {
  const total = times.to - times.from
  const rows = path.stretches
    .filter(({ from, to, phase }) => to - from >= total / 200 || phase === 'partition')
    .map((stretch) => [
      stretch.step,
      words(stretch, times),
      span(stretch.to - stretch.from),
      percent(stretch.to - stretch.from, total),
    ])
  return [
    ...table(PATH_COLUMNS, rows, { ...style, indent: INDENT }),
    // What failed did not do its work: how long that would have taken nobody knows.
    ...(times.run.state === 'failed' || times.run.state === 'cancelled' ? [] : verdict(path, total)).flatMap((text) =>
      wrap(text, style.width - INDENT).map((line) => `${' '.repeat(INDENT)}${line}`),
    ),
  ]
}

const PATH_COLUMNS: readonly Column[] = [
  { title: 'step', shrinkTo: 6 },
  { title: 'what decided', shrinkTo: 14 },
  { title: 'took', align: 'right' },
  { title: 'of all', align: 'right', dropOrder: 1 },
]

function words({ phase, partitions, step }: Stretch, times: RunTimes): string {
  if (phase !== 'partition') return PHASE_WORDS[phase]
  if (partitions === null || partitions.count === 1) return 'its one partition'
  const { last, aloneMs, longest, most } = partitions
  const label = (index: number | null): string => {
    const named = times.longest.find((attempt) => attempt.step === step && attempt.index === index)?.label ?? ''
    return `partition ${index ?? 0}${named === '' ? '' : ` (${named})`}`
  }
  if (aloneMs > 0.1 * longest.ms) return `${label(last.index)}, ${span(aloneMs)} of it alone`
  return `${plural(partitions.count, 'partition')}, ${count(most)} at once`
}

/** What would make it shorter, in a sentence or two. */
function verdict({ evenlyMs, smallerMs, floorMs, lostMs }: CriticalPath, total: number): readonly string[] {
  const least = `However many slots it has, the run takes ${span(floorMs)} or more: one partition after the other along this chain.`
  if (smallerMs < 0.05 * total) return [`The slots shared the work evenly. ${least}`]
  if (evenlyMs < 0.05 * total) {
    return [
      `The longest partition decided: cut smaller, for the same slots, the run would be about ${span(smallerMs)} (${percent(smallerMs, total)}) shorter. ${least}`,
    ]
  }
  const lost = lostMs > 0.05 * total ? 'Without the attempts that were lost, and with' : 'With'
  return [
    `${lost} the partitions spread evenly over the same slots it would be about ${span(evenlyMs)} (${percent(evenlyMs, total)}) shorter. ${least}`,
  ]
}

function whereLines(where: WhereTime, style: TableStyle): readonly string[] {
  const all = where.shares.reduce((sum, { ms }) => sum + ms, 0)
  const rows = where.shares.map(({ what, ms }) => [
    { text: what, tone: what === 'lost attempts' ? ('warn' as const) : ('plain' as const) },
    span(ms),
    percent(ms, all),
  ])
  const used = `Slots were in use ${percent(where.usedShare, 1)} of the time (${count(where.most)} at most)`
  const idle = where.idleMs < 100 ? '' : `; for ${span(where.idleMs)} nothing of it ran`
  return [
    ...table([{ title: 'slot time' }, { title: '', align: 'right' }, { title: '', align: 'right' }], rows, {
      ...style,
      indent: INDENT,
    }),
    ...wrap(`${used}${idle}.`, style.width - INDENT).map((line) => `${' '.repeat(INDENT)}${line}`),
  ]
}

const LONGEST_COLUMNS: readonly Column[] = [
  { title: 'partition', shrinkTo: 10 },
  { title: 'of', shrinkTo: 8, cut: 'middle', dropOrder: 2 },
  { title: 'took', align: 'right' },
  { title: 'of mean', align: 'right', dropOrder: 1 },
  { title: 'records', align: 'right' },
  { title: 'records/s', align: 'right', dropOrder: 3 },
  { title: 'end', dropOrder: 4 },
  { title: 'slot', dropOrder: 5 },
]

function longestLines({ longest, totals }: RunTimes, style: TableStyle): readonly string[] {
  const rows = longest.map((attempt) => {
    const took = attempt.workedMs
    const group = totals.find(({ step, kind }) => step === attempt.step && kind === 'partition')
    const mean = group === undefined ? 0 : group.busyMs / group.attempts
    const records = attempt.read - attempt.from.read
    return [
      `${attempt.step}/${attempt.index ?? 0}`,
      attempt.label,
      span(took),
      mean === 0 ? '' : `${(took / mean).toFixed(1)}x`,
      count(records),
      took === 0 ? '' : rate((records / took) * 1000).replace('/s', ''),
      attempt.outcome ?? 'under way',
      `${attempt.worker.pid}${attempt.slot === null ? '' : `/${attempt.slot}`}`,
    ]
  })
  return table(LONGEST_COLUMNS, rows, { ...style, indent: INDENT })
}
