import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { driveRuns, stepFacts, submitRun } from '../engine/index.ts'
import { threadExecutor } from '../executors/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { systemRandom } from '../kernel/random.ts'
import { buildArtifact, loadArtifact } from '../runtime/index.ts'
import { openSqliteStore } from '../store/index.ts'

const LINES = 20_000
const JOB = `
import { contract, csv, dataset, field, job, jsonl, record, reject } from 'batchwright'

const lineRow = record({ invoice: field.text(), price: field.decimal({ scale: 2 }) })
const invoiceRow = record({ invoice: field.text(), total: field.decimal({ scale: 2 }) })
const lines = dataset('lines', { files: 'lines.csv', format: csv(), contract: contract(1, lineRow) })
const invoices = dataset('invoices', { location: 'out/invoices', format: jsonl(), contract: contract(1, invoiceRow) })

export default job('billing', {}, (steps) => {
  const rated = steps.records('rate')
    .read(lines)
    .process((line) => line.price.isZero() ? reject('zero_price') : line)
    .rejects({ zero_price: '50%' })
    .partition('bytes', { size: '64KB' })
  steps.reduce('invoice')
    .read(rated)
    .by((line) => line.invoice)
    .fold({
      initial: (invoice) => ({ invoice, total: null }),
      add: (sum, line) => ({ invoice: sum.invoice, total: sum.total === null ? line.price : sum.total.plus(line.price) }),
      finish: (sum) => sum,
    })
    .write(invoices)
})
`

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batchwright-embedded-'))
  const lines = ['invoice,price']
  for (let line = 0; line < LINES; line += 1) {
    lines.push(`I${String(line % 100).padStart(3, '0')},${String(line % 10)}.25`.replace('0.25', '0.00'))
  }
  await writeFile(join(folder, 'lines.csv'), `${lines.join('\n')}\n`)
  await writeFile(join(folder, 'billing.ts'), JOB)
})

afterAll(() => rm(folder, { recursive: true }))

test('a job file runs in threads on a store in a file, and publishes what it should', async () => {
  const state = join(folder, '.batchwright')
  const artifact = await buildArtifact({
    jobFile: 'billing.ts',
    projectFolder: folder,
    artifactsFolder: join(state, 'artifacts'),
  })
  const storeFile = join(state, 'store.db')
  const store = await openSqliteStore({ path: storeFile, clock: systemClock })
  const chance = { clock: systemClock, random: systemRandom }
  const job = await loadArtifact(artifact)
  const { run } = await submitRun(store, job, { artifact, requestedBy: 'test' }, chance)
  const { ended } = driveRuns([run.runId], {
    store,
    executors: [threadExecutor()],
    describe: ({ step }) => Promise.resolve(stepFacts(job, step)),
    folders: { project: folder, state },
    slots: 2,
    heartbeat: { kind: 'thread', store: { kind: 'sqlite', path: storeFile } },
  })
  const [row] = await ended
  expect(row).toMatchObject({ state: 'succeeded', failure: null })

  const [rate, invoice] = await store.listSteps(run.runId)
  expect(rate).toMatchObject({ counters: { read: LINES, accepted: 18_000, deadByRule: 2_000 } })
  expect(rate?.tasks).toBeGreaterThan(2)
  expect(invoice).toMatchObject({ state: 'succeeded' })
  const published = join(folder, 'out/invoices/all')
  const manifest: unknown = JSON.parse(await readFile(join(published, 'manifests/000001.json'), 'utf8'))
  expect(manifest).toMatchObject({ number: 1 })
  const [first] = (await readFile(join(published, 'v000001/part-00000.jsonl'), 'utf8')).split('\n')
  expect(first).toMatch(/^\{"invoice":"I\d+","total":"\d+\.\d\d"\}$/)
  const again = await submitRun(store, job, { artifact, requestedBy: 'test' }, chance)
  expect(again.created).toBe(true)
  await store.close()
})
