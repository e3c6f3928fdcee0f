/** Replays with sinks off, as text: each record with its fate, and what it comes to. */
import { Decimal } from '../../kernel/decimal.ts'
import { reportError } from '../../kernel/errors.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { Counters } from '../../protocol/index.ts'
import type { DryKey, DryRecord } from '../../runtime/index.ts'
import type { Replay } from '../debug/replay-task.ts'
import type { Logged } from '../debug/scene.ts'
import { failureLines } from '../failure.ts'
import type { Paint, Tone } from './paint.ts'
import { bytes, count, plural, printable, shorten, wrap } from './text.ts'

export interface DebugStyle {
  readonly paint: Paint
  /** Columns; `Infinity` for no limit. */
  readonly width: number
  readonly projectFolder: string | null
}

const FATES: Readonly<Record<DryRecord['fate'], { readonly word: string; readonly style: Tone }>> = {
  written: { word: 'written', style: 'good' },
  dropped: { word: 'dropped', style: 'dim' },
  dead: { word: 'dead', style: 'bad' },
}

/** Records with their fates: a line for each that passed, more for one that was set aside. A single one is shown whole. */
export function recordLines(records: readonly DryRecord[], style: DebugStyle): readonly string[] {
  const numberWidth = Math.max(1, ...records.map(({ position }) => count(position.record).length))
  const whole = records.length === 1
  return records.flatMap((record) => linesOf(record, { ...style, numberWidth, whole }))
}

/** What stands before a record's text: its number and its fate. */
const HEAD_WIDTH = 13

function linesOf(
  record: DryRecord,
  style: DebugStyle & { readonly numberWidth: number; readonly whole: boolean },
): readonly string[] {
  const { paint, numberWidth } = style
  const { word, style: colour } = FATES[record.fate]
  const head = `  ${count(record.position.record).padStart(numberWidth)}  ${paint(word.padEnd(7), colour)}  `
  const indent = ' '.repeat(numberWidth + HEAD_WIDTH)
  const room = Math.max(20, style.width - indent.length)
  const wrapped = (text: string): readonly string[] => wrap(printable(text), room)
  const fit = (text: string): readonly string[] => (style.whole ? wrapped(text) : [shorten(printable(text), room)])
  return textsOf(record, { ...style, wrapped, fit }).map((text, index) =>
    ((index === 0 ? head : indent) + text).trimEnd(),
  )
}

function textsOf(
  record: DryRecord,
  style: DebugStyle & {
    readonly numberWidth: number
    readonly wrapped: (text: string) => readonly string[]
    readonly fit: (text: string) => readonly string[]
  },
): readonly string[] {
  const { paint, wrapped, fit } = style
  const dim = (lines: readonly string[]): readonly string[] => lines.map((line) => paint(line, 'dim'))
  switch (record.fate) {
    case 'written':
      return [
        ...record.records.map(jsonText),
        ...Object.entries(record.named).flatMap(([name, given]) => given.map((each) => `${name}: ${jsonText(each)}`)),
        ...record.files.map(({ output, name, content }) => `file ${name} for ${output}, ${bytes(content.length)}`),
      ].flatMap(fit)
    case 'dropped':
      return dim(fit(record.raw))
    case 'dead': {
      // What is shown of the place where it threw has an indentation of its own.
      const inner = { ...style, width: style.width - style.numberWidth - HEAD_WIDTH + 2 }
      return [
        ...wrapped(whyDead(record)),
        ...dim(fit(record.raw)),
        ...thrownLines(record, inner).map((line) => line.replace(/^ {2}/, '')),
      ]
    }
  }
}

/** Reason and message; a rule without a detail has its name for both. */
export function whyDead({ reason, message }: { readonly reason: string; readonly message: string }): string {
  return message === reason ? reason : `${reason}: ${message}`
}

/** Where the user's code threw, at its line. */
export function thrownLines(record: DryRecord, { paint, width, projectFolder }: DebugStyle): readonly string[] {
  if (record.fate !== 'dead' || record.error === null) return []
  const report = { ...reportError(record.error), ...(record.stack === null ? {} : { stack: record.stack }) }
  // Its message and its code stand with the record already.
  const lines = failureLines(report, { paint, width, projectFolder, verbose: false }).slice(1, -1)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

/** Keys of a reduce step and what each gives. */
export function keyLines(keys: readonly DryKey[], { paint, width }: DebugStyle): readonly string[] {
  return keys.flatMap(({ key, added, records }) => [
    `  ${printable(key)}  ${paint(`of ${plural(added, 'record')}`, 'dim')}`,
    ...records.map((record) => `    ${shorten(printable(jsonText(record)), Math.max(20, width - 4))}`),
  ])
}

/** What the replay comes to, and what the run recorded otherwise. */
export function sumLines({ counters, controls, differences }: Replay, { paint, width }: DebugStyle): readonly string[] {
  const totals = Object.entries(controls).map(([name, total]) => `${name} ${total}`)
  return [
    ...(counters === null ? [] : wrap(countersLine(counters), Math.max(20, width))),
    ...(totals.length === 0 || counters === null ? [] : [`controls: ${totals.join(', ')}`]),
    ...differenceLines(differences, paint),
  ]
}

function countersLine(counters: Counters): string {
  const reasons = Object.entries(counters.reasons).map(([reason, number]) => `${reason} ${count(number)}`)
  const dead = counters.deadByRule + counters.deadByContract + counters.deadByError
  const parts = [
    `read ${count(counters.read)}`,
    `would write ${count(counters.written)}`,
    `dropped ${count(counters.dropped)}`,
    `dead ${count(dead)}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`,
  ]
  return parts.join(', ')
}

function differenceLines(differences: readonly string[] | null, paint: Paint): readonly string[] {
  if (differences === null) return []
  if (differences.length === 0) return [paint('as the run recorded', 'good')]
  return [paint('otherwise than the run recorded:', 'warn'), ...differences.map((each) => `  ${printable(each)}`)]
}

export function loggedLines(logged: readonly Logged[], { paint, width }: DebugStyle): readonly string[] {
  return logged.map(({ level, message, fields }) => {
    const more = fields === undefined ? '' : ` ${JSON.stringify(fields)}`
    return shorten(`  ${paint('log', 'dim')} ${level}  ${printable(message)}${printable(more)}`, Math.max(20, width))
  })
}

/** A record as JSON, decimals with all their digits. */
export function jsonText(record: object): string {
  return JSON.stringify(plain(record))
}

/** A value as JSON says it: decimals, big integers and times as text. */
export function plain(value: unknown): JsonValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return String(value)
  if (Decimal.is(value)) return value.toFixed(value.scale)
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
  }
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- symbols and functions, which no record should hold
  return String(value)
}
