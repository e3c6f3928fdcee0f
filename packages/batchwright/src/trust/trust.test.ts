import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDatasetSink, publishIntent } from '../data/index.ts'
import { dataset } from '../job/dataset.ts'
import {
  check,
  contract,
  csv,
  field,
  jsonl,
  parquet,
  record,
  type DatasetDefinition,
  type Limit,
} from '../job/index.ts'
import { Decimal } from '../kernel/decimal.ts'
import type { Counters, Part, StepOutput } from '../protocol/index.ts'
import {
  compareControls,
  judgeLimits,
  reconcile,
  recordCountHistory,
  refuseFailures,
  runChecks,
  within,
  type Finding,
} from './index.ts'
import { UniqueKeys } from './unique.ts'

let root = ''
let attempts = 0
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'batchwright-trust-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

const row = record({
  invoice: field.text().optional(),
  amount: field.decimal({ scale: 2 }).optional(),
  day: field.date(),
  lines: field.integer(),
})

function row1(invoice: string | null, amount: string | null, day = '2011-01-04', lines = 1): object {
  return { invoice, amount: amount === null ? null : Decimal.from(amount), day, lines }
}

function withChecks(checks: DatasetDefinition['checks'], format = jsonl()): DatasetDefinition {
  return { ...dataset('invoices', { location: 'out', format, contract: contract(1, row) }), checks }
}

async function stage(definition: DatasetDefinition, records: readonly object[]): Promise<readonly Part[]> {
  attempts += 1
  const sink = await openDatasetSink(definition, {
    folder: path.join(root, `0-f${attempts}`),
    name: 'main',
    codeVersion: 'code',
    resume: null,
    recordsPerPart: 3,
  })
  await sink.write(records)
  return await sink.finish()
}

async function judge(
  definition: DatasetDefinition,
  records: readonly object[],
  history: number[] = [],
): Promise<readonly Finding[]> {
  const parts = await stage(definition, records)
  return await runChecks({ dataset: definition, parts, history, spillFolder: path.join(root, 'spill') })
}

const rows = [
  row1('A', '1.00'),
  row1(null, '10.00', '2011-01-05'),
  row1('B', '10.01', '2011-02-01'),
  row1('A', null, '2011-01-04', 7),
  row1('a1', '-0.01'),
]

describe.each([
  ['JSON Lines', jsonl()],
  ['CSV', csv()],
  ['Parquet', parquet()],
])('checks over %s', (_, format) => {
  test('find what breaks them, count it and show it; nulls are for notNull alone', async () => {
    const findings = await judge(
      withChecks(
        [
          check.notNull(['invoice', 'amount']),
          check.unique('invoice'),
          check.range('amount', { min: 0, max: '10.00' }),
          check.range('day', { max: '2011-01-31', severity: 'warn' }),
          check.range('lines', { min: 1, max: 5, name: 'few_lines' }),
          check.oneOf('invoice', ['A', 'B']),
          check.pattern('invoice', '[A-Z]'),
          check.rowCount({ min: 6 }),
          check.sql('SELECT * FROM output WHERE amount > 10', { name: 'no_large_amount' }),
        ],
        format,
      ),
      rows,
    )
    expect(findings.map(({ name, passed, severity, found }) => [name, passed, severity, found])).toEqual([
      ['notNull(invoice, amount)', false, 'block', '2 of 5 records against it'],
      ['unique(invoice)', false, 'block', '1 of 5 records against it'],
      ['range(amount)', false, 'block', '2 of 5 records against it'],
      ['range(day)', false, 'warn', '1 of 5 records against it'],
      ['few_lines', false, 'block', '1 of 5 records against it'],
      ['oneOf(invoice)', false, 'block', '1 of 5 records against it'],
      ['pattern(invoice)', false, 'block', '1 of 5 records against it'],
      ['rowCount', false, 'block', '5 records'],
      ['no_large_amount', false, 'block', '1 rows'],
    ])
    expect(findings[1]?.samples).toEqual([{ invoice: 'A' }])
    expect(findings[2]?.samples).toEqual([
      { invoice: 'B', amount: '10.01', day: '2011-02-01', lines: 1 },
      { invoice: 'a1', amount: '-0.01', day: '2011-01-04', lines: 1 },
    ])
    expect(findings[8]?.samples).toEqual([{ invoice: 'B', amount: '10.01', day: '2011-02-01', lines: 1 }])
  })

  test('hold over records that meet them, and over none', async () => {
    const definition = withChecks(
      [
        check.notNull('invoice'),
        check.unique(['invoice', 'day']),
        check.pattern('invoice', /[A-Z]+/),
        check.range('amount', { min: '-0.01', max: '10.01' }),
        check.sql('SELECT * FROM output WHERE amount IS NULL', { name: 'amounts' }),
      ],
      format,
    )
    for (const records of [[row1('A', '-0.01'), row1('A', '10.01', '2011-01-05'), row1('B', '0')], []]) {
      expect((await judge(definition, records)).map(({ passed, hint }) => [passed, hint])).toEqual(
        definition.checks.map(() => [true, null]),
      )
    }
  })
})

test('at most five examples are kept', async () => {
  const [finding] = await judge(
    withChecks([check.notNull('invoice')]),
    Array.from({ length: 9 }, () => row1(null, '1')),
  )
  expect(finding?.found).toBe('9 of 9 records against it')
  expect(finding?.samples).toHaveLength(5)
})

test('a record count is compared with the median of what was published before; the first has nothing to compare with', async () => {
  const definition = withChecks([check.rowCount({ withinOfHistory: 0.5 })])
  const passed = async (history: number[]): Promise<boolean | undefined> =>
    (await judge(definition, rows, history))[0]?.passed
  expect(await passed([])).toBe(true)
  expect(await passed([10, 1000, 10])).toBe(true)
  expect(await passed([11, 11])).toBe(false)
  expect(await passed([3, 3, 4])).toBe(false)
  const [finding] = await judge(definition, rows, [11, 11])
  expect(finding?.expected).toBe('6 to 16 records (within 50 % of 11, the median of the last 2 published)')
})

test('history is the current version of each earlier window', async () => {
  const definition = withChecks([])
  const publish = async (key: string, number: number, records: number): Promise<void> => {
    await publishIntent({
      folder: path.join(root, 'out'),
      intent: {
        dataset: 'invoices',
        window: { kind: 'month', key, start: `${key}-01T00:00:00Z`, end: `${key}-28T00:00:00Z`, timezone: 'UTC' },
        number,
        step: 'invoice',
      },
      parts: await stage(
        definition,
        Array.from({ length: records }, () => row1('A', '1')),
      ),
      format: 'jsonl',
      contractVersion: 1,
      run: { id: 'run', job: 'billing', revision: 1, codeVersion: 'code' },
      inputs: [],
      controls: {},
      createdAt: '2011-02-01T00:00:00Z',
    })
  }
  await publish('2011-01', 1, 4)
  await publish('2011-01', 2, 5)
  await publish('2011-02', 1, 6)
  await publish('2011-04', 1, 7)
  expect(await recordCountHistory(path.join(root, 'out'), '2011-03')).toEqual([5, 6])
  expect(await recordCountHistory(path.join(root, 'none'), null)).toEqual([])
})

test('unique keys: spilled to files or in memory, the same repeats are found, and no file stays', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.option(fc.stringMatching(/^[a-c\n"]{0,2}$/)), fc.integer({ min: 0, max: 2 })), {
        maxLength: 60,
      }),
      async (pairs) => {
        const count = async (keysAtOnce: number): Promise<number> => {
          const keys = new UniqueKeys(['text', 'number'], pairs.length, path.join(root, 'unique'), keysAtOnce)
          for (const [text, number] of pairs) await keys.add({ text, number })
          return (await keys.finish()).records
        }
        const present = pairs.filter(([text]) => text !== null).map((pair) => JSON.stringify(pair))
        const expected = present.length - new Set(present).size
        expect(await count(1_000)).toBe(expected)
        expect(await count(7)).toBe(expected)
        expect(existsSync(path.join(root, 'unique'))).toBe(false)
      },
    ),
    { numRuns: 50 },
  )
  expect(readdirSync(root)).toEqual([])
})

const counters: Counters = {
  read: 10,
  accepted: 6,
  written: 6,
  dropped: 1,
  deadByRule: 2,
  deadByContract: 1,
  deadByError: 0,
  reasons: { missing_customer: 2, bad_number: 1 },
  bytesRead: 0,
  bytesWritten: 0,
  retries: 0,
}

function part(records: number): Part {
  return { path: 'p', format: 'jsonl', bytes: 1, records, sha256: '', codeVersion: 'code' }
}

function output(main: number[], dead: number[]): StepOutput {
  return {
    step: 'rate',
    tasks: main.map((records, index) => ({
      index,
      output: {
        counters,
        controls: {},
        outputs: { main: [part(records)], 'shuffle:invoice': [part(records)] },
        deadLetters: [part(dead[index] ?? 0)],
        result: null,
      },
    })),
  }
}

describe('reconciliation', () => {
  const failures = (change: Partial<Counters>, main = [4, 2], dead = [3, 0], input = 10): string[] =>
    reconcile({
      step: 'rate',
      counters: { ...counters, ...change },
      output: output(main, dead),
      expectedRead: [{ from: 'its snapshot', records: input }],
    })
      .filter((finding) => !finding.passed)
      .map((finding) => finding.name)

  test('holds where each record is written, dropped or dead, once', () => {
    expect(failures({})).toEqual([])
  })

  test('names the sum that does not add up', () => {
    expect(failures({}, [4, 2], [3, 0], 11)).toEqual(['read = input'])
    expect(failures({ dropped: 2 })).toEqual(['read = accepted + dropped + dead'])
    expect(failures({ reasons: {} })).toEqual(['dead = reasons'])
    expect(failures({}, [4, 2], [2, 0])).toEqual(['dead letters = dead'])
    expect(failures({}, [4, 1])).toEqual(['main = written', 'shuffle:invoice = written'])
  })

  test('a failure throws with the numbers, what to do, and all findings', () => {
    const findings = reconcile({
      step: 'rate',
      counters: { ...counters, dropped: 0 },
      output: output([4, 2], [3, 0]),
      expectedRead: null,
    })
    expect(() => {
      refuseFailures('rate', findings)
    }).toThrow(
      expect.objectContaining({
        code: 'VERIFICATION_FAILED',
        message:
          'step rate: reconciliation read = accepted + dropped + dead: expected 10 read, found 6 accepted + 0 dropped + 3 dead = 9',
        hint: expect.stringContaining('retry --from rate') as string,
      }),
    )
    refuseFailures(
      'rate',
      findings.filter((finding) => finding.passed),
    )
  })
})

describe('limits', () => {
  const limit = (ratio: number | null, count: number | null): Limit => ({ ratio, count })

  test('by rule, for all other rules together, and for records that failed', () => {
    const findings = judgeLimits({
      step: 'rate',
      counters: { ...counters, read: 100, deadByRule: 7, reasons: { a: 3, b: 2, c: 2, bad_number: 1 } },
      rejects: new Map([
        ['a', limit(0.03, null)],
        ['*', limit(null, 3)],
      ]),
      skip: limit(null, null),
    })
    expect(findings.map(({ name, expected, found, passed }) => [name, expected, found, passed])).toEqual([
      ['rejects by a', 'at most 3 %', '3 of 100 (3 %)', true],
      ['rejects by other rules', 'at most 3', '4 of 100 (4 %)', false],
      ['records that failed (skip)', 'none', '1 of 100 (1 %)', false],
    ])
  })

  test('exactly at a limit is within it, one above is not, and both parts count', () => {
    expect(within(limit(0.1, null), 10, 100)).toBe(true)
    expect(within(limit(0.1, null), 11, 100)).toBe(false)
    expect(within(limit(null, 0), 0, 0)).toBe(true)
    expect(within(limit(0.5, 3), 4, 100)).toBe(false)
    expect(within(limit(0.01, 3), 2, 100)).toBe(false)
    expect(within(limit(null, null), 1, 100)).toBe(false)
  })
})

test('control totals agree across steps to the last digit, by value', () => {
  const upstream = [
    { step: 'rate', controls: { amount: '12345678901234567890.100', lines: '3' } },
    { step: 'other', controls: { unrelated: '1' } },
  ]
  const judged = (amount: string): Finding | undefined => compareControls('invoice', { amount }, upstream)[0]
  expect(compareControls('invoice', { amount: '1', vat: '2' }, upstream)).toHaveLength(1)
  expect(judged('12345678901234567890.1')).toMatchObject({ passed: true, hint: null })
  expect(judged('12345678901234567890.101')).toMatchObject({
    passed: false,
    expected: '12345678901234567890.1',
    found: '12345678901234567890.101 (0.001 more)',
  })
})
