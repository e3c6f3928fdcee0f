import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import type { JsonValue } from '../kernel/errors.ts'
import { LEVELS, passes } from './log-filter.ts'
import type { LogFilter } from './log-filter.ts'
import { RUN_LOG_FILE, type RunLogLine } from './log-line.ts'

const WINDOW_BYTES = 64 * 1024
/** Lines are 16 KiB at most when they are written. What is longer than this without an end is no line of ours. */
const LONGEST_LINE = 1024 * 1024

/**
 * The lines of a run's log, in the order they were written. No file: no lines. A line that a crash cut short is left out.
 * `total` counts the lines that pass the filter, `items` holds the last `last` of them (default: all).
 */
export async function readRunLog(
  folder: string,
  filter: LogFilter & { readonly last?: number },
): Promise<{ readonly total: number; readonly items: readonly RunLogLine[] }> {
  const kept = new LastLines(filter.last ?? Infinity)
  for await (const batch of streamRunLog(folder, filter)) kept.add(batch)
  return { total: kept.total, items: kept.lines() }
}

/** The last so many of many lines; never holds more than twice as many. */
class LastLines {
  readonly #last: number
  readonly #lines: RunLogLine[] = []
  total = 0

  constructor(last: number) {
    this.#last = last
  }

  add(batch: readonly RunLogLine[]): void {
    this.total += batch.length
    for (const line of batch) this.#lines.push(line)
    if (this.#lines.length >= this.#last * 2) this.#lines.splice(0, this.#lines.length - this.#last)
  }

  lines(): readonly RunLogLine[] {
    return this.#lines.slice(Math.max(0, this.#lines.length - this.#last))
  }
}

export interface FollowOptions {
  readonly clock: Clock
  /** Whether nobody will write any more. The log is read once more after it has said so. */
  readonly ended: () => Promise<boolean>
  /** Of what there is at the beginning, only the last so many lines; default all. */
  readonly last?: number
  /** Between two looks at the file, milliseconds; default 200. */
  readonly lookMs?: number
}

/**
 * The lines that pass, in batches of one read each: memory does not grow with the log. With `follow` it goes on with what is
 * written, by whatever process, until `ended` says so.
 */
export async function* streamRunLog(
  folder: string,
  filter: LogFilter,
  follow?: FollowOptions,
): AsyncGenerator<readonly RunLogLine[]> {
  const tail = new LogTail(path.join(folder, RUN_LOG_FILE))
  let kept = follow?.last === undefined ? null : new LastLines(follow.last)
  try {
    for (;;) {
      const over = follow === undefined || (await follow.ended())
      for (let texts = await tail.read(); texts !== null; texts = await tail.read()) {
        const lines = texts.flatMap((text) => wanted(text, filter))
        if (kept !== null) kept.add(lines)
        else if (lines.length > 0) yield lines
      }
      if (kept !== null) yield kept.lines()
      kept = null
      if (over) return
      await follow.clock.sleep(follow.lookMs ?? 200)
    }
  } finally {
    await tail.close()
  }
}

function wanted(text: string, filter: LogFilter): readonly RunLogLine[] {
  const line = decode(text)
  return line !== null && passes(line, filter) ? [line] : []
}

/** Reads a file that grows, whole lines at a time. It may not be there yet. */
class LogTail {
  readonly #file: string
  readonly #window = Buffer.alloc(WINDOW_BYTES)
  #handle: FileHandle | null = null
  #offset = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(file: string) {
    this.#file = file
  }

  /** Whole lines of the next window; null where the file has no more for now. */
  async read(): Promise<readonly string[] | null> {
    this.#handle ??= await openIfThere(this.#file)
    if (this.#handle === null) return null
    const { bytesRead } = await this.#handle.read(this.#window, 0, WINDOW_BYTES, this.#offset)
    if (bytesRead === 0) return null
    this.#offset += bytesRead
    const text = Buffer.concat([this.#rest, this.#window.subarray(0, bytesRead)])
    const end = text.lastIndexOf(0x0a) + 1
    this.#rest = text.length - end > LONGEST_LINE ? Buffer.alloc(0) : Buffer.from(text.subarray(end))
    return end === 0 ? [] : text.toString('utf8', 0, end - 1).split('\n')
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = null
  }
}

async function openIfThere(file: string): Promise<FileHandle | null> {
  try {
    return await open(file)
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null
    throw thrown
  }
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
