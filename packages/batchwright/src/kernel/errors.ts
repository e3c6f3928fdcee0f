/** JSON, as it is stored and sent between the planes. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** What an error may say beside its message. Every part ends up on a screen: no secrets. */
export interface ErrorParts {
  /** Stable, upper case with underscores, never reused: `STORE_NEWER_VERSION`. `explain CODE` finds it. */
  readonly code: Uppercase<string>
  /** What was expected, what was found, and where. One or two sentences. */
  readonly message: string
  /** What to do now: a command or a change, in one sentence. */
  readonly hint?: string
  /** Names and numbers for programs: ids, file, record, column, limits. */
  readonly details?: Readonly<Record<string, JsonValue>>
  /** The error underneath, where there is one. */
  readonly cause?: unknown
  /** Whether the same attempt, made again later, can succeed. Default `false`. */
  readonly retryable?: boolean
}

/** The base of every error that Batchwright raises on purpose. */
export class BatchwrightError extends Error {
  override readonly name: string = 'BatchwrightError'
  readonly code: Uppercase<string>
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, JsonValue>>
  readonly retryable: boolean

  constructor(parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause })
    this.code = parts.code
    this.hint = parts.hint
    this.details = parts.details ?? {}
    this.retryable = parts.retryable ?? false
  }
}

/** An error as it travels between the planes and rests in the store. */
export interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly details?: Readonly<Record<string, JsonValue>>
  /** The stack as Node printed it, source maps applied, cut to 8 KiB. */
  readonly stack?: string
  readonly retryable: boolean
  readonly cause?: ErrorReport
}

const STACK_LIMIT = 8 * 1024

/** Errors of the operating system that pass by themselves. */
const PASSING_SYSTEM_ERRORS = new Set([
  'EAGAIN',
  'EBUSY',
  'ECONNREFUSED',
  'ECONNRESET',
  'EMFILE',
  'ENFILE',
  'EPIPE',
  'ETIMEDOUT',
])

/** Turns anything that was thrown into a report. Code of a foreign error: its own `code`, else `USER_ERROR`. */
export function reportError(thrown: unknown): ErrorReport {
  if (!(thrown instanceof Error)) {
    return {
      code: 'USER_ERROR',
      message: `something that is not an Error was thrown: ${String(thrown)}`,
      retryable: false,
    }
  }
  const ownCode = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : 'USER_ERROR'
  const ours = thrown instanceof BatchwrightError ? thrown : undefined
  return {
    code: ownCode,
    message: thrown.message,
    ...(ours?.hint === undefined ? {} : { hint: ours.hint }),
    ...(ours === undefined ? {} : { details: ours.details }),
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack.slice(0, STACK_LIMIT) }),
    retryable: ours?.retryable ?? PASSING_SYSTEM_ERRORS.has(ownCode),
    ...(thrown.cause === undefined ? {} : { cause: reportError(thrown.cause) }),
  }
}

/** The way back: an error that can be thrown, from a report that came over a wire. */
export function errorFromReport(report: ErrorReport): BatchwrightError {
  const error = new BatchwrightError({
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- codes of foreign errors (ENOENT) are upper case too
    code: report.code as Uppercase<string>,
    message: report.message,
    retryable: report.retryable,
    ...(report.hint === undefined ? {} : { hint: report.hint }),
    ...(report.details === undefined ? {} : { details: report.details }),
    ...(report.cause === undefined ? {} : { cause: errorFromReport(report.cause) }),
  })
  if (report.stack !== undefined) error.stack = report.stack
  return error
}
