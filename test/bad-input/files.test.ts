/** Input that is not as it should be, through the command line: what a person is told, what is set aside, what is published. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JobText, TestProject } from '../harness/project.ts'
import {
  DAY,
  deadLetters,
  expectTold,
  HEADER,
  INPUT,
  lastRun,
  orders,
  ordersJob,
  project,
  publishedBytes,
  publishedFiles,
  RUN,
  succeeded,
  writeBytes,
} from '../harness/project.ts'

const HALF_MAY_FAIL = `.skip('50%')`

function shop(input: string | Uint8Array | null, job: JobText = {}): TestProject {
  const made = project({ 'jobs/orders.ts': ordersJob(job), 'in/other.csv': '' })
  if (input !== null) writeBytes(made, INPUT, Buffer.from(input))
  return made
}

/** Published lines without the header. */
function published(from: TestProject): readonly string[] {
  const parts = publishedFiles(from).filter((file) => file.endsWith('.csv'))
  return parts.flatMap((file) => readFileSync(path.join(from.folder, file), 'utf8').trimEnd().split('\n').slice(1))
}

describe('a file that is not there', () => {
  test('fails the run with the path that was looked for and what to do; once it is there the same command goes on', async () => {
    const made = shop(null)
    const failed = await made.cli(...RUN)
    expect(failed.code).toBe(1)
    expectTold(failed, [
      `expected a file at ${path.join(made.folder, INPUT)} for dataset raw, window ${DAY}; there is none`,
      'Deliver the file, then `batchwright retry ',
      'INPUT_MISSING',
    ])
    expect(publishedFiles(made)).toEqual([])
    made.write(INPUT, orders(2))
    succeeded(await made.cli(...RUN))
    expect(published(made)).toHaveLength(2)
    expect(await lastRun(made)).toMatchObject({ state: 'succeeded', revision: 1 })
  })

  test('fails a rerun, and the version published before stays', async () => {
    const made = shop(orders(2))
    succeeded(await made.cli(...RUN))
    const before = publishedBytes(made)
    rmSync(path.join(made.folder, INPUT))
    const failed = await made.cli('rerun', 'orders', '--window', DAY)
    expect(failed.code).toBe(1)
    expectTold(failed, ['INPUT_MISSING'])
    expect(publishedBytes(made)).toEqual(before)
    expect((await made.cli('datasets', 'cat', 'clean')).stdout.split('\n')).toHaveLength(4)
  })
})

describe('a file without records', () => {
  test.each([
    ['an empty file', '', `${INPUT}: empty file, nothing to read`],
    ['a header and nothing else', `${HEADER}\n`, `${INPUT}: no records, nothing to read`],
  ])('%s is a whole input of none: published as such, and the plan says so', async (_, content, note) => {
    const made = shop(content)
    const { stdout } = succeeded(await made.cli(...RUN))
    expect(stdout).toContain(note)
    const run = await lastRun(made)
    expect(run).toMatchObject({ state: 'succeeded', published: [{ dataset: 'clean', version: 1 }] })
    expect(run.steps).toMatchObject([{ read: 0, written: 0, dead: 0, notes: [note] }])
    expect(published(made)).toEqual([])
    succeeded(await made.cli('datasets', 'cat', 'clean', '--window', DAY))
  })

  test('a check on the number of rows keeps it from being published, and the former version stays', async () => {
    const made = shop(orders(3))
    const job = ordersJob().replace(
      `location: 'out/clean',`,
      `location: 'out/clean', checks: [check.rowCount({ min: 1 })],`,
    )
    made.write('jobs/orders.ts', job.replace('reject, drop', 'reject, drop, check'))
    succeeded(await made.cli(...RUN))
    const before = publishedBytes(made)
    made.write(INPUT, '')
    const failed = await made.cli('rerun', 'orders', '--window', DAY)
    expect(failed.code).toBe(1)
    expectTold(failed, ['VERIFICATION_FAILED', 'rowCount'])
    expect(publishedBytes(made)).toEqual(before)
  })

  test('a header that lacks a column is refused with the header found', async () => {
    const made = shop('id,qty,Price,note\no1,1,1.00,\n')
    const failed = await made.cli(...RUN)
    expect(failed.code).toBe(1)
    expectTold(failed, [
      `expected a column "price" in ${INPUT}; its header is "id", "qty", "Price", "note". Is it "Price"?`,
      'COLUMN_MISSING',
    ])
    expect(publishedFiles(made)).toEqual([])
  })
})

const FAULTY = [
  ['a row of too few fields', 'x,1', 'field_count', 'expected 4 fields, found 2'],
  ['a row of too many fields', 'x,1,2.00,,', 'field_count', 'expected 4 fields, found 5'],
  ['bytes that are not UTF-8', Buffer.from('x\xff,1,2.00,', 'latin1'), 'invalid_utf8', 'expected UTF-8'],
  ['a blank price', 'x,1,,', 'blank', 'column price: expected a decimal with up to 2 places, found a blank'],
  ['a price of blanks', 'x,1,  ,', 'blank', 'column price: expected a decimal with up to 2 places, found a blank'],
  ['a price with too many places', 'x,1,1.005,', 'bad_number', 'found "1.005"'],
  [
    'an integer too large to be held exactly',
    'x,9007199254740993,1.00,',
    'bad_number',
    'column qty: expected a whole number up to 9007199254740991, found "9007199254740993"',
  ],
  ['a number that overflows', 'x,1e400,1.00,', 'bad_number', 'column qty'],
] as const

describe('a record that is not as it should be', () => {
  test.each(FAULTY.filter((_, index) => index % 3 === 0))(
    '%s fails the run, with file, record, expectation and finding',
    async (_, row, reason, message) => {
      const made = shop(Buffer.concat([Buffer.from(orders(2)), Buffer.from(row), Buffer.from('\nz,1,1.00,\n')]))
      const failed = await made.cli(...RUN)
      expect(failed.code).toBe(1)
      expectTold(failed, [`record 3 of ${INPUT} failed: ${reason}: `, message, ".skip('1%')", 'RECORD_FAILED'])
      expect(publishedFiles(made)).toEqual([])
    },
  )

  test('each is a dead letter where some are allowed; the records around it are published, a blank price is no zero', async () => {
    const rows = FAULTY.flatMap(([, row], index) => [Buffer.from(row), Buffer.from(`\ngood${index},1,1.00,\n`)])
    const made = shop(Buffer.concat([Buffer.from(orders(2)), ...rows]), { policies: HALF_MAY_FAIL })
    succeeded(await made.cli(...RUN))
    const letters = await deadLetters(made)
    expect(letters.map(({ record, reason }) => [record, reason])).toEqual(
      FAULTY.map(([, , reason], index) => [3 + 2 * index, reason]),
    )
    for (const [index, [, , , message]] of FAULTY.entries()) expect(letters[index]?.message).toContain(message)
    expect(letters.every(({ cause, source }) => cause === 'contract' && source === INPUT)).toBe(true)
    const good = FAULTY.map((_, index) => `good${index},1,1.00,`)
    expect(published(made)).toEqual(['o1,0,0.50,', 'o2,1,1.50,', ...good])
  })

  test('more than the limit allows keep the run from publishing', async () => {
    const made = shop(orders(1, ['x,1', 'y,1']), { policies: HALF_MAY_FAIL })
    const failed = await made.cli(...RUN)
    expect(failed.code).toBe(1)
    expectTold(failed, ['VERIFICATION_FAILED', '50'])
    expect(publishedFiles(made)).toEqual([])
    expect(await deadLetters(made)).toHaveLength(2)
  })

  test('a decimal wider than Parquet can hold is a dead letter of its record', async () => {
    const wide = '1234567890123456789012345678901234567.10'
    const made = shop(orders(2, [`x,1,${wide},`, 'z,1,1.00,']), { format: 'parquet()', policies: HALF_MAY_FAIL })
    succeeded(await made.cli(...RUN))
    const [letter] = await deadLetters(made)
    expect(letter).toMatchObject({ record: 3, cause: 'error', reason: 'OUTPUT_INVALID' })
    expect(letter?.message).toContain('price')
    expect((await made.cli('datasets', 'cat', 'clean')).stdout).toContain('z,1,1.00')
  })
})

describe('ways of writing the same records', () => {
  test('a byte order mark, CRLF and a missing last newline change nothing', async () => {
    const plain = shop(orders(3))
    const marked = shop(`\uFEFF${orders(3).trimEnd().replaceAll('\n', '\r\n')}`)
    for (const made of [plain, marked]) succeeded(await made.cli(...RUN))
    expect(publishedBytes(marked)).toEqual(publishedBytes(plain))
  })

  test('quoted newlines, quotes and commas across every split point are read as in one piece', async () => {
    const notes = ['"a\nb"', '"say ""hi"",\n\n"', '"o9,9,9.00,\no8,8,8.00,\n"', '"\r\n"', 'plain']
    const rows = Array.from({ length: 200 }, (_, index) => `q${index},1,1.00,${notes[index % notes.length] ?? ''}`)
    const whole = shop(orders(0, rows))
    const cut = shop(orders(0, rows), { policies: `.partition('bytes', { size: 256 })` })
    for (const made of [whole, cut]) succeeded(await made.cli(...RUN))
    const run = await lastRun(cut)
    expect(run.steps[0]?.partitions).toBeGreaterThan(10)
    expect(run.steps[0]).toMatchObject({ read: 200, written: 200, dead: 0 })
    const cat = async (made: TestProject): Promise<string> => (await made.cli('datasets', 'cat', 'clean')).stdout
    expect(await cat(cut)).toBe(await cat(whole))
  })
})

test('a single field of 50 MB is a dead letter in bounded memory, and the run goes on after it', async () => {
  const made = shop(orders(2), { policies: HALF_MAY_FAIL, before: REPORT_MEMORY })
  const file = openSync(path.join(made.folder, INPUT), 'a')
  writeSync(file, 'huge,1,1.00,"')
  for (let megabyte = 0; megabyte < 50; megabyte += 1) writeSync(file, Buffer.alloc(1024 * 1024, 'x\n'))
  writeSync(file, '"\nlast,1,1.00,\n')
  closeSync(file)
  const { stderr } = succeeded(await made.cli(...RUN))
  expect(await deadLetters(made)).toMatchObject([{ record: 3, reason: 'too_large', cause: 'contract' }])
  expect(published(made)).toEqual(['o1,0,0.50,', 'o2,1,1.50,', 'last,1,1.00,'])
  const [, peak] = /peak (\d+) MB/.exec(stderr) ?? []
  expect(Number(peak)).toBeGreaterThan(0)
  expect(Number(peak)).toBeLessThanOrEqual(250)
})

/** Lets the command line say at its end how much memory it ever had. */
const REPORT_MEMORY = `
if (!globalThis.reported) {
  globalThis.reported = true
  process.once('exit', () => process.stderr.write('peak ' + Math.ceil(process.resourceUsage().maxRSS / 1024) + ' MB\\n'))
}
`

describe('a file that changes under a run', () => {
  const LONG = orders(30_000)
  const KILLED = { BATCHWRIGHT_FAIL_POINTS: 'loop.checkpointed@2=kill' }

  test('is noticed on the resume, by name; a rerun works on what is there now', async () => {
    const made = shop(LONG, { policies: '.commit({ chunk: 500, everyChunks: 2 })' })
    expect((await made.start(RUN, KILLED).finished).signal).toBe('SIGKILL')
    made.write(INPUT, LONG.replace('\no29000,', '\nx29000,'))
    const refused = await made.cli(...RUN)
    expect(refused.code).toBe(1)
    expectTold(refused, [`expected ${INPUT} as it was planned`, 'rerun', 'INPUT_CHANGED'])
    expect(publishedFiles(made)).toEqual([])
    succeeded(await made.cli('rerun', 'orders', '--window', DAY))
    expect(published(made)).toHaveLength(30_000)
    expect(published(made)[28_999]).toMatch(/^x29000,/)
  })

  test('brought back as it was, the resume goes on to the bytes of an undisturbed run', async () => {
    const undisturbed = shop(LONG)
    succeeded(await undisturbed.cli(...RUN))
    const made = shop(LONG, { policies: '.commit({ chunk: 500, everyChunks: 2 })' })
    expect((await made.start(RUN, KILLED).finished).signal).toBe('SIGKILL')
    made.write(INPUT, orders(3))
    expect((await made.cli(...RUN)).code).toBe(1)
    made.write(INPUT, LONG)
    succeeded(await made.cli(...RUN))
    expect(publishedBytes(made)).toEqual(publishedBytes(undisturbed))
  })
})
