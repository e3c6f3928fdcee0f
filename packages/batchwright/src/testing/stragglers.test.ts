/** Partitions that lag behind, with real slots in threads and a store in a file: cut while they run, or done by a copy. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../kernel/clock.ts'
import type { RunRow, Store } from '../store/index.ts'
import { openSqliteStore } from '../store/index.ts'
import { AT_ONCE, drive } from './fixtures/drive.ts'

const DRIVER = fileURLToPath(new URL('./fixtures/drive.ts', import.meta.url))
/** The last file holds most of the records: 80 %. */
const SIZES = [40, 40, 1_120]
const TOTAL = 1_200

/** Each record takes a millisecond, waited for in the slot's own thread. The one called \`blocked\` waits for ever, the first time. */
function jobOf(policies: string): string {
  return `
import { existsSync, writeFileSync } from 'node:fs'
import { contract, csv, dataset, field, job, jsonl, record, reject } from 'batchwright'

const row = record({ id: field.integer(), name: field.text() })
const lines = dataset('lines', { files: 'in/*.csv', format: csv(), contract: contract(1, row) })
const done = dataset('done', { location: 'out', format: jsonl(), contract: contract(1, row) })
const still = new Int32Array(new SharedArrayBuffer(4))

export default job('lagging', {}, (steps) => {
  steps
    .records('work')
    .read(lines)
    .process((line) => {
      if (line.name === 'blocked' && !existsSync('FOLDER/seen')) {
        writeFileSync('FOLDER/seen', '')
        Atomics.wait(still, 0, 0)
      }
      Atomics.wait(still, 0, 0, 1)
      return line.id % 10 === 0 ? reject('tenth') : line
    })
    .partition('file')
    .commit({ chunk: 10, everyChunks: 1 })
    ${policies}
    .write(done)
})
`
}

const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function project(policies: string, nameOf: (id: number) => string = () => 'line'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'batchwright-stragglers-'))
  folders.push(folder)
  await mkdir(join(folder, 'in'))
  let id = 0
  for (const [file, size] of SIZES.entries()) {
    const rows = Array.from({ length: size }, () => {
      id += 1
      return `${String(id)},${nameOf(id)}\n`
    })
    await writeFile(join(folder, 'in', `${String(file)}.csv`), `id,name\n${rows.join('')}`)
  }
  await writeFile(join(folder, 'job.ts'), jobOf(policies).replaceAll('FOLDER', folder))
  return folder
}

/** Every record that was published, in order, by its number. */
async function published(folder: string): Promise<readonly number[]> {
  const version = join(folder, 'out/all/v000001')
  const parts = (await readdir(version)).toSorted()
  const texts = await Promise.all(parts.map((part) => readFile(join(version, part), 'utf8')))
  return [...texts.join('').matchAll(/"id":(\d+)/g)].map(([, id]) => Number(id))
}

const EXPECTED = Array.from({ length: TOTAL }, (_, index) => index + 1).filter((id) => id % 10 !== 0)

async function look<Found>(folder: string, see: (store: Store) => Promise<Found>): Promise<Found> {
  const store = await openSqliteStore({ path: join(folder, '.batchwright/store.db'), clock: systemClock })
  try {
    return await see(store)
  } finally {
    await store.close()
  }
}

async function countEvents(folder: string, { runId }: RunRow, type: string): Promise<number> {
  const events = await look(folder, (store) => store.listEvents({ after: 0, runId, limit: 100_000 }))
  return events.filter((event) => event.type === type).length
}

async function expectWhole(folder: string, row: RunRow): Promise<void> {
  expect(row).toMatchObject({ state: 'succeeded', failure: null })
  expect(await published(folder)).toEqual(EXPECTED)
  const [step] = await look(folder, (store) => store.listSteps(row.runId))
  expect(step?.counters).toMatchObject({ read: TOTAL, accepted: TOTAL * 0.9, deadByRule: TOTAL / 10 })
  expect(step?.tasksDone).toBe(step?.tasks)
}

test('what is left of a large partition is shared with the idle slot, and every record is published once, in order', async () => {
  const folder = await project('')
  const row = await drive(folder, AT_ONCE)
  await expectWhole(folder, row)
  const cuts = await countEvents(folder, row, 'task.split')
  expect(cuts).toBeGreaterThan(0)
  const tasks = await look(folder, (store) => store.listTasks(row.runId, { kind: 'partition' }))
  expect(tasks.length).toBeGreaterThanOrEqual(SIZES.length + cuts)
  expect(tasks.filter(({ origin }) => origin !== undefined).every(({ origin }) => origin === 2)).toBe(true)
})

test('a step that says never is not cut', async () => {
  const folder = await project(`.rebalance('never')`)
  const row = await drive(folder, AT_ONCE)
  await expectWhole(folder, row)
  expect(await countEvents(folder, row, 'split.asked')).toBe(0)
})

test.each(['loop.split@1', 'loop.sink-committed@20'])(
  'a process killed at %s while partitions are cut, started again, publishes each record once, in order',
  async (failPoint) => {
    const folder = await project('')
    const child = spawn(process.execPath, ['--conditions=batchwright-source', DRIVER, folder, 'at-once'], {
      env: { ...process.env, BATCHWRIGHT_FAIL_POINTS: `${failPoint}=kill` },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect(signal).toBe('SIGKILL')
    const row = await drive(folder, AT_ONCE)
    await expectWhole(folder, row)
    expect(await countEvents(folder, row, 'task.split')).toBeGreaterThan(0)
  },
)

test('an attempt that is blocked does not hold the run: its copy finishes, and the blocked slot is ended', async () => {
  const rules = `.speculate({ after: '50%', slowerThan: 1.5, atLeast: '200ms' })`
  const folder = await project(rules, (id) => (id === 1_100 ? 'blocked' : 'line'))
  const row = await drive(folder, AT_ONCE)
  await expectWhole(folder, row)
  expect(await countEvents(folder, row, 'task.copied')).toBe(1)
  expect(await countEvents(folder, row, 'copy.won')).toBe(1)
  const attempts = await look(folder, (store) => store.listAttempts(row.runId, { kind: 'partition' }))
  expect(attempts.filter(({ outcome }) => outcome === 'cancelled')).toMatchObject([{ reason: 'a copy was first' }])
})
