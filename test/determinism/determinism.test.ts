/**
 * Two runs on one snapshot publish the same bytes: with any number of slots, in this thread or in others, and wherever they
 * were killed. One job with everything in it that could differ: partitions by bytes, `distinct`, a lookup, a named output,
 * whole files, a reduce with several buckets, SQL, and each format of published data.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { TestProject } from '../harness/project.ts'
import { DAY, deadLetters, INPUT, lastRun, project, publishedFiles, succeeded } from '../harness/project.ts'

const JOB = `
import { check, contract, csv, daily, dataset, Decimal, field, files, job, jsonl, lookup, output, parquet, record, reject } from 'batchwright'

const row = record({
  id: field.text(),
  shop: field.text(),
  qty: field.integer(),
  price: field.decimal({ scale: 3 }),
  note: field.text().optional(),
})
const sum = record({ shop: field.text(), lines: field.integer(), amount: field.decimal({ scale: 3 }), first: field.text() })
const top = record({ shop: field.text(), share: field.decimal({ scale: 6 }) })

const raw = dataset('raw', { window: daily(), files: 'in/{date}.csv', format: csv(), contract: contract(1, row) })
const lines = dataset('lines', { window: daily(), location: 'out/lines', format: jsonl(), contract: contract(1, row) })
const heavy = dataset('heavy', { window: daily(), location: 'out/heavy', format: csv(), contract: contract(1, row) })
const names = dataset('names', { files: 'in/names.csv', format: csv(), contract: contract(1, record({ shop: field.text(), name: field.text() })) })
const labels = dataset('labels', { window: daily(), location: 'out/labels', format: files() })
const shops = dataset('shops', { window: daily(), location: 'out/shops', format: parquet(), contract: contract(1, sum), checks: [check.unique('shop')] })
const listed = dataset('listed', { window: daily(), location: 'out/listed', format: csv(), contract: contract(1, sum) })
const shares = dataset('shares', { window: daily(), location: 'out/shares', format: parquet(), contract: contract(1, top) })

const fold = {
  initial: () => ({ lines: 0, amount: Decimal.zero, first: null }),
  add: (total, line) => ({
    lines: total.lines + 1,
    amount: total.amount.plus(line.price.times(line.qty)),
    first: total.first ?? line.id,
  }),
}

export default job('everything', { window: daily() }, (steps) => {
  const clean = steps
    .records('clean')
    .read(raw)
    .lookup({ names: lookup(names, { by: 'shop' }) })
    .files({ labels })
    .process((line, { use, files }) => {
      if (line.price.isZero()) return reject('zero_price')
      if (line.qty < 8) return line
      const both = [line, output('heavy', { ...line, note: use.names.get(line.shop)?.name ?? null })]
      if (!line.id.endsWith('7')) return both
      return files.labels.write('of/' + line.id + '.txt', line.id + ' of ' + line.shop).then(() => both)
    })
    .distinct({ within: 'partition', reject: 'repeated', by: (line) => line.id })
    .partition('bytes', { size: '8KB' })
    .commit({ chunk: 20, everyChunks: 3 })
    .skip('10%')
    .control({ qty: (line) => BigInt(line.qty) })
    .outputs({ heavy }, { recordsPerPart: 40 })
    .write(lines, { recordsPerPart: 150 })
  const totals = steps
    .reduce('total')
    .read(clean)
    .by((line) => line.shop)
    .fold({ ...fold, finish: ({ lines, amount, first }, shop) => [{ shop, lines, amount, first }] })
    .buckets(3)
    .write(shops)
  steps.records('list').read(totals).process((total) => total).write(listed)
  steps
    .sql('share')
    .read({ shops: totals })
    .query('select shop, cast(amount * 100 / 7 as decimal(38, 6)) as share from shops order by shop')
    .write(shares)
})
`

/** Lines with quoted newlines, repeats, zero prices and torn rows, always the same. */
function lines(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => {
    if (index % 97 === 96) return 'torn,row'
    const id = index % 31 === 30 ? index - 1 : index
    const note = index % 5 === 0 ? `"a ""note"",\nno ${index}"` : index % 3 === 0 ? 'plain' : ''
    return `l${id},shop ${(index * 7919) % 23},${index % 9},${index % 13 === 12 ? '0' : `${index % 101}.${index % 1000}`},${note}`
  })
  return ['id,shop,qty,price,note', ...rows, ''].join('\n')
}

/** By the rule of `lines`: of the rows that are whole. */
const ZERO_PRICES = Array.from({ length: 2500 }, (_, index) => index).filter(
  (index) => index % 97 !== 96 && (index % 13 === 12 || (index % 101 === 0 && index % 1000 === 0)),
).length

const INPUT_TEXT = lines(2500)
const NAMES = ['shop,name', ...Array.from({ length: 20 }, (_, shop) => `shop ${shop},The ${shop}`), ''].join('\n')
const DATASETS = ['lines', 'heavy', 'labels', 'shops', 'listed', 'shares']

interface Outcome {
  /** SHA-256 of each part by dataset and name; the version in its path left out. */
  readonly parts: Readonly<Record<string, string>>
  readonly steps: unknown
  readonly dead: unknown
}

function everything(): TestProject {
  return project({ 'jobs/everything.ts': JOB, [INPUT]: INPUT_TEXT, 'in/names.csv': NAMES })
}

function command(verb: 'run' | 'rerun', ...options: readonly string[]): readonly string[] {
  return [verb, 'everything', '--window', DAY, ...options]
}

async function outcomeOf(made: TestProject, version: number): Promise<Outcome> {
  const folder = `v${String(version).padStart(6, '0')}`
  const files = publishedFiles(made).filter((file) => file.includes(`/${folder}/`))
  const parts = files.map((file): readonly [string, string] => [
    file.replace(`/${folder}/`, '/'),
    createHash('sha256')
      .update(readFileSync(path.join(made.folder, file)))
      .digest('hex'),
  ])
  const { state, steps } = await lastRun(made)
  expect(state).toBe('succeeded')
  const counted = steps.map(({ name, partitions, read, written, outputs, files: made, dropped, dead, reasons }) => {
    return { name, partitions, read, written, outputs, made, dropped, dead, reasons }
  })
  return { parts: Object.fromEntries(parts), steps: counted, dead: await deadLetters(made) }
}

let reference: Outcome

beforeAll(async () => {
  const made = everything()
  succeeded(await made.cli(...command('run', '--slots', '1')))
  reference = await outcomeOf(made, 1)
})

test('the run that the others are compared with has several partitions, parts, buckets and kinds of dead letters', () => {
  for (const name of DATASETS) {
    expect(Object.keys(reference.parts).filter((file) => file.startsWith(`out/${name}/`)).length, name).toBeGreaterThan(
      0,
    )
  }
  expect(Object.keys(reference.parts).filter((file) => file.startsWith('out/lines/')).length).toBeGreaterThan(10)
  expect(reference.steps).toMatchObject([
    {
      name: 'clean',
      read: 2500,
      reasons: { zero_price: ZERO_PRICES, field_count: 25, repeated: expect.any(Number) as number },
    },
    { name: 'total', partitions: 3, written: 23 },
    { name: 'list', read: 23 },
    { name: 'share', written: 23 },
  ])
})

test.each(['--slots 2', '--slots 4', '--inline'])('a project of its own, run with %s', async (options) => {
  const made = everything()
  succeeded(await made.cli(...command('run', ...options.split(' '))))
  expect(await outcomeOf(made, 1)).toEqual(reference)
})

test('reruns of one project on the same input', async () => {
  const made = everything()
  succeeded(await made.cli(...command('run')))
  for (const [index, options] of [
    ['--slots', '4'],
    ['--slots', '1'],
  ].entries()) {
    succeeded(await made.cli(...command('rerun', ...options)))
    expect(await outcomeOf(made, index + 2)).toEqual(reference)
  }
})

test.each([
  ['loop.checkpointed@1', 'loop.finished@4', 'plan.sealed@2'],
  ['loop.sink-committed@2', 'loop.checkpointed@3', 'loop.distinct-seen@500'],
  ['loop.finished@5', 'verify.started@2', 'publish.linked@3'],
  ['publish.manifest-created@1', 'publish.manifest-created@2', 'publish.recorded@1'],
])('killed at %s, %s and %s, with another number of slots each time', async (...points) => {
  const made = everything()
  for (const [index, point] of points.entries()) {
    const armed = { BATCHWRIGHT_FAIL_POINTS: `${point}=kill` }
    const { signal } = await made.start(command('run', '--slots', String(1 + (index % 3))), armed).finished
    expect(signal, `${point} was not passed`).toBe('SIGKILL')
  }
  succeeded(await made.cli(...command('run', '--slots', '2')))
  expect(await outcomeOf(made, 1)).toEqual(reference)
  expect(made.files('out/**/.staging/**/*')).toEqual([])
})
