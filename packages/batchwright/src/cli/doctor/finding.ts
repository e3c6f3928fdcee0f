/** One thing that `doctor` looked at. */
export interface Finding {
  readonly area: 'configuration' | 'versions' | 'store' | 'permissions' | 'disk' | 'clock' | 'secrets' | 'storage'
  readonly level: 'ok' | 'warn' | 'fail'
  /** Null where it is ok. */
  readonly code: string | null
  readonly message: string
  /** What to do; null where it is ok. */
  readonly hint: string | null
}

export function ok(area: Finding['area'], message: string): Finding {
  return { area, level: 'ok', code: null, message, hint: null }
}

export function warn(area: Finding['area'], code: string, message: string, hint: string): Finding {
  return { area, level: 'warn', code, message, hint }
}

export function fail(area: Finding['area'], code: string, message: string, hint: string): Finding {
  return { area, level: 'fail', code, message, hint }
}
