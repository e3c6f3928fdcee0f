/** What the benchmarks of lanes share: runs with tasks that are ready, and workers that claim and finish without working. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '../packages/batchwright/src/kernel/clock.ts'
import { NO_COUNTERS } from '../packages/batchwright/src/protocol/index.ts'
import {
  openPostgresStore,
  openSqliteStore,
  type ClaimedTask,
  type NewRun,
  type Store,
} from '../packages/batchwright/src/store/index.ts'
import { benchPostgres } from './postgres.ts'

export const OUTPUT = {
  counters: { ...NO_COUNTERS, read: 1, accepted: 1 },
  controls: {},
  outputs: {},
  deadLetters: [],
  result: null,
}

/** Opens a store of this name, as often as it is called: each time as another process would. */
export type OpenStore = (name: string) => Promise<Store>

/** Calls back with each database in turn; stores of different names are apart. */
export async function eachStore(
  measure: (database: 'SQLite' | 'PostgreSQL', open: OpenStore) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-bench-'))
  try {
    await measure('SQLite', (name) => openSqliteStore({ path: path.join(folder, `${name}.db`), clock: systemClock }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const server = await benchPostgres()
  try {
    const database = await server.database()
    await measure('PostgreSQL', (name) => openPostgresStore({ url: database.url, schema: name, clock: systemClock }))
    await database.drop()
  } finally {
    await server.close()
  }
}

export interface RunOf {
  readonly tenant?: string
  readonly pool?: string
}

/** A run of one step, not planned yet: one task is ready. */
export function newRun(runId: string, { tenant, pool }: RunOf = {}): NewRun {
  return {
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
    steps: [{ name: 'step', kind: 'function', after: [], publish: 'none', ...(pool === undefined ? {} : { pool }) }],
    requestedBy: 'bench',
    replay: null,
    ...(tenant === undefined ? {} : { tenant }),
  }
}

export function register(store: Store, workerId: string): Promise<void> {
  return store.registerWorker({ workerId, host: 'host', bootId: 'boot', pid: 1, processStart: '1', leaseMs: 3_600_000 })
}

/** Makes a run and plans it: these many tasks are ready. */
export async function planned(store: Store, runId: string, tasks: number, of: RunOf = {}): Promise<void> {
  await store.createRun(newRun(runId, of))
  const planner = `planner of ${runId}`
  await register(store, planner)
  const [task] = await store.claim({ workerId: planner, claimId: planner, limit: 1, runs: [runId] })
  if (task === undefined) throw new Error('expected the plan task')
  await plan(store, task, tasks)
}

async function plan(store: Store, task: ClaimedTask, tasks: number): Promise<void> {
  for (let from = 0; from < tasks; from += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, tasks - from) }, (_, place) => ({
      index: from + place,
      payload: { item: from + place },
      label: `item ${from + place}`,
      records: 1,
      bytes: null,
    }))
    await store.addPartitions(task, batch)
  }
  const summary = { snapshot: null, partitions: tasks, fingerprint: 'f', notes: [] }
  await store.finish([{ ...task, end: { kind: 'planned', plan: summary } }])
}

/** Ends tasks as their kind ends. `partitions`: how many a plan has; by default one. */
export async function finishAll(
  store: Store,
  tasks: readonly ClaimedTask[],
  partitions: (runId: string) => number = () => 1,
): Promise<void> {
  const plans = tasks.filter(({ kind }) => kind === 'plan')
  for (const task of plans) await plan(store, task, partitions(task.run.runId))
  const others = tasks.filter(({ kind }) => kind !== 'plan')
  if (others.length === 0) return
  await store.finish(others.map(({ taskId, fence }) => ({ taskId, fence, end: { kind: 'succeeded', output: OUTPUT } })))
}
