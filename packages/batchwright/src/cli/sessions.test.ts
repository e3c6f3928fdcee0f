import { rmSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { orders, ORDERS_JOB } from './fixtures/orders.ts'
import type { Screen } from './fixtures/screen.ts'
import { folderWith, openScreen, steady, typeInto } from './fixtures/screen.ts'
import { LiveBlock } from './live-block.ts'
import { openTerminal } from './terminal.ts'

const FILES = {
  'jobs/orders.ts': ORDERS_JOB,
  'in/2026-03-01.csv': orders(12),
  'in/2026-03-02.csv': orders(20),
  'in/2026-03-03.csv': orders(0, ['boom,1,1.00']),
}
const WIDTHS = [120, 80, 40]

// Slow enough for a rate to be shown, and for frames to be drawn.
process.env['SLOW_MS'] = '12'

interface Recording {
  readonly text: string
  readonly colours: string
  readonly code: number
}

async function record(folder: string, columns: number, args: readonly string[]): Promise<Recording> {
  const screen = openScreen(columns, 24)
  const code = await typeInto(screen, folder, args)
  return { code, text: steady(await screen.text()), colours: steady(await screen.colours()) }
}

/** Without what time decides in `show`, and without the words of an error: both have tests of their own. */
function steadyParts(text: string): string {
  return text
    .replace(/\n {2}(?:\{\w+:)?timeline[^]*?(?=\n {2}(?:\{\w+:)?next)/, '\n  ...\n')
    .replace(/(error:[^\n]*\n)[^]*?\n( {2}(?:\{\w+:)?code)/g, '$1  ...\n$2')
}

const RANGE = ['run', 'orders', '--window', '2026-03-01..2026-03-03']
const FEW_RUNS = [['run', 'orders', '--window', '2026-03-01'], RANGE]
const EVERY_RUN = [
  ...FEW_RUNS,
  ['run', 'orders', '--window', '2026-03-03'],
  ['run', 'orders', '--window', '2026-03-02'],
]

const LISTS: readonly (readonly string[])[] = [
  ['jobs'],
  ['runs'],
  ['show', 'orders', '--window', '2026-03-01'],
  ['dead-letters', 'list', 'orders', '--window', '2026-03-02'],
  ['datasets'],
  ['datasets', 'show', 'clean_orders'],
]

describe.each(WIDTHS)('recorded at %i columns', (columns) => {
  let folder = ''
  const recordings = new Map<string, Recording>()

  beforeAll(async () => {
    folder = folderWith(FILES)
    const sessions = columns === 80 ? [...EVERY_RUN, ...LISTS] : [...FEW_RUNS, ...LISTS]
    for (const args of sessions) {
      recordings.set(`$ batchwright ${args.join(' ')}`, await record(folder, columns, args))
    }
  })

  const screens = (show: (recording: Recording) => string): string =>
    [...recordings].map(([name, recording]) => `${name}\n${steadyParts(show(recording))}`).join('\n')

  test('every session looks as recorded', async () => {
    await expect(screens(({ text }) => text)).toMatchFileSnapshot(`screens/session-${columns}.txt`)
  })

  test('colours stand where they mean something', async () => {
    await expect(screens(({ colours }) => colours)).toMatchFileSnapshot(`screens/session-${columns}-colour.txt`)
  })

  test('exit codes tell what became of it', () => {
    expect([...recordings.values()].map(({ code }) => code)).toEqual([
      0,
      1,
      ...(columns === 80 ? [1, 0] : []),
      ...LISTS.map(() => 0),
    ])
  })
})

describe('what stands on the screen at the end', () => {
  test('a run leaves its summary and nothing of its frames, wherever on the screen it began', async () => {
    const folder = folderWith(FILES)
    const screen = openScreen(60, 6)
    screen.stream.write('before\n'.repeat(5))
    await typeInto(screen, folder, ['run', 'orders', '--window', '2026-03-01'])
    const text = await screen.text()
    expect(text).toMatch(/^(before\n){5}✓ orders 2026-03-01 {2}succeeded in \d\.\d s\n/)
    expect(text).not.toMatch(/[━─⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/)
    rmSync(path.join(folder, '.batchwright'), { recursive: true })
  })

  test('without colours the same text stands there', async () => {
    const folder = folderWith(FILES)
    const run = async (environment: Record<string, string>, ...more: readonly string[]): Promise<Recording> => {
      const screen = openScreen(80, 24)
      const code = await typeInto(screen, folder, ['jobs', ...more], environment)
      return { code, text: await screen.text(), colours: await screen.colours() }
    }
    const painted = await run({})
    expect(painted.colours).toContain('{dim:job')
    for (const plain of [await run({ NO_COLOR: '1' }), await run({ TERM: 'dumb' }), await run({}, '--no-color')]) {
      expect(plain).toEqual({ code: 0, text: painted.text, colours: painted.text })
    }
    expect((await run({ FORCE_COLOR: '0' })).colours).toBe(painted.text)
    expect((await run({ FORCE_COLOR: '1', TERM: 'dumb' })).colours).toBe(painted.colours)
  })

  test('our own signs are ASCII where the locale is not UTF-8; the data stays as it is', async () => {
    const folder = folderWith({ ...FILES, 'jobs/orders.ts': ORDERS_JOB.replace('Cleans orders', 'Säubert …') })
    const screen = openScreen(80, 24)
    await typeInto(screen, folder, ['run', 'orders', '--window', '2026-03-01'], { LC_ALL: 'C' })
    await typeInto(screen, folder, ['jobs'], { LC_ALL: 'de_DE.ISO-8859-1' })
    const text = await screen.text()
    expect(text).toContain('+ orders 2026-03-01  succeeded')
    expect(text).toContain('Säubert')
    expect(text.replace('ä', '')).toMatch(/^[\n\x20-\x7e]*$/)
  })
})

describe('the live block on a screen', () => {
  function blockOn(screen: Screen): { readonly block: LiveBlock; readonly width: () => number } {
    const terminal = openTerminal({
      json: false,
      verbose: false,
      color: false,
      stdout: screen.stream,
      stderr: screen.stream,
      environment: {},
    })
    return { block: new LiveBlock(terminal), width: () => terminal.liveWidth }
  }

  test('resizing leaves no rubbish: narrower, wider, lower', async () => {
    const screen = openScreen(60, 12)
    screen.stream.write('before\n')
    const { block, width } = blockOn(screen)
    const frame = (): readonly string[] => ['head', 'x'.repeat(width()), 'y'.repeat(width() - 3)]
    block.update(frame())
    for (const [columns, rows] of [
      [30, 12],
      [80, 12],
      [41, 8],
      [60, 12],
    ] as const) {
      await screen.resize(columns, rows)
      block.update(frame())
      expect((await screen.text()).trimEnd()).toBe(['before', ...frame()].join('\n'))
    }
    block.say(['said'])
    expect((await screen.text()).trimEnd()).toBe(['before', 'said', ...frame()].join('\n'))
    block.clear()
    expect(await screen.text()).toBe('before\nsaid\n')
  })

  test('lines said while the screen scrolls stand above the block, each once', async () => {
    const screen = openScreen(40, 5)
    const { block } = blockOn(screen)
    for (let line = 0; line < 12; line += 1) {
      block.update(['one', `two ${line}`])
      block.say([`said ${line}`])
    }
    block.clear()
    const said = Array.from({ length: 12 }, (_, line) => `said ${line}`)
    expect(await screen.text()).toBe(`${said.join('\n')}\n`)
  })
})
