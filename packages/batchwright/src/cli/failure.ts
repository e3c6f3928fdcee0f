/** Errors on their way to the terminal: exit codes, text, JSON. */
import type { ErrorParts, ErrorReport, JsonValue } from '../kernel/errors.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import type { Paint } from './render/paint.ts'
import { printable } from './render/text.ts'

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
const USAGE_CODES = new Set(['WINDOW_INVALID', 'PARAMETER_INVALID', 'PARAMETER_UNKNOWN', 'DURATION_INVALID'])

export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof UsageError) return EXIT.usage
  return thrown instanceof BatchwrightError && USAGE_CODES.has(thrown.code) ? EXIT.usage : EXIT.failed
}

export interface FailureStyle {
  readonly paint: Paint
  /** Shows stacks. */
  readonly verbose: boolean
  /** The project's folder: frames of files in it, outside node_modules, are the user's own. */
  readonly projectFolder: string | null
}

/** What, where, hint, code; the causes under it; the user's own line where their code threw. */
export function failureLines(report: ErrorReport, style: FailureStyle): readonly string[] {
  const { paint } = style
  const lines = [`${paint('error:', 'bad')} ${report.message.split('\n').map(printable).join('\n  ')}`]
  const where = placeOf(report, style.projectFolder)
  if (where !== null) lines.push(`  ${paint('at', 'dim')}    ${printable(where)}`)
  for (let cause = report.cause; cause !== undefined; cause = cause.cause) {
    if (report.message.includes(cause.message)) continue
    lines.push(`  ${paint('cause', 'dim')} ${printable(cause.message)}`)
  }
  if (report.hint !== undefined) lines.push(`  ${paint('hint', 'dim')}  ${printable(report.hint)}`)
  lines.push(`  ${paint('code', 'dim')}  ${printable(report.code)}`)
  if (style.verbose && report.stack !== undefined) {
    lines.push(...report.stack.split('\n').map((line) => `  ${paint(printable(line), 'dim')}`))
  }
  return lines
}

/** File and line of the user's code that threw, by the innermost report that has one. */
function placeOf(report: ErrorReport, projectFolder: string | null): string | null {
  const deeper = report.cause === undefined ? null : placeOf(report.cause, projectFolder)
  if (deeper !== null || projectFolder === null || report.stack === undefined) return deeper
  for (const line of report.stack.split('\n')) {
    const [, place] = /(?:file:\/\/)?(\/[^()\s]+:\d+:\d+)\)?$/.exec(line) ?? []
    if (place === undefined || !place.startsWith(`${projectFolder}/`)) continue
    if (place.includes('/node_modules/') || place.includes('/.batchwright/')) continue
    return place.slice(projectFolder.length + 1)
  }
  return null
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
