/** The command line as a process on a real pseudo-terminal, made by `script` of util-linux. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import xterm from '@xterm/headless'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLI, makeProject, orders, ORDERS_JOB } from './fixtures/project.ts'
import type { TestProject } from './fixtures/project.ts'

const DAY = '2026-03-01'

interface Session {
  readonly code: number | null
  /** Everything that was written, escape sequences and all. */
  readonly raw: string
  /** What stands on the screen in the end. */
  readonly screen: string
}

interface Typing {
  /** What is waited for. */
  readonly seen: RegExp
  readonly keys: string
}

let project: TestProject
const children = new Set<ChildProcess>()

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

beforeAll(() => {
  project = makeProject({ 'jobs/orders.ts': ORDERS_JOB, [`in/${DAY}.csv`]: orders(400) })
})

/** Types a command line at a terminal of this width, and then keys when the screen shows what is waited for. */
function atTerminal(
  columns: number,
  args: string,
  environment: Readonly<Record<string, string>> = {},
  typing: readonly Typing[] = [],
): Promise<Session> {
  const command = `stty cols ${columns} rows 24; exec '${process.execPath}' '${CLI}' ${args}`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: project.folder,
    env: { PATH: process.env['PATH'], TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', ...environment },
  })
  children.add(child)
  let raw = ''
  let from = 0
  const left = [...typing]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text
    const [next] = left
    if (next === undefined || !next.seen.test(raw.slice(from))) return
    left.shift()
    from = raw.length
    child.stdin.write(next.keys)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      children.delete(child)
      screenOf(raw, columns).then((screen) => {
        resolve({ code, raw, screen })
      }, reject)
    })
  })
}

async function screenOf(raw: string, columns: number): Promise<string> {
  const terminal = new xterm.Terminal({ cols: columns, rows: 24, scrollback: 1_000, allowProposedApi: true })
  await new Promise<void>((resolve) => {
    terminal.write(raw, resolve)
  })
  const { active } = terminal.buffer
  const lines = Array.from(
    { length: active.length },
    (_, index) => active.getLine(index)?.translateToString(true) ?? '',
  )
  return lines.join('\n').trimEnd()
}

/** Whether the cursor is to be seen after all that was written. */
function cursorShown(raw: string): boolean {
  return raw.lastIndexOf('\x1b[?25h') >= raw.lastIndexOf('\x1b[?25l')
}

const CTRL_C = '\x03'

describe('a run at a terminal', () => {
  test('is drawn in place with its cursor hidden; Ctrl-C stops it at a commit and gives the cursor back', async () => {
    const { code, raw, screen } = await atTerminal(80, `run orders --window ${DAY}`, { SLOW_MS: '20' }, [
      { seen: /━.* %/, keys: CTRL_C },
    ])
    expect(code).toBe(130)
    expect(raw).toContain('\x1b[?25l')
    expect(raw).toContain('SIGINT: stopping at the next commit')
    expect(cursorShown(raw)).toBe(true)
    expect(screen).toMatch(/ {2}running for \d\.\d s\n/)
    expect(screen).toContain(`To go on:\n  batchwright run orders --window ${DAY}`)
    expect(screen).not.toMatch(/━|SIGINT/)
  })

  test('Ctrl-C twice ends it at once, and the cursor is there all the same', async () => {
    const { code, raw } = await atTerminal(80, `rerun orders --window ${DAY} --slots 1`, { ENDLESS: '1' }, [
      { seen: /─.* %/, keys: CTRL_C },
      { seen: /SIGINT/, keys: CTRL_C },
    ])
    expect(code).toBe(130)
    expect(raw).toContain('\x1b[?25l')
    expect(cursorShown(raw)).toBe(true)
  })

  test('goes on to its end, which is all that is left on the screen', async () => {
    const { code, raw, screen } = await atTerminal(80, `run orders --window ${DAY}`)
    expect(code).toBe(0)
    expect(cursorShown(raw)).toBe(true)
    expect(screen).toMatch(/^orders 2026-03-01.* was begun before: [^]+\n✓ orders 2026-03-01.* {2}succeeded in /)
    expect(screen).not.toMatch(/[━─⠋]/)
  })

  test('with a terminal that can do nothing, and inline, lines are written instead', async () => {
    const dumb = await atTerminal(80, `rerun orders --window ${DAY}`, { TERM: 'dumb' })
    expect(dumb).toMatchObject({ code: 0 })
    const inline = await atTerminal(80, `rerun orders --window ${DAY} --inline`)
    expect(inline).toMatchObject({ code: 0 })
    expect(dumb.raw).not.toContain('\x1b')
    for (const { raw } of [dumb, inline]) {
      expect(raw).not.toContain('\x1b[?25l')
      expect(raw).toMatch(/orders 2026-03-01 r\d {2}clean: succeeded, 400 read, 320 written, 80 dead letters/)
    }
  })
})

describe.each([120, 80, 40])('help at %i columns', (columns) => {
  test('looks as recorded', async () => {
    const screens: string[] = []
    for (const args of ['runs --help', 'dead-letters --help']) {
      const { code, screen } = await atTerminal(columns, args)
      expect(code).toBe(0)
      screens.push(`$ batchwright ${args}\n${screen}\n`)
    }
    const text = screens.join('\n')
    await expect(text).toMatchFileSnapshot(`screens/help-${columns}.txt`)
  })
})
