/** Where the command line writes: what goes to stdout, what to stderr, and what a terminal can show. */
import type { JsonValue } from '../kernel/errors.ts'
import type { Paint } from './render/paint.ts'
import { paintAnsi, paintNothing } from './render/paint.ts'

export interface Terminal {
  /** One object on stdout and nothing else there. */
  readonly json: boolean
  readonly verbose: boolean
  /** Columns for tables; `Infinity` where stdout is no terminal. */
  readonly width: number
  /** Lines that a live block may take; null where stderr is no terminal, which shows sparse lines instead. */
  readonly liveHeight: number | null
  readonly liveWidth: number
  readonly paint: Paint
  readonly paintNotes: Paint
  /** The command's answer, as text. Nothing with `--json`. */
  print(lines: readonly string[]): void
  /** The command's answer, as an object. Only with `--json`. */
  printJson(value: JsonValue): void
  /** What happens on the way, on stderr. Nothing with `--json`. */
  note(lines: readonly string[]): void
  /** Raw text for the live block, on stderr. */
  draw(text: string): void
}

export interface TerminalOptions {
  readonly json: boolean
  readonly verbose: boolean
  /** False for `--no-color`. */
  readonly color: boolean
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly environment: NodeJS.ProcessEnv
}

const DEFAULT_WIDTH = 80

/** Colours: not with `--no-color`, NO_COLOR (https://no-color.org), TERM=dumb, or into a file; FORCE_COLOR turns them on. */
export function openTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, environment, json } = options
  const paintFor = (stream: NodeJS.WriteStream): Paint => (wantsColor(stream, options) ? paintAnsi : paintNothing)
  const live = stderr.isTTY && !json && environment['TERM'] !== 'dumb'
  return {
    json,
    verbose: options.verbose,
    width: stdout.isTTY ? widthOf(stdout) : Infinity,
    get liveHeight() {
      return live ? Math.max(4, stderr.rows - 1) : null
    },
    get liveWidth() {
      return stderr.isTTY ? widthOf(stderr) : Infinity
    },
    paint: paintFor(stdout),
    paintNotes: paintFor(stderr),
    print: (lines) => {
      if (!json && lines.length > 0) stdout.write(`${lines.join('\n')}\n`)
    },
    printJson: (value) => {
      if (json) stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    },
    note: (lines) => {
      if (!json && lines.length > 0) stderr.write(`${lines.join('\n')}\n`)
    },
    draw: (text) => {
      stderr.write(text)
    },
  }
}

function widthOf(stream: NodeJS.WriteStream): number {
  return stream.columns > 0 ? stream.columns : DEFAULT_WIDTH
}

function wantsColor(stream: NodeJS.WriteStream, { color, environment }: TerminalOptions): boolean {
  if (!color) return false
  const none = environment['NO_COLOR']
  if (none !== undefined && none !== '') return false
  const forced = environment['FORCE_COLOR']
  if (forced !== undefined && forced !== '' && forced !== '0') return true
  return stream.isTTY && environment['TERM'] !== 'dumb'
}
