import { appendFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Clock, Timer } from '../kernel/clock.ts'
import { RUN_LOG_FILE, type RunLogLine } from './log-line.ts'

export interface RunLogOptions {
  /** The run's folder; made when the first line is written. */
  readonly folder: string
  readonly clock: Clock
  /** Takes secrets out of a line, given as JSON. */
  readonly redact: (text: string) => string
}

/** The log of one run, open for appending. Several processes may append to the same run. */
export interface RunLog {
  /** Keeps a line. Never throws: a full disk loses log lines, and `close` says so; it does not fail the run. */
  write(line: RunLogLine): void
  /** Everything kept so far is in the file when this resolves; the first failure to write is thrown here. */
  close(): Promise<void>
}

/** Lines longer than this lose the end of their message, then their fields. */
const LINE_LIMIT = 16 * 1024
/** Lines are gathered this long, so that a talkative step costs one write and not thousands. */
const GATHER_MS = 50
const GATHER_BYTES = 64 * 1024

/** Opens the log of a run: `log.jsonl` in its folder, one JSON object a line. */
export function openRunLog(options: RunLogOptions): RunLog {
  return new FileRunLog(options)
}

class FileRunLog implements RunLog {
  readonly #options: RunLogOptions
  #gathered = ''
  #timer: Timer | null = null
  #writing: Promise<void> = Promise.resolve()
  #failure: Error | null = null

  constructor(options: RunLogOptions) {
    this.#options = options
  }

  write(line: RunLogLine): void {
    this.#gathered += `${this.#options.redact(encode(line))}\n`
    if (this.#gathered.length >= GATHER_BYTES) this.#flush()
    else
      this.#timer ??= this.#options.clock.after(
        GATHER_MS,
        () => {
          this.#flush()
        },
        { hold: true },
      )
  }

  async close(): Promise<void> {
    this.#flush()
    await this.#writing
    if (this.#failure !== null) throw this.#failure
  }

  /** One append for all gathered lines: whole lines of several processes never mix. */
  #flush(): void {
    this.#timer?.stop()
    this.#timer = null
    if (this.#gathered === '') return
    const text = this.#gathered
    this.#gathered = ''
    this.#writing = this.#writing
      .then(() => this.#append(text))
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error))
      })
  }

  async #append(text: string): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true })
    await appendFile(path.join(this.#options.folder, RUN_LOG_FILE), text)
  }
}

function encode(line: RunLogLine): string {
  const { at, level, step, index, attempt, message, fields } = line
  const head = { at: new Date(at).toISOString(), level, step, index, attempt }
  const whole = JSON.stringify({ ...head, message, ...(fields === undefined ? {} : { fields }) })
  if (whole.length <= LINE_LIMIT) return whole
  const shortened = JSON.stringify({ ...head, message, cut: true })
  if (shortened.length <= LINE_LIMIT) return shortened
  // JSON writes a character as six at most.
  return JSON.stringify({ ...head, message: message.slice(0, Math.floor((LINE_LIMIT - 256) / 6)), cut: true })
}
