import type { LogLine } from '../protocol/index.ts'
import type { RunLogLine } from './log-line.ts'

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLine['level'][]

/** Which lines are wanted. Absent: any. */
export interface LogFilter {
  readonly step?: string
  /** Partition index. */
  readonly index?: number
  readonly attempt?: number
  /** This level and those above it. */
  readonly level?: LogLine['level']
  /** In the message, or in the fields as JSON: a substring as it stands, or a pattern. */
  readonly text?: string | RegExp
  /** From this time on, milliseconds since the epoch. */
  readonly since?: number
}

export function passes(line: RunLogLine, filter: LogFilter): boolean {
  const { step, index, attempt, level, since } = filter
  if (step !== undefined && line.step !== step) return false
  if (index !== undefined && line.index !== index) return false
  if (attempt !== undefined && line.attempt !== attempt) return false
  if (since !== undefined && line.at < since) return false
  if (level !== undefined && LEVELS.indexOf(line.level) < LEVELS.indexOf(level)) return false
  return filter.text === undefined || holds(line, filter.text)
}

function holds({ message, fields }: RunLogLine, text: string | RegExp): boolean {
  const whole = fields === undefined ? message : `${message} ${JSON.stringify(fields)}`
  if (typeof text === 'string') return whole.includes(text)
  text.lastIndex = 0
  return text.test(whole)
}
