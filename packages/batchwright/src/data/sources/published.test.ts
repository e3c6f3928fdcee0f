import { open } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import {
  contract,
  csv,
  dataset,
  field,
  Fault,
  jsonl,
  parquet,
  record,
  type DatasetDefinition,
} from '../../job/index.ts'
import { Decimal } from '../../kernel/decimal.ts'
import type { Snapshot } from '../../protocol/index.ts'
import { readCut } from '../fixtures/cutting.ts'
import { AUTO, FilesProject, readPartition, type SeenRecord } from '../fixtures/files-project.ts'
import { publishIntent } from '../publication/publish.ts'
import { stagingFolder } from '../publication/layout.ts'
import { openDatasetSink } from '../sinks/dataset-sink.ts'
import { partitionOpener } from './open-partition.ts'
import { planDataset } from './plan-dataset.ts'

const invoiceRow = record({
  invoice: field.text().column('InvoiceNo'),
  lines: field.integer(),
  amount: field.decimal({ scale: 3 }),
  paid: field.date().optional(),
  at: field.timestamp({ local: true }),
})

const FORMATS = { csv: csv(), jsonl: jsonl(), parquet: parquet() }

function invoicesIn(format: keyof typeof FORMATS): DatasetDefinition {
  return dataset('invoices', { location: 'out/invoices', format: FORMATS[format], contract: contract(1, invoiceRow) })
}

function invoice(n: number): object {
  return {
    invoice: `53,"${n}"é`,
    lines: n,
    amount: Decimal.of(BigInt(n * 7), 3),
    paid: n % 3 === 0 ? null : '2011-01-04',
    at: '2011-01-04T10:15:00',
  }
}

/** Publishes records as version `number`, three parts of up to a hundred. */
async function publish(
  project: FilesProject,
  given: DatasetDefinition,
  number: number,
  records: object[],
): Promise<void> {
  const folder = path.join(project.folders.project, 'out/invoices')
  const attempt = { runId: `r${number}`, step: 'bill', index: 0, fence: 1 }
  const sink = await openDatasetSink(given, {
    folder: stagingFolder(folder, attempt),
    name: 'main',
    codeVersion: 'c',
    resume: null,
    recordsPerPart: 100,
  })
  await sink.write(records)
  await publishIntent({
    folder,
    intent: { dataset: 'invoices', window: null, number, step: 'bill' },
    parts: await sink.finish(),
    format: given.format.format,
    contractVersion: given.contract.version,
    inputs: [],
    controls: {},
    createdAt: '2011-02-01T00:00:00Z',
    run: { id: attempt.runId, job: 'billing', revision: 1, codeVersion: 'c' },
  })
}

async function plan(project: FilesProject, given: DatasetDefinition, expected: Snapshot | null = null, policy = AUTO) {
  const { folders } = project
  return await planDataset({ dataset: given, windows: [null], parameters: {}, policy, step: 'next', folders, expected })
}

async function readAll(project: FilesProject, given: DatasetDefinition, planned: Awaited<ReturnType<typeof plan>>) {
  const openPartition = partitionOpener({ dataset: given, policy: AUTO, folders: project.folders })
  const seen: SeenRecord[] = []
  for (const partition of planned.partitions) seen.push(...(await readPartition(openPartition, partition)))
  return seen
}

const RECORDS = Array.from({ length: 250 }, (_, index) => invoice(index + 1))

for (const format of ['csv', 'jsonl', 'parquet'] as const) {
  test(`a published version in ${format} gives back the records that were written, from any position`, async () => {
    await using project = await FilesProject.create()
    const given = invoicesIn(format)
    await publish(project, given, 1, RECORDS)
    const planned = await plan(project, given)
    expect(planned.partitions.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(planned.files.map(({ records, publishedVersion }) => [records, publishedVersion])).toEqual([
      [100, 1],
      [100, 1],
      [50, 1],
    ])
    const seen = await readAll(project, given, planned)
    expect(seen.map(({ record: found }) => found)).toEqual(RECORDS)
    const openPartition = partitionOpener({ dataset: given, policy: AUTO, folders: project.folders })
    const [, second] = planned.partitions
    for (const after of [1, 50, 97]) {
      const cuts = [
        { after, pieces: 3 },
        { after: after + 1, pieces: 2 },
      ]
      const cut = await readCut(openPartition, second!, cuts)
      expect(cut.seen).toEqual(seen.slice(100, 200))
      expect(cut.planned).toEqual(cut.sizes)
      expect(cut.sizes.length).toBeGreaterThan(2)
    }
    for (const at of [0, 41, 99]) {
      const rest = await readPartition(openPartition, second!, seen[100 + at]!.after)
      expect(rest).toEqual(seen.slice(101 + at, 200))
    }
  })

  test(`a part in ${format} that was changed after it was published is refused`, async () => {
    await using project = await FilesProject.create()
    const given = invoicesIn(format)
    await publish(project, given, 1, RECORDS)
    const planned = await plan(project, given)
    const file = await open(path.join(project.folders.project, planned.files[0]!.path), 'r+')
    await file.write('X', 30)
    await file.close()
    await expect(plan(project, given)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
    const failure = await readAll(project, given, planned).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: format === 'parquet' ? 'CHECKSUM_MISMATCH' : 'INPUT_CHANGED' })
  })
}

test('a plan keeps the version it found: publishing a newer one changes nothing for the run', async () => {
  await using project = await FilesProject.create()
  const given = invoicesIn('jsonl')
  await publish(project, given, 1, RECORDS)
  const first = await plan(project, given)
  await publish(project, given, 2, RECORDS.slice(0, 5))
  expect(await plan(project, given, { files: first.files, digest: '' })).toEqual(first)
  expect((await plan(project, given)).files.map((file) => file.records)).toEqual([5])
})

test('nothing published is a missing input, or a note where the dataset says skip', async () => {
  await using project = await FilesProject.create()
  const given = invoicesIn('csv')
  await expect(plan(project, given)).rejects.toMatchObject({ code: 'INPUT_MISSING', details: { dataset: 'invoices' } })
  expect(await plan(project, { ...given, missing: 'skip' })).toMatchObject({
    partitions: [],
    notes: ['dataset invoices: no published version, skipped'],
  })
})

const oldRow = record({ id: field.text(), price: field.decimal({ scale: 2 }) })
const newRow = record({ id: field.text(), price: field.decimal({ scale: 2 }), country: field.text() })
const upcast = { 1: (old: Readonly<Record<string, unknown>>) => ({ ...old, country: `of ${String(old['id'])}` }) }

for (const format of [csv(), jsonl()]) {
  test(`records of an older contract version in ${format.format} are brought up to the present one`, async () => {
    await using project = await FilesProject.create()
    const location = 'out/invoices'
    const before = dataset('invoices', { location, format, contract: contract(1, oldRow) })
    const now = dataset('invoices', { location, format, contract: contract(2, newRow, { upcast }) })
    await publish(project, before, 1, [{ id: 'a', price: Decimal.from('1.50') }])
    const [seen] = await readAll(project, now, await plan(project, now))
    expect(seen?.record).toEqual({ id: 'a', price: Decimal.from('1.50'), country: 'of a' })
    const without = dataset('invoices', { location, format, contract: contract(2, newRow) })
    await expect(plan(project, without)).rejects.toMatchObject({ code: 'CONTRACT_VERSION_UNKNOWN' })
  })
}

test('a raw file whose header lacks a needed column is read as the oldest contract version that can be brought up', async () => {
  await using project = await FilesProject.create({
    'in/1.csv': 'id,price\na,1.50\nb,\n',
    'in/2.csv': 'price,country,id\n2,FR,c\n',
  })
  const given = dataset('lines', { files: 'in/*.csv', format: csv(), contract: contract(2, newRow, { upcast }) })
  const seen = await readAll(project, given, await plan(project, given))
  expect(seen.map(({ record: found }) => (found instanceof Fault ? found.reason : found))).toEqual([
    { id: 'a', price: Decimal.from('1.50'), country: 'of a' },
    'blank',
    { id: 'c', price: Decimal.from('2'), country: 'FR' },
  ])
})
