import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeProject, orders, ORDERS_JOB } from './fixtures/project.ts'
import type { TestProject } from './fixtures/project.ts'

const WITHOUT_WINDOW = ORDERS_JOB.replaceAll('window: daily(), ', '')
  .replace("job('orders', { description: 'Cleans orders', owner: 'shop', window: daily() }", "job('plain', {}")
  .replaceAll('raw_orders', 'raw_plain')
  .replaceAll('clean_orders', 'clean_plain')
  .replaceAll('{date}', 'plain')
  .replaceAll('out/clean', 'out/plain')

let project: TestProject

beforeAll(async () => {
  project = makeProject({
    'jobs/orders.ts': ORDERS_JOB,
    'jobs/plain.ts': WITHOUT_WINDOW,
    'in/2026-03-01.csv': orders(2),
    'in/plain.csv': orders(2),
  })
  expect((await project.cli('run', 'orders', '--window', '2026-03-01')).code).toBe(0)
  expect((await project.cli('run', 'plain')).code).toBe(0)
})

describe('wrong usage exits with 2 and says what was expected', () => {
  test.each([
    [['rn'], 'batchwright has no command "rn"', 'did you mean run? See `batchwright --help`'],
    [
      ['runs', '--lmit', '3'],
      'batchwright runs has no option --lmit',
      'did you mean --limit? See `batchwright runs --help`',
    ],
    [['runs', '--state', 'faild'], '--state faild: expected one of queued, running, ', 'did you mean failed?'],
    [['runs', 'x', 'y'], 'batchwright runs: expected nothing behind it, found "x" "y"', 'type `batchwright runs`'],
    [
      ['datasets', 'versions', 'x'],
      'batchwright datasets has no command "versions"',
      'there are: list, show, cat. See `batchwright datasets --help`',
    ],
    [['dead-letters', 'lst'], 'batchwright dead-letters has no command "lst"', 'did you mean list?'],
    [['runs', '--limit', 'x'], '--limit x: expected a whole number from 1', 'see `batchwright runs --help`'],
    [['run'], 'batchwright run: which job?', 'type `batchwright run JOB`; `batchwright jobs` lists the jobs'],
    [[], 'a command is expected', 'see `batchwright --help`'],
    [['run', 'ordrs', '--window', '2026-03-01'], 'no job is called "ordrs"', 'did you mean "orders"?'],
    [['run', 'zzz'], 'no job is called "zzz"', 'there are: orders, plain'],
    [
      ['run', 'orders'],
      'the job "orders" runs for one day at a time: which?',
      'for example `batchwright run orders --window 2011-01-04`, or a range: `--window 2011-01-04..2011-01-09`',
    ],
    [
      ['run', 'plain', '--window', '2026-03'],
      'the job "plain" has no windows, and --window 2026-03 was given',
      'leave --window out, or give the job a window',
    ],
    [
      ['run', 'orders', '--window', '2026-03-02..'],
      '--window 2026-03-02..: expected one window, or a first and a last with .. between them',
      'for example `--window 2011-01-04..2011-01-09`',
    ],
    [
      ['run', 'orders', '--window', '2026-03-02..2026-03-01'],
      '--window 2026-03-02..2026-03-01: the first window lies after the last',
      'swap them: `--window 2026-03-01..2026-03-02`',
    ],
    [
      ['run', 'orders', '--window', '2026-03-01', '--param', 'x'],
      '--param x: expected name=value',
      'for example `--param country=GB`',
    ],
    [['show', 'zzz'], 'no run\'s id starts with "zzz", and no job of that name has run', 'there are: '],
    [['show', 'ordrs'], 'no run\'s id starts with "ordrs", and no job of that name has run', 'did you mean "orders"?'],
    [['show', '1'], '"1" is the beginning of more than one run\'s id: ', 'type more of the id'],
    [['logs', 'orders', '--step', 'claen'], 'orders 2026-03-01 has no step "claen"', 'did you mean "clean"?'],
    [['datasets', 'cat', 'clean_order'], 'no dataset is called "clean_order"', 'did you mean "clean_orders"?'],
    [
      ['datasets', 'cat', 'clean_plain', '--window', '2026'],
      'the dataset "clean_plain" has no windows, and --window 2026 was given',
      'leave --window out',
    ],
    [
      ['retry', 'latest', '--from', 'a', '--partition', '2'],
      'option --partition cannot be used with option --from',
      'see `batchwright retry --help`',
    ],
    [
      ['dead-letters', 'export', '--json'],
      '--json puts one object on stdout, and so does the export itself',
      'add --output FILE, or leave --json out',
    ],
  ])('%j', async (args, message, hint) => {
    const text = await project.cli(...args)
    expect(text.code).toBe(2)
    if (!args.includes('--json')) {
      expect(text.stdout).toBe('')
      expect(text.stderr).toMatch(
        /^error: [^\n]+\n {2}hint {2}[^\n]+\n {2}code {2}([A-Z_]+) {2}\(batchwright explain \1\)\n$/,
      )
    }
    const { code, value } = await project.json<{ error: { message: string; hint: string; code: string } }>(...args)
    expect(code).toBe(2)
    expect(value.error.message.startsWith(message)).toBe(true)
    expect(value.error.hint.startsWith(hint)).toBe(true)
  })

  test('a window that is none is refused with the one that was probably meant', async () => {
    const { code, stderr } = await project.cli('run', 'orders', '--window', '2026-3-1')
    expect(code).toBe(2)
    expect(stderr).toContain(
      'runs for one day at a time, such as 2011-01-04\n  hint  Did you mean --window 2026-03-01?\n',
    )
  })

  test('nothing published of a window names those that are', async () => {
    const { code, stderr } = await project.cli('datasets', 'cat', 'clean_orders', '--window', '2026-04-01')
    expect(code).toBe(1)
    expect(stderr).toBe(
      'error: nothing is published of "clean_orders" for the window 2026-04-01\n  hint  Published windows: 2026-03-01.\n  code  NOT_PUBLISHED  (batchwright explain NOT_PUBLISHED)\n',
    )
  })
})

test('help goes to stdout and exits with 0', async () => {
  const help = await project.cli('--help')
  expect(help.code).toBe(0)
  expect(help.stdout).toContain('Exit codes: 0 succeeded, 1 failed, 2 usage, 130 interrupted.')
  expect((await project.cli('run', '--help')).stdout).toContain('--window <window>')
  expect((await project.cli('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

describe('on a Node that is too old', () => {
  const older = (...args: string[]): ReturnType<typeof spawnSync> => {
    const pretend = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.9.0'})`
    return spawnSync(process.execPath, ['--import', pretend, path.join(import.meta.dirname, 'cli.ts'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    })
  }

  test('it says what it needs and how to get it, before anything else is loaded', () => {
    const { status, stdout, stderr } = older('jobs')
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(
      /^error: Batchwright needs Node 24 or newer; this is Node 20\.9\.0 \(.+\)\n {2}hint {2}Install it from .+\n {2}code {2}NODE_TOO_OLD\n$/,
    )
  })

  test('also as JSON', () => {
    const { status, stdout } = older('jobs', '--json')
    expect(status).toBe(2)
    expect(JSON.parse(String(stdout))).toMatchObject({
      error: { code: 'NODE_TOO_OLD', details: { needed: 24, found: '20.9.0' } },
    })
  })
})
