/** Errors on their way to the terminal: exit codes, text, JSON. */
import type { ErrorParts, ErrorReport, JsonValue } from '../kernel/errors.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import { readPlaces } from '../kernel/source-place.ts'
import { toldHint } from './hint.ts'
import { placesLines, stackLines, thrownAt } from './render/places.ts'
import type { PlaceStyle } from './render/places.ts'
import { printable, wrap } from './render/text.ts'

export const EXIT = { succeeded: 0, failed: 1, usage: 2, interrupted: 130 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What the caller typed cannot be done as it stands; nothing was started. Exit code 2. */
export class UsageError extends BatchwrightError {
  override readonly name = 'UsageError'
}

export function usageError(parts: ErrorParts): UsageError {
  return new UsageError(parts)
}

/** Codes that other rooms raise for things that a caller typed. */
const USAGE_CODES = new Set(['WINDOW_INVALID', 'PARAMETER_INVALID', 'PARAMETER_UNKNOWN'])

export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof UsageError) return EXIT.usage
  return thrown instanceof BatchwrightError && USAGE_CODES.has(thrown.code) ? EXIT.usage : EXIT.failed
}

export interface FailureStyle extends PlaceStyle {
  /** Shows stacks. */
  readonly verbose: boolean
}

/** A fact that is shown below an error: a word and what it is. */
export type Fact = readonly [name: string, text: string]

/** As wide as the longest of the words before an error's lines. */
const LABEL_WIDTH = 6

/**
 * What went wrong; the lines of the user's code where it did; causes; facts; what to do; the code, and where more about it
 * is to be found.
 */
export function failureLines(report: ErrorReport, style: FailureStyle, facts: readonly Fact[] = []): readonly string[] {
  const { paint } = style
  const fact = factLines(style)
  return [
    ...headline('error', inProject(report.message, style), style),
    ...whereLines(report, style, fact),
    ...causesOf(report).flatMap((cause) => fact('cause', cause)),
    ...recordFacts(report).flatMap(([name, text]) => fact(name, text)),
    ...facts.flatMap(([name, text]) => fact(name, text)),
    ...(report.hint === undefined ? [] : fact('hint', toldHint(report.hint))),
    ...codeLine(report, style),
    ...(style.verbose && report.stack !== undefined
      ? report.stack.split('\n').map((line) => `  ${paint(printable(line), 'dim')}`)
      : []),
  ]
}

/** On a terminal, paths in the project are shown from its folder; a log may be read from anywhere, so it has them whole. */
export function inProject(
  text: string,
  { projectFolder, width = Infinity }: Pick<FailureStyle, 'projectFolder' | 'width'>,
): string {
  return projectFolder === null || width === Infinity ? text : text.replaceAll(`${projectFolder}/`, '')
}

/** The message behind its level, its own lines kept, each wrapped to the terminal. */
export function headline(
  level: 'error' | 'warning',
  message: string,
  { paint, width = Infinity }: Pick<FailureStyle, 'paint' | 'width'>,
): readonly string[] {
  const [first = '', ...more] = message.split('\n').map(printable)
  const [head = '', ...rest] = wrap(first, Math.max(20, width - level.length - 2))
  return [
    `${paint(`${level}:`, level === 'error' ? 'bad' : 'warn')} ${head}`,
    ...rest.map((line) => `  ${line}`),
    ...more.flatMap((line) => wrapIndented(line, width - 2).map((each) => `  ${each}`)),
  ]
}

/** Wraps a line that may be indented; the indentation is kept for all of it. */
function wrapIndented(line: string, width: number): readonly string[] {
  const indent = /^ */.exec(line)?.[0] ?? ''
  return wrap(line, Math.max(20, width - indent.length)).map((each) => indent + each)
}

type FactLines = (name: string, text: string) => readonly string[]

export function factLines(style: Pick<FailureStyle, 'paint' | 'width' | 'projectFolder'>): FactLines {
  const { paint, width = Infinity } = style
  return (name, text) => {
    const [head = '', ...rest] = wrap(printable(inProject(text, style)), Math.max(20, width - LABEL_WIDTH - 2))
    const label = paint(name, 'dim') + ' '.repeat(Math.max(1, LABEL_WIDTH - name.length))
    return [`  ${label}${head}`, ...rest.map((line) => `${' '.repeat(LABEL_WIDTH + 2)}${line}`)]
  }
}

/** The places that the error names itself, or the user's line that it was thrown from. */
function whereLines(report: ErrorReport, style: FailureStyle, fact: FactLines): readonly string[] {
  const places = readPlaces(report.details?.['places'])
  if (places.length > 0) return placesLines(places, style)
  const thrown = thrownAt(report, style.projectFolder)
  if (thrown === null) return []
  return [...fact('at', thrown.at), ...stackLines(thrown, style)]
}

function causesOf(report: ErrorReport): readonly string[] {
  const causes: string[] = []
  for (let cause = report.cause; cause !== undefined; cause = cause.cause) {
    if (!report.message.includes(cause.message)) causes.push(cause.message)
  }
  return causes
}

/** The record that an error is about, as it stood in the input. */
function recordFacts({ details }: ErrorReport): readonly Fact[] {
  const raw = details?.['raw']
  return typeof raw === 'string' && raw !== '' ? [['raw', raw]] : []
}

/** The code. Those of our own errors are explained; a foreign one (ENOENT) is not ours to explain. */
function codeLine(report: ErrorReport, { paint }: FailureStyle): readonly string[] {
  const code = printable(report.code)
  const explained = report.details !== undefined || report.code === 'USER_ERROR'
  const more = !explained ? '' : `  ${paint(`(batchwright explain ${code})`, 'dim')}`
  return [`  ${paint('code', 'dim')}  ${code}${more}`]
}

/** The shape of every error on stdout with `--json`: `{ error: { code, message, hint, details } }`. */
export function failureJson(report: ErrorReport): JsonValue {
  return {
    error: {
      code: report.code,
      message: report.message,
      hint: report.hint ?? null,
      details: report.details ?? {},
    },
  }
}

export { reportError }
