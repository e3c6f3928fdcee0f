import type { ErrorReport } from '../../kernel/errors.ts'
import type { SourcePlace } from '../../kernel/source-place.ts'

/** One thing that was checked. */
export interface CheckItem {
  /** `error`: a run would break. `warning`: it may, or it is a risk. */
  readonly level: 'ok' | 'warning' | 'error'
  readonly about: 'configuration' | 'definition' | 'types' | 'contract' | 'input' | 'plan' | 'dry run' | 'setting'
  /** Null for what is about the whole project. */
  readonly job: string | null
  /** Null where it is ok. */
  readonly code: string | null
  readonly message: string
  readonly hint: string | null
  readonly place: SourcePlace | null
  /** The error as it was raised, where it was one. */
  readonly report: ErrorReport | null
}

export function ok(about: CheckItem['about'], job: string | null, message: string): CheckItem {
  return { level: 'ok', about, job, code: null, message, hint: null, place: null, report: null }
}

export function warning(
  about: CheckItem['about'],
  job: string | null,
  parts: {
    readonly code: string
    readonly message: string
    readonly hint: string
    readonly place?: SourcePlace | null
  },
): CheckItem {
  return { level: 'warning', about, job, report: null, ...parts, place: parts.place ?? null }
}
