import { expect, test } from 'vitest'
import { counters, runRow, stepRow, steps, T0 } from '../fixtures/rows.ts'
import type { RunView } from '../view.ts'
import { stepView } from '../view.ts'
import { nextCommands, nextLines } from './next.ts'
import { paintAnsi, paintNothing } from './paint.ts'
import type { Paint } from './paint.ts'
import type { RangeView } from './range.ts'
import { rangeLines, rangeTitle } from './range.ts'
import type { RunFacts } from './summary.ts'
import { placeKey, summaryLines, titleLines } from './summary.ts'
import { displayWidth } from './text.ts'

function view(over: Partial<RunView> = {}): RunView {
  return {
    run: runRow(),
    steps: steps(),
    published: [{ dataset: 'invoices', window: '2011-01', number: 1, rows: 987, state: 'published' }],
    ...over,
  }
}

const LIMITS = {
  rejects: new Map([
    ['missing_customer', { ratio: 0.4, count: null }],
    ['*', { ratio: 0.01, count: null }],
  ]),
  skip: { ratio: null, count: null },
}

const FACTS: RunFacts = {
  limits: new Map([['rate', LIMITS]]),
  places: new Map([[placeKey('invoices', 1), 'out/invoices/2011-01/v000001']]),
  slow: [],
  called: 'batchwright',
  first: false,
}

const SLOW = {
  step: 'rate',
  index: 7,
  label: 'retail/files/2011-01-11.csv.gz',
  tookMs: 41_000,
  typicalMs: 4_100,
  running: false,
}

const FAILED = view({
  run: runRow({
    state: 'failed',
    failure: { code: 'USER_ERROR', message: 'boom', retryable: false, step: 'rate', index: 3 },
  }),
  steps: steps().map((step, index) => ({
    ...step,
    state: index === 0 ? ('failed' as const) : ('waiting' as const),
    tasksDone: index === 0 ? 3 : 0,
    ...(index === 0 ? {} : { tasks: 0, counters: counters(), retries: 0, startedAt: null, endedAt: null }),
  })),
  published: [],
})

function screen(of: RunView, width: number, paint: Paint, facts = FACTS): string {
  const style = { width, paint, now: T0 }
  return [...titleLines(of, style), ...summaryLines(of, facts, style)].join('\n')
}

const RANGE: RangeView = {
  job: 'billing',
  windows: 3,
  runs: [
    { view: view(), earlier: true },
    { view: view({ run: runRow({ window: { ...runRow().window!, key: '2011-02' } }) }), earlier: false },
  ],
}

test('of a run that was taken up again the time between counts as no work, and no speed is made of it', () => {
  const [first] = steps()
  if (first === undefined) throw new Error('expected a step')
  const hour = 3_600_000
  const lain = view({
    run: runRow({ startedAt: T0 + 8 * hour, endedAt: T0 + 8 * hour + 2_000 }),
    steps: [{ ...first, startedAt: T0, endedAt: T0 + 8 * hour + 1_500 }],
  })
  const shown = screen(lain, 120, paintNothing)
  expect(shown).toMatch(/^ {2}rate .* 1\.5 s$/m)
  expect(shown).not.toContain('8 h')
  expect(shown).not.toMatch(/\dk? records\/s/)
})

test('a run has a speed though its first steps begin with it, and a worker takes it up a moment later', () => {
  const [first] = steps()
  if (first === undefined) throw new Error('expected a step')
  const step = { ...first, startedAt: T0, endedAt: T0 + 2_000 }
  const shown = screen(view({ run: runRow({ startedAt: T0 + 200 }), steps: [step] }), 120, paintNothing)
  expect(shown).toMatch(/\dk? records\/s/)
  expect(shown).toMatch(/^ {2}step .* records\/s$/m)
})

function rangeScreen(range: RangeView, width: number, paint: Paint): string {
  const style = { width, paint, now: T0 }
  return [...rangeTitle(range, style), ...rangeLines(range, FACTS, style)].join('\n')
}

function screens(width: number, paint: Paint): string {
  return [
    `[succeeded, with rejects]\n${screen(view(), width, paint)}`,
    `[the first success of a project, with a slow partition]\n${screen(view(), width, paint, { ...FACTS, first: true, slow: [SLOW] })}`,
    `[failed]\n${screen(FAILED, width, paint)}`,
    `[a range]\n${rangeScreen(RANGE, width, paint)}`,
  ].join('\n\n')
}

test.each([120, 80, 40])('summaries at %i columns look as recorded', async (width) => {
  await expect(`${screens(width, paintNothing)}\n`).toMatchFileSnapshot(`screens/summary-${width}.txt`)
})

test('summaries in colour look as recorded', async () => {
  const text = screens(80, paintAnsi).replaceAll('\x1b', '^')
  await expect(`${text}\n`).toMatchFileSnapshot('screens/summary-80-colour.txt')
})

test.each([120, 80, 60, 50, 40])('nothing but a command is wider than %i columns, in colour too', (width) => {
  for (const line of screens(width, paintAnsi).split('\n')) {
    if (!line.includes('batchwright') && !line.startsWith('['))
      expect(displayWidth(line), line).toBeLessThanOrEqual(width)
  }
})

test('checks that passed are counted, those that did not are told in full', () => {
  const [rate] = steps()
  const finding = {
    kind: 'check',
    name: 'unique(invoice)',
    severity: 'warn',
    expected: 'no repeats',
    found: '2 repeats',
  }
  const verification = {
    checks: [
      { ...finding, passed: true },
      { ...finding, passed: true },
      { ...finding, passed: false },
    ],
    datasets: {},
  }
  const lines = summaryLines(view({ steps: [{ ...rate!, verification }] }), FACTS, {
    width: 120,
    paint: paintNothing,
    now: T0,
  })
  expect(lines.slice(lines.indexOf('  checks'), lines.indexOf('  published'))).toEqual([
    '  checks',
    '    rate: 2 passed',
    '    rate: check unique(invoice): expected no repeats, found 2 repeats',
    '',
  ])
})

test('what a step reads from outside counts as read, whichever step it waits for', () => {
  const first = { ...stepView(stepRow({ counters: counters({ read: 4 }) })), after: [], files: 1 }
  const second = { ...first, name: 'arrived', after: [first.name], counters: counters({ read: 1_000 }) }
  const third = { ...second, name: 'total', after: ['arrived'], files: 0 }
  const [, facts] = titleLines(view({ steps: [first, second, third] }), { width: 120, paint: paintNothing, now: T0 })
  expect(facts).toContain(' 1,004 records read from 2 files')
})

test('a limit is named where the counters tell which one counts a reason', () => {
  const mixed = stepView(
    stepRow({
      counters: counters({
        read: 1_000,
        deadByRule: 12,
        deadByError: 3,
        reasons: { missing_customer: 10, zero_price: 2, USER_ERROR: 3 },
      }),
    }),
  )
  const shown = (step: typeof mixed): readonly string[] =>
    summaryLines(view({ steps: [step] }), FACTS, { width: 120, paint: paintNothing, now: T0 }).filter((line) =>
      /^ {4}rate {2}\w+ {2}/.test(line),
    )
  expect(shown(mixed)).toEqual([
    '    rate  missing_customer       10    1.0 %   40 %',
    '    rate  USER_ERROR              3    0.3 %   none',
    '    rate  zero_price              2    0.2 %    1 %',
  ])
  const onlyNamed = { ...mixed.counters, deadByRule: 10, reasons: { missing_customer: 10, USER_ERROR: 3 } }
  expect(shown({ ...mixed, counters: onlyNamed })[1]).toBe('    rate  USER_ERROR              3    0.3 %   none')
})

test('what to do next follows from how the run stands', () => {
  const after = (over: Parameters<typeof runRow>[0]): readonly string[] =>
    nextCommands(view({ run: runRow(over) }), FACTS).map(({ command }) => command)
  const id = runRow().runId
  expect(after({ state: 'cancelled' })).toEqual([`batchwright retry ${id}`])
  expect(after({ state: 'running', endedAt: null, paused: true })).toEqual([`batchwright resume ${id}`])
  expect(after({ state: 'running', endedAt: null })).toEqual(['batchwright run billing --window 2011-01'])
  expect(nextCommands(FAILED, FACTS).map(({ command }) => command)).toEqual([
    `batchwright dead-letters list ${id}`,
    `batchwright logs ${id} --step rate`,
    `batchwright explain ${id}`,
    `batchwright retry ${id}`,
    `batchwright retry ${id} --from rate`,
  ])
  const npx = nextCommands(view(), { called: 'npx batchwright', first: true }).at(-1)
  expect(npx?.command).toBe('npx batchwright rerun billing --window 2011-01')
})

test('what a command is for stands beside it, or above it where that does not fit; the command is whole', () => {
  const next = [{ command: 'batchwright runs', what: 'all runs' }]
  expect(nextLines(next, { width: 30, paint: paintNothing })).toEqual(['batchwright runs  all runs'])
  expect(nextLines(next, { width: 20, paint: paintNothing })).toEqual(['# all runs', 'batchwright runs'])
})

test('a range of which every window had succeeded before says that nothing was done', () => {
  const range = { ...RANGE, windows: 2, runs: RANGE.runs.map((each) => ({ ...each, earlier: true })) }
  expect(rangeTitle(range, { width: 120, paint: paintNothing, now: T0 })).toEqual([
    'billing  2 of 2 windows succeeded, all of them before; nothing to do. `rerun` makes them anew on new snapshots.',
  ])
})
