import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../kernel/clock.ts'
import { openSqliteStore } from '../store/index.ts'
import { drive } from './fixtures/drive.ts'

const LINES = 3_000
const JOB = `
import { contract, csv, dataset, field, job, jsonl, record } from 'batchwright'

const row = record({ id: field.integer() })
const lines = dataset('lines', { files: 'lines.csv', format: csv(), contract: contract(1, row) })
const copies = dataset('copies', { location: 'out', format: jsonl(), contract: contract(1, row) })

export default job('copying', {}, (steps) => {
  steps.records('copy').read(lines).process((line) => line).commit({ chunk: 100, everyChunks: 1 }).write(copies)
})
`
const DRIVER = fileURLToPath(new URL('./fixtures/drive.ts', import.meta.url))
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function project(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'batchwright-killed-'))
  folders.push(folder)
  const lines = Array.from({ length: LINES }, (_, id) => `${String(id)}\n`)
  await writeFile(join(folder, 'lines.csv'), `id\n${lines.join('')}`)
  await writeFile(join(folder, 'job.ts'), JOB)
  return folder
}

/** Drives the project in a process of its own, which gets SIGKILL at a fail point. */
async function killedAt(folder: string, failPoint: string): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=batchwright-source', DRIVER, folder], {
    env: { ...process.env, BATCHWRIGHT_FAIL_POINTS: `${failPoint}=kill` },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
}

const published = (folder: string): Promise<string> =>
  readFile(join(folder, 'out/all/v000001/part-00000.jsonl'), 'utf8')

test.each([
  'plan.batch-added@1',
  'loop.sink-committed@7',
  'loop.checkpointed@7',
  'loop.finished@1',
  'verify.started@1',
  'publish.manifest-created@1',
])('a process killed at %s, started again, goes on at once and publishes each record once', async (failPoint) => {
  const folder = await project()
  await killedAt(folder, failPoint)
  const row = await drive(folder)
  expect(row).toMatchObject({ state: 'succeeded', failure: null })
  const ids = Array.from({ length: LINES }, (_, id) => `{"id":${String(id)}}\n`)
  expect(await published(folder)).toBe(ids.join(''))

  const store = await openSqliteStore({ path: join(folder, '.batchwright/store.db'), clock: systemClock })
  const [step] = await store.listSteps(row.runId)
  expect(step?.counters).toMatchObject({ read: LINES, written: LINES })
  const events = await store.listEvents({ after: 0, runId: row.runId, limit: 10_000 })
  expect(events.filter((event) => event.type === 'run.succeeded')).toHaveLength(1)
  const workers = await store.listWorkers()
  // The killed one was found dead, and its tasks were taken over.
  expect(workers.map((worker) => worker.state).sort()).toEqual(['dead', 'retired'])
  await store.close()
})
