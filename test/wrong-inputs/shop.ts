/**
 * A small shop whose files a test spoils, and what the command line says to it: the real commands, in this process, on a
 * terminal of 80 columns that does not move. What differs from run to run is written as a word: RUN, SHA-256, TIME.
 */
import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { runCommandLine } from '../../packages/batchwright/src/cli/command-line.ts'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { systemRandom } from '../../packages/batchwright/src/kernel/random.ts'

export const DAY = '2026-03-01'
export const RUN = `run orders --window ${DAY}`

/** What a test changes about the shop's job. Each is source text; a function is called with what it replaces. */
export interface JobText {
  readonly imports?: string
  readonly row?: string
  readonly raw?: string
  readonly clean?: string
  readonly before?: string
  readonly options?: string
  readonly steps?: string
}

const STEPS = `steps.records('clean').read(raw).process(check).write(clean)`

/** A job that reads a day's orders and publishes them. */
export function job({ imports, row, raw, clean, before, options, steps }: JobText = {}): string {
  return `import { check as checks, contract, csv, daily, dataset, field, job, jsonl, parameters, record, reject, service } from 'batchwright'
${imports ?? ''}
const row = ${row ?? `record({ id: field.text(), qty: field.integer(), price: field.decimal({ scale: 2 }) })`}
const raw = dataset('raw_orders', { ${raw ?? `window: daily(), files: 'in/{date}.csv', format: csv(), contract: contract(1, row)`} })
const clean = dataset('clean_orders', { ${clean ?? `window: daily(), location: 'out/clean', format: csv(), contract: contract(1, row)`} })

${before ?? 'const check = (order: { qty: number }) => order'}

export default job('orders', { ${options ?? 'window: daily()'} }, (steps) => {
  ${steps ?? STEPS}
})
`
}

/** Orders o1 to oN, then other lines. */
export function orders(count: number, ...more: readonly string[]): string {
  const good = Array.from({ length: count }, (_, index) => `o${index + 1},${index + 1},${index}.50`)
  return ['id,qty,price', ...good, ...more, ''].join('\n')
}

/** Of a shop's folder, wherever the machine keeps temporary files: lines are wrapped the same everywhere. */
const FOLDER_LENGTH = 120

export class Shop implements Disposable {
  readonly folder: string
  readonly #temporary: string

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.#temporary = mkdtempSync(path.join(tmpdir(), 'shop-'))
    this.folder = path.join(this.#temporary, '-'.repeat(FOLDER_LENGTH - this.#temporary.length - 1))
    mkdirSync(path.join(this.folder, 'node_modules'), { recursive: true })
    symlinkSync(
      path.join(import.meta.dirname, '../../packages/batchwright'),
      path.join(this.folder, 'node_modules/batchwright'),
    )
    for (const [file, text] of Object.entries(files)) this.write(file, text)
  }

  /** Absolute path of a file of the shop. */
  at(file: string): string {
    return path.join(this.folder, file)
  }

  write(file: string, content: string | Uint8Array): void {
    mkdirSync(path.dirname(this.at(file)), { recursive: true })
    writeFileSync(this.at(file), content)
  }

  /** Paths relative to the folder. */
  files(glob: string): readonly string[] {
    return globSync(glob, { cwd: this.folder }).toSorted()
  }

  remove(...files: readonly string[]): void {
    for (const file of files) rmSync(this.at(file))
  }

  /** Types a command into the shop's folder, and gives what came of it. */
  async type(line: string): Promise<string> {
    const screen = new Screen()
    const code = await runCommandLine(wordsOf(line), {
      stdout: screen.stream,
      stderr: screen.stream,
      environment: { TERM: 'dumb', LANG: 'C.UTF-8' },
      workingFolder: this.folder,
      clock: systemClock,
      random: systemRandom,
    })
    return this.told(line, screen.text, code)
  }

  /** The same in a process of its own: `options` are Node's. */
  start(line: string, options: readonly string[] = [], under: readonly string[] = []): string {
    const cli = path.join(import.meta.dirname, '../../packages/batchwright/src/cli/cli.ts')
    const script = `"$@" 2>&1; echo "(exit code $?)"`
    const said = execFileSync(
      'sh',
      ['-c', script, 'sh', ...under, process.execPath, ...options, cli, ...wordsOf(line)],
      {
        cwd: this.folder,
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
          TERM: 'dumb',
          NO_COLOR: '1',
          LANG: 'C.UTF-8',
        },
      },
    )
    const [, text = '', code = ''] = /^([^]*)\(exit code (\d+)\)\n$/.exec(said) ?? []
    return this.told(line, text, Number(code))
  }

  /** The same, without root's right to read and write whatever it likes. */
  startWithoutRights(line: string): string {
    const caps = '-dac_override,-dac_read_search'
    const without = process.getuid?.() === 0 ? ['setpriv', `--bounding-set=${caps}`, `--inh-caps=${caps}`] : []
    return this.start(line, ['--conditions=batchwright-source'], without)
  }

  /** What a person sees, without what differs from run to run. */
  told(line: string, said: string, code: number): string {
    const text = steady(said, this.folder)
    return `$ batchwright ${steady(line, this.folder)}\n${text}${text.endsWith('\n') ? '' : '\n'}(exit code ${code})\n`
  }

  [Symbol.dispose](): void {
    rmSync(this.#temporary, { recursive: true, force: true })
  }
}

function wordsOf(line: string): readonly string[] {
  return (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''))
}

/** Both streams of a terminal, in the order in which they are written. */
class Screen {
  text = ''
  readonly stream: NodeJS.WriteStream & { readonly fd: 2 }

  constructor() {
    const writable = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.text += chunk.toString('utf8')
        done()
      },
    })
    // A terminal as far as the command line looks at one.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    this.stream = Object.assign(writable, {
      isTTY: true,
      columns: 80,
      rows: 24,
      fd: 2,
    }) as unknown as typeof this.stream
  }
}

function steady(text: string, folder: string): string {
  return (
    text
      .replaceAll(folder, '/shop')
      .replaceAll(/^orders( \S+)? {2}[\w.]+: .*\n/gm, '')
      .replaceAll(/\b[0-9a-f]{64}\b/g, 'SHA-256')
      .replaceAll(/\b1[0-9a-hjkmnp-tv-z]{17}\b/g, 'RUN')
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'TIME')
      .replaceAll(/\b\d+\.\d s\b/g, '0.1 s')
      // Speed comes and goes with the machine.
      .replaceAll(/, [\d.,k]+ records\/s$/gm, '')
      .replaceAll(/(?<=time) +records\/s$/gm, '')
      .replaceAll(/(?<=0\.1 s) +[\d.,k]+$/gm, '')
      .replaceAll('npx batchwright', 'batchwright')
      .replaceAll(process.execPath, '/usr/bin/node')
  )
}
