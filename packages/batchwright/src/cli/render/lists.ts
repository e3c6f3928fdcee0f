/** Lists: jobs, runs, plans, datasets, dead letters, log lines. Rows in, lines out. */
import type { RunLogLine } from '../../observe/index.ts'
import type { RunRow } from '../../store/contract.ts'
import { elapsedMs } from '../view.ts'
import type { Tone } from './paint.ts'
import { toneOf } from './paint.ts'
import type { Column, TableStyle } from './table.ts'
import { table } from './table.ts'
import { bytes, count, duration, instant, printable } from './text.ts'

export interface JobRow {
  readonly name: string
  readonly description: string | null
  readonly owner: string | null
  readonly window: string | null
  readonly steps: readonly string[]
  readonly file: string
  readonly lastRun: RunRow | null
}

const JOB_COLUMNS: readonly Column[] = [
  { title: 'job', shrinkTo: 20 },
  { title: 'window' },
  { title: 'steps', align: 'right', dropOrder: 3 },
  { title: 'last run' },
  { title: 'file', shrinkTo: 12, cut: 'middle', dropOrder: 2 },
  { title: 'description', shrinkTo: 16, dropOrder: 4 },
]

export function jobLines(jobs: readonly JobRow[], style: TableStyle): readonly string[] {
  const rows = jobs.map((job) => {
    const last = job.lastRun
    const lastText =
      last === null ? 'never' : [last.state, last.window?.key].filter((part) => part !== undefined).join(' ')
    return [
      job.name,
      job.window ?? '',
      count(job.steps.length),
      { text: lastText, tone: last === null ? ('dim' as const) : toneOf(last.state) },
      job.file,
      job.description ?? '',
    ]
  })
  return table(JOB_COLUMNS, rows, style)
}

const RUN_COLUMNS: readonly Column[] = [
  { title: 'run' },
  { title: 'job', shrinkTo: 20 },
  { title: 'window' },
  { title: 'rev', align: 'right', dropOrder: 2 },
  { title: 'state' },
  { title: 'created', dropOrder: 1 },
  { title: 'took', align: 'right', dropOrder: 3 },
  { title: 'failure', shrinkTo: 16, dropOrder: 4 },
]

export function runLines(
  runs: readonly RunRow[],
  total: number,
  style: TableStyle & { readonly now: number },
): readonly string[] {
  const rows = runs.map((run) => {
    const state = run.paused && run.endedAt === null ? 'paused' : run.state
    const took = elapsedMs(run, style.now)
    return [
      run.runId,
      run.job,
      run.window?.key ?? '',
      `r${run.revision}`,
      { text: state, tone: toneOf(state) },
      instant(run.createdAt),
      took === null ? '' : duration(took),
      run.failure === null ? '' : `${run.failure.step}: ${run.failure.message}`,
    ]
  })
  return [...table(RUN_COLUMNS, rows, style), ...more(runs.length, total, style)]
}

/** What a listing leaves out is said, with the way to see it. */
export function more(shown: number, total: number, { paint }: TableStyle): readonly string[] {
  return shown >= total ? [] : [paint(`${count(shown)} of ${count(total)}; --limit N shows more`, 'dim')]
}

export interface DatasetRow {
  readonly name: string
  readonly format: string
  readonly window: string | null
  /** `published`, or `files` that others write. */
  readonly kind: string
  readonly location: string
  readonly jobs: readonly string[]
  readonly windows: number
  readonly latest: string | null
}

const DATASET_COLUMNS: readonly Column[] = [
  { title: 'dataset', shrinkTo: 20 },
  { title: 'kind', dropOrder: 3 },
  { title: 'format', dropOrder: 2 },
  { title: 'window' },
  { title: 'published', align: 'right' },
  { title: 'latest' },
  { title: 'location', shrinkTo: 16, cut: 'middle', dropOrder: 1 },
  { title: 'jobs', shrinkTo: 8, dropOrder: 4 },
]

export function datasetLines(datasets: readonly DatasetRow[], style: TableStyle): readonly string[] {
  const rows = datasets.map((each) => [
    each.name,
    each.kind,
    each.format,
    each.window ?? '',
    each.kind === 'published' ? count(each.windows) : '',
    each.latest ?? '',
    each.location,
    each.jobs.join(', '),
  ])
  return table(DATASET_COLUMNS, rows, style)
}

export interface VersionRow {
  readonly window: string | null
  readonly number: number
  readonly current: boolean
  readonly rows: number | null
  readonly bytes: number | null
  readonly runId: string | null
  readonly rollbackTo: number | null
  readonly publishedAt: number | null
}

const VERSION_COLUMNS: readonly Column[] = [
  { title: 'window' },
  { title: 'version', align: 'right' },
  { title: '' },
  { title: 'rows', align: 'right' },
  { title: 'size', align: 'right', dropOrder: 3 },
  { title: 'published', dropOrder: 2 },
  { title: 'by', dropOrder: 1 },
]

export function versionLines(versions: readonly VersionRow[], style: TableStyle): readonly string[] {
  const rows = versions.map((each) => [
    each.window ?? '(whole)',
    `v${each.number}`,
    each.current ? { text: 'current', tone: 'good' as const } : '',
    each.rows === null ? '' : count(each.rows),
    each.bytes === null ? '' : bytes(each.bytes),
    each.publishedAt === null ? '' : instant(each.publishedAt),
    each.rollbackTo === null ? `run ${each.runId ?? ''}` : `rollback to v${each.rollbackTo}`,
  ])
  return table(VERSION_COLUMNS, rows, style)
}

export interface DeadLetterRow {
  readonly id: string
  readonly step: string
  readonly cause: string
  readonly reason: string
  readonly message: string
  readonly source: string
  readonly record: number
  readonly discarded: boolean
}

const DEAD_LETTER_COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'step', shrinkTo: 12, dropOrder: 3 },
  { title: 'file', shrinkTo: 14, cut: 'middle', dropOrder: 1 },
  { title: 'record', align: 'right', dropOrder: 0 },
  { title: 'cause', dropOrder: 4 },
  { title: 'reason' },
  { title: 'message', shrinkTo: 16, dropOrder: 2 },
]

export function deadLetterLines(
  letters: readonly DeadLetterRow[],
  total: number,
  style: TableStyle,
): readonly string[] {
  const rows = letters.map((letter) => [
    letter.id,
    letter.step,
    letter.source,
    String(letter.record),
    letter.cause,
    { text: letter.reason, tone: (letter.discarded ? 'dim' : 'warn') as Tone },
    [letter.discarded ? 'discarded' : '', letter.message === letter.reason ? '' : letter.message]
      .filter((part) => part !== '')
      .join('; '),
  ])
  return [...table(DEAD_LETTER_COLUMNS, rows, style), ...more(letters.length, total, style)]
}

const LEVEL_TONES: Readonly<Record<RunLogLine['level'], Tone>> = {
  debug: 'dim',
  info: 'plain',
  warn: 'warn',
  error: 'bad',
}

export function logLines(lines: readonly RunLogLine[], { paint }: TableStyle): readonly string[] {
  return lines.map((line) => {
    const place = line.step === null ? '' : ` ${line.step}${line.index === null ? '' : `[${line.index}]`}`
    const fields = line.fields === undefined ? '' : ` ${paint(printable(JSON.stringify(line.fields)), 'dim')}`
    const level = paint(line.level.padEnd(5), LEVEL_TONES[line.level])
    return `${paint(instant(line.at), 'dim')} ${level}${printable(place)}  ${printable(line.message)}${fields}`
  })
}
