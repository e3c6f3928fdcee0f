/** Where the command line writes: what goes to stdout, what to stderr, and what a terminal can show. */
import { writeSync } from 'node:fs'
import type { JsonValue } from '../kernel/errors.ts'
import type { Canvas } from './live-block.ts'
import { inAscii, knowsUnicode } from './render/glyphs.ts'
import type { Paint } from './render/paint.ts'
import { paintAnsi, paintNothing } from './render/paint.ts'

export interface Terminal extends Canvas {
  /** One object on stdout and nothing else there. */
  readonly json: boolean
  readonly verbose: boolean
  /** Columns for tables; `Infinity` where stdout is no terminal. */
  readonly width: number
  /** Lines that a live block may take; null where stderr is no terminal, which shows sparse lines instead. */
  readonly liveHeight: number | null
  readonly paint: Paint
  readonly paintNotes: Paint
  /** The command's answer, as text. Nothing with `--json`. */
  print(lines: readonly string[]): void
  /** The command's answer, as an object. Only with `--json`. */
  printJson(value: JsonValue): void
  /** The command's answer as JSON Lines: one object a line. Only with `--json`. */
  printJsonLines(values: readonly JsonValue[]): void
  /** Resolves when stdout takes more: a command with much to say waits for who reads it. */
  drained(): Promise<void>
  /** What happens on the way, on stderr. Nothing with `--json`. */
  note(lines: readonly string[]): void
  /** Calls back when the window of stderr changes its size, until the returned function is called. */
  onResize(callback: () => void): () => void
}

export interface TerminalOptions {
  readonly json: boolean
  readonly verbose: boolean
  /** False for `--no-color`. */
  readonly color: boolean
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream & { readonly fd: number }
  readonly environment: NodeJS.ProcessEnv
}

const DEFAULT_WIDTH = 80
const SHOW_CURSOR = '\x1b[?25h'
const HIDE_CURSOR = '\x1b[?25l'
const END_FRAME = '\x1b[?2026l'

/** Colours: not with `--no-color`, NO_COLOR (https://no-color.org), TERM=dumb, or into a file; FORCE_COLOR turns them on. */
export function openTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, environment, json } = options
  const paintFor = (stream: NodeJS.WriteStream): Paint => (wantsColor(stream, options) ? paintAnsi : paintNothing)
  const live = stderr.isTTY && !json && environment['TERM'] !== 'dumb'
  const encode = knowsUnicode(environment) ? (text: string): string => text : inAscii
  const showAtExit = (): void => {
    // The process is ending, perhaps by an error: what is not written now is never written.
    writeSync(stderr.fd, END_FRAME + SHOW_CURSOR)
  }
  return {
    json,
    verbose: options.verbose,
    width: stdout.isTTY ? widthOf(stdout) : Infinity,
    get liveHeight() {
      return live ? Math.max(1, (stderr.rows > 0 ? stderr.rows : DEFAULT_HEIGHT) - 1) : null
    },
    get liveWidth() {
      // A line that fills the last column leaves the cursor where terminals differ.
      return stderr.isTTY ? Math.max(1, widthOf(stderr) - 1) : Infinity
    },
    paint: paintFor(stdout),
    paintNotes: paintFor(stderr),
    print: (lines) => {
      if (!json && lines.length > 0) stdout.write(encode(`${lines.join('\n')}\n`))
    },
    printJson: (value) => {
      if (json) stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    },
    printJsonLines: (values) => {
      if (json && values.length > 0) stdout.write(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
    },
    drained: () =>
      stdout.writableNeedDrain
        ? new Promise((resolve) => {
            stdout.once('drain', resolve)
          })
        : Promise.resolve(),
    note: (lines) => {
      if (!json && lines.length > 0) stderr.write(encode(`${lines.join('\n')}\n`))
    },
    draw: (text) => {
      stderr.write(encode(text))
    },
    hideCursor: () => {
      stderr.write(HIDE_CURSOR)
      process.once('exit', showAtExit)
    },
    showCursor: () => {
      process.off('exit', showAtExit)
      stderr.write(SHOW_CURSOR)
    },
    onResize: (callback) => {
      stderr.on('resize', callback)
      return () => {
        stderr.off('resize', callback)
      }
    },
  }
}

const DEFAULT_HEIGHT = 24

function widthOf(stream: NodeJS.WriteStream): number {
  return stream.columns > 0 ? stream.columns : DEFAULT_WIDTH
}

function wantsColor(stream: NodeJS.WriteStream, { color, environment }: TerminalOptions): boolean {
  if (!color) return false
  const none = environment['NO_COLOR']
  if (none !== undefined && none !== '') return false
  const forced = environment['FORCE_COLOR']
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  return stream.isTTY && environment['TERM'] !== 'dumb'
}
