import { createReadStream, existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { JsonValue } from '../kernel/errors.ts'
import type { LogLine } from '../protocol/index.ts'
import type { RunLogLine } from './run-log.ts'

/** Name of the log inside the run's folder. */
export const RUN_LOG_FILE = 'log.jsonl'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** Which lines are wanted. */
export interface LogFilter {
  readonly step?: string
  /** This level and those above it. */
  readonly level?: LogLine['level']
  /** Only the last so many of those that pass. */
  readonly last?: number
}

/**
 * The lines of a run's log, in the order they were written. No file: no lines. A line that a crash cut short is left out.
 * `total` counts the lines that pass the filter, `items` holds the last `last` of them.
 */
export async function readRunLog(
  folder: string,
  filter: LogFilter,
): Promise<{ readonly total: number; readonly items: readonly RunLogLine[] }> {
  const file = path.join(folder, RUN_LOG_FILE)
  if (!existsSync(file)) return { total: 0, items: [] }
  const items: RunLogLine[] = []
  const last = filter.last ?? Infinity
  let total = 0
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const line = decode(text)
    if (line === null || !passes(line, filter)) continue
    total += 1
    items.push(line)
    if (items.length >= last * 2) items.splice(0, items.length - last)
  }
  return { total, items: items.slice(Math.max(0, items.length - last)) }
}

function passes(line: RunLogLine, filter: LogFilter): boolean {
  if (filter.step !== undefined && line.step !== filter.step) return false
  return filter.level === undefined || LEVELS.indexOf(line.level) >= LEVELS.indexOf(filter.level)
}

function decode(text: string): RunLogLine | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null // a process was killed in the middle of this line
  }
  if (typeof value !== 'object' || value === null) return null
  const { at, level, step, index, attempt, message, fields }: Partial<Record<string, unknown>> = { ...value }
  const known = LEVELS.find((each) => each === level)
  if (typeof at !== 'string' || typeof message !== 'string' || known === undefined) return null
  return {
    at: Date.parse(at),
    level: known,
    step: typeof step === 'string' ? step : null,
    index: typeof index === 'number' ? index : null,
    attempt: typeof attempt === 'number' ? attempt : null,
    message,
    ...(isObject(fields) ? { fields } : {}),
  }
}

/** What JSON.parse gave is JSON. */
function isObject(value: unknown): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
