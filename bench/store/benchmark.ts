import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { NO_COUNTERS } from '../../packages/batchwright/src/protocol/index.ts'
import { openPostgresStore, openSqliteStore, type Store } from '../../packages/batchwright/src/store/index.ts'
import { asAdministrator } from '../../test/postgres/index.ts'
import { benchPostgres } from '../postgres.ts'

/** What a claim takes and a finish ends at once, and what a plan adds at once. */
const GROUP = 500
const ADDED = 1_000

export interface StoreFigures {
  readonly store: string
  /** Partitions inserted per second, in groups of 1,000, durable. */
  readonly addedPerSecond: number
  /** Claimed and finished per second, in groups of 500, by one caller on one connection; a row kept for each, durable. */
  readonly donePerSecond: number
  /** By two callers at once, each with a connection, and on a thread they share. */
  readonly doneByTwoPerSecond: number
  /** A claim that finds nothing, a renewal that holds nothing, and a small read; milliseconds, median. */
  readonly emptyClaimMs: number
  readonly renewMs: number
  readonly readMs: number
}

/**
 * The store alone: no slot, no engine. What the fleet's speed can be at most. `--tasks N` (default 100,000), `--finished N`:
 * so many finished tasks are in PostgreSQL's tables before; `--postgres`: that alone.
 */
export async function storeBenchmark(words: readonly string[]): Promise<void> {
  const tasks = Number(words[words.indexOf('--tasks') + 1] ?? '') || 100_000
  const finished = Number(words[words.indexOf('--finished') + 1] ?? '') || 0
  const figures: StoreFigures[] = []
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-bench-'))
  const server = await benchPostgres()
  try {
    const database = await server.database()
    if (!words.includes('--postgres')) {
      figures.push(
        await measureStore('SQLite', tasks, () =>
          openSqliteStore({ path: path.join(folder, 'store.db'), clock: systemClock }),
        ),
      )
    }
    if (finished > 0) await fill(database.url, finished)
    figures.push(
      await measureStore('PostgreSQL', tasks, () =>
        openPostgresStore({ url: database.url, clock: systemClock, pool: 1 }),
      ),
    )
    await database.drop()
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
  if (words.includes('--json')) console.log(JSON.stringify({ tasks, finished, stores: figures }))
  else console.table(Object.fromEntries(figures.map(({ store, ...rest }) => [store, rest])))
}

/** Tasks of a run that ended long ago, in the tables of PostgreSQL; no statistics are made of them. */
async function fill(url: string, finished: number): Promise<void> {
  const store = await openPostgresStore({ url, clock: systemClock })
  await createRun(store, 'history')
  await store.cancelRun('history', { by: 'bench', why: 'it is over' })
  await store.close()
  await asAdministrator(url, async (client) => {
    await client.query('set search_path to batchwright')
    for (let from = 0; from < finished; from += 500_000) {
      await client.query(
        `insert into tasks (run, step, kind, idx, state, fence, label, partition_plan, worker_was, leased_at, ended_at, outcome)
         select r.run, 0, 'partition', n, 'succeeded', 2, 'item ' || n, '{"index":' || n || '}', 'w', 1, 2, 'succeeded'
         from runs r, generate_series($1::integer, $2::integer) n where r.run_id = 'history'`,
        [from, Math.min(finished, from + 500_000) - 1],
      )
    }
  })
}

async function measureStore(name: string, tasks: number, open: () => Promise<Store>): Promise<StoreFigures> {
  const [store, other] = [await open(), await open()]
  const added = await plan(store, 'one', tasks)
  const one = await timed(() => work(store, 'worker-1'))
  await plan(store, 'two', tasks)
  const two = await timed(() => Promise.all([work(store, 'worker-2'), work(other, 'worker-3')]))
  const figures = {
    store: name,
    addedPerSecond: Math.round(tasks / added),
    donePerSecond: Math.round(tasks / one),
    doneByTwoPerSecond: Math.round(tasks / two),
    emptyClaimMs: await medianMs((turn) =>
      store.claim({ workerId: 'worker-1', claimId: `empty ${turn}`, limit: GROUP }),
    ),
    renewMs: await medianMs(() => store.renew('worker-1', [])),
    readMs: await medianMs(() => store.getRun('one')),
  }
  await store.close()
  await other.close()
  return figures
}

async function createRun(store: Store, runId: string): Promise<void> {
  await store.createRun({
    runId,
    job: 'bench',
    window: null,
    identity: runId,
    revision: 'same',
    parameters: {},
    codeVersion: 'code',
    artifactPath: '/code',
    logicalTime: '2026-01-01T00:00:00Z',
    seed: 1,
    steps: [{ name: 'step', kind: 'function', after: [], publish: 'none' }],
    requestedBy: 'bench',
    replay: null,
  })
}

/** Makes a run of one step and plans it; answers with the seconds that its partitions took. */
async function plan(store: Store, runId: string, tasks: number): Promise<number> {
  await createRun(store, runId)
  const planner = `planner of ${runId}`
  await register(store, planner)
  const [task] = await store.claim({ workerId: planner, claimId: 'plan', limit: 1 })
  if (task === undefined) throw new Error('expected the plan task')
  const seconds = await timed(async () => {
    for (let from = 0; from < tasks; from += ADDED) {
      const batch = Array.from({ length: Math.min(ADDED, tasks - from) }, (_, place) => ({
        index: from + place,
        payload: { item: from + place },
        label: `item ${from + place}`,
        records: 1,
        bytes: null,
      }))
      await store.addPartitions(task, batch)
    }
  })
  const summary = { snapshot: null, partitions: tasks, fingerprint: 'f', notes: [] }
  await store.finish([{ ...task, end: { kind: 'planned', plan: summary } }])
  return seconds
}

function register(store: Store, workerId: string): Promise<void> {
  return store.registerWorker({ workerId, host: 'host', bootId: 'boot', pid: 1, processStart: '1', leaseMs: 3_600_000 })
}

const OUTPUT = {
  counters: { ...NO_COUNTERS, read: 1, accepted: 1 },
  controls: {},
  outputs: {},
  deadLetters: [],
  result: null,
}

/** Claims and finishes until no partition is left. */
async function work(store: Store, workerId: string): Promise<void> {
  await register(store, workerId)
  for (let turn = 0; ; turn += 1) {
    const tasks = await store.claim({ workerId, claimId: `${workerId} ${turn}`, limit: GROUP })
    if (tasks.length === 0 || tasks[0]?.kind !== 'partition') return
    const outcomes = await store.finish(
      tasks.map(({ taskId, fence }) => ({ taskId, fence, end: { kind: 'succeeded', output: OUTPUT } })),
    )
    if (outcomes.some((outcome) => outcome !== 'done')) throw new Error('expected every lease to hold')
  }
}

async function timed(what: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await what()
  return (performance.now() - started) / 1000
}

async function medianMs(what: (turn: number) => Promise<unknown>): Promise<number> {
  const took: number[] = []
  for (let turn = 0; turn < 300; turn += 1) took.push((await timed(() => what(turn))) * 1000)
  took.sort((one, other) => one - other)
  return Number((took[150] ?? NaN).toFixed(3))
}
