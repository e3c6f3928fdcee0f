/**
 * Small tasks, against the queues that TypeScript users reach for, on the same PostgreSQL in the same run: how many no-op tasks
 * a second are done and enqueued, how soon a task begins in an idle fleet, and what comes on top of tasks of 5 ms of CPU.
 * Ours with its defaults, peers as their documentation recommends for throughput.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import type { Store } from '../../packages/batchwright/src/store/index.ts'
import { openStore } from '../../packages/batchwright/src/store/index.ts'
import { median } from '../measure.ts'
import { installPeers, PEERS, peerVersion, startPeerWorker, type Peer } from '../peers/index.ts'
import { benchPostgres, type BenchServer } from '../postgres.ts'
import { Project } from './ours.ts'

/** Milliseconds of CPU of a task, where what comes on top is measured. */
const TASK_MS = 5
/** Tasks of a statement, where a peer takes several. */
const ADDED_AT_ONCE = 5_000
/** The slowest peer does with fewer: its rate is the same. */
const SLOW = new Map([['bullmq', 10]])

interface Figures {
  readonly name: string
  readonly settings: string
  readonly enqueuedPerSecond: number
  readonly donePerSecond: Readonly<Record<string, number>>
  readonly idleStartMs: { readonly p50: number; readonly p95: number }
  /** Of the CPU that the tasks need, by number of worker processes; each has one thread at work. */
  readonly overheadPercent: Readonly<Record<string, number>>
}

interface Amounts {
  readonly tasks: number
  readonly starts: number
  readonly burning: number
  readonly repeats: number
}

/** `npm run bench -- tasks [--tasks N] [--starts N] [--burning N] [--repeats N] [--only NAME] [--json]` */
export async function tasksBenchmark(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tasks: { type: 'string', default: '200000' },
      starts: { type: 'string', default: '60' },
      burning: { type: 'string', default: '1000' },
      repeats: { type: 'string', default: '3' },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const amounts = {
    tasks: Number(values.tasks),
    starts: Number(values.starts),
    burning: Number(values.burning),
    repeats: Number(values.repeats),
  }
  const wanted = (name: string): boolean => values.only === undefined || name.includes(values.only)
  const server = await benchPostgres()
  const figures: Figures[] = []
  try {
    if (wanted('batchwright')) figures.push(await ours(server, amounts))
    if (wanted('embedded')) figures.push(await ours(null, amounts))
    const peers = PEERS.filter((peer) => wanted(peer.package))
    if (peers.length > 0) installPeers()
    for (const peer of peers) figures.push(await theirs(server, peer, amounts))
  } finally {
    await server.close()
  }
  if (values.json) console.log(JSON.stringify(figures))
  else for (const each of figures) console.log(JSON.stringify(each, null, 2))
}

// ---------------------------------------------------------------- ours

async function ours(server: BenchServer | null, amounts: Amounts): Promise<Figures> {
  const done: Record<string, number> = {}
  const enqueued: number[] = []
  for (const workers of [1, 2]) {
    const rates: number[] = []
    for (let round = 0; round < amounts.repeats; round += 1) {
      const one = await onProject(server, async (project, store) => {
        for (let count = 0; count < workers; count += 1) await project.work()
        return phasesOf(store, await runToEnd(project, store, amounts.tasks, 'nothing'))
      })
      rates.push((amounts.tasks / one.runningMs) * 1000)
      enqueued.push((amounts.tasks / one.planningMs) * 1000)
    }
    done[String(workers)] = Math.round(median(rates))
  }
  const overhead: Record<string, number> = {}
  for (const workers of [1, 2]) {
    const took = await onProject(server, async (project, store) => {
      for (let count = 0; count < workers; count += 1) await project.work('--slots', '1')
      return phasesOf(store, await runToEnd(project, store, amounts.burning, String(TASK_MS)))
    })
    overhead[String(workers)] = overheadOf(took.runningMs, amounts.burning, workers)
  }
  return {
    name: server === null ? 'Batchwright, embedded store' : 'Batchwright, PostgreSQL',
    settings: 'defaults; 5 ms tasks with --slots 1',
    enqueuedPerSecond: Math.round(median(enqueued)),
    donePerSecond: done,
    idleStartMs: await onProject(server, (project, store) => idleStarts(project, store, amounts.starts)),
    overheadPercent: overhead,
  }
}

async function onProject<Answer>(
  server: BenchServer | null,
  act: (project: Project, store: Store) => Promise<Answer>,
): Promise<Answer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'batchwright-bench-tasks-'))
  const database = await server?.database()
  const address =
    database === undefined
      ? ({ kind: 'sqlite', path: path.join(folder, '.batchwright', 'store.db') } as const)
      : ({ kind: 'postgres', url: database.url } as const)
  const project = await Project.make(folder, database?.url ?? null)
  try {
    await project.ask('runs')
    const store = await openStore(address, { clock: systemClock })
    try {
      return await act(project, store)
    } finally {
      await project.close()
      await store.close()
    }
  } finally {
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function runToEnd(project: Project, store: Store, tasks: number, work: string): Promise<string> {
  const runId = await project.run(tasks, work, 'leave')
  for (;;) {
    const run = await store.getRun(runId)
    if (run?.endedAt != null) {
      if (run.state !== 'succeeded') throw new Error(`expected the run to succeed: ${JSON.stringify(run.failure)}`)
      return runId
    }
    await sleep(100)
  }
}

/** Times of the store: how long its tasks were planned, which inserts them, and run. */
async function phasesOf(
  store: Store,
  runId: string,
): Promise<{ readonly planningMs: number; readonly runningMs: number }> {
  const events = await store.listEvents({
    after: 0,
    runId,
    types: ['step.planning', 'step.running', 'step.verifying'],
  })
  const at = (type: string): number => {
    const event = events.find((each) => each.type === type)
    if (event === undefined) throw new Error(`expected an event ${type}`)
    return event.at
  }
  return {
    planningMs: at('step.running') - at('step.planning'),
    runningMs: at('step.verifying') - at('step.running'),
  }
}

/** From the call that makes a run of one task to the first line of its function. */
async function idleStarts(project: Project, store: Store, starts: number): Promise<Figures['idleStartMs']> {
  await project.work()
  const first = await store.getRun(await runToEnd(project, store, 1, 'start'))
  if (first === null) throw new Error('expected the run that was made')
  const steps = await store.listSteps(first.runId)
  const waits: number[] = []
  for (let count = 0; count < starts; count += 1) {
    await sleep(150)
    const before = (await began(project)).length
    const triggered = performance.timeOrigin + performance.now()
    await store.createRun({
      ...first,
      runId: `start-${String(count)}`,
      identity: `start-${String(count)}`,
      revision: 'same',
      steps: steps.map(({ name, kind, after, publish }) => ({ name, kind, after, publish })),
    })
    let times = await began(project)
    while (times.length === before) {
      await sleep(5)
      times = await began(project)
    }
    waits.push((times.at(-1) ?? NaN) - triggered)
  }
  return spread(waits)
}

async function began(project: Project): Promise<readonly number[]> {
  const lines = (await readFile(project.said, 'utf8')).trimEnd().split('\n')
  return lines.map(Number)
}

// ---------------------------------------------------------------- peers

async function theirs(server: BenchServer, peer: Peer, amounts: Amounts): Promise<Figures> {
  const tasks = Math.ceil(amounts.tasks / (SLOW.get(peer.package) ?? 1))
  const done: Record<string, number> = {}
  const enqueued: number[] = []
  for (const workers of [1, 2]) {
    const rates: number[] = []
    for (let round = 0; round < amounts.repeats; round += 1) {
      const { addedMs, workedMs } = await workThrough(server, peer, { tasks, workers, work: 'nothing' })
      rates.push((tasks / workedMs) * 1000)
      enqueued.push((tasks / addedMs) * 1000)
    }
    done[String(workers)] = Math.round(median(rates))
  }
  const overhead: Record<string, number> = {}
  for (const workers of [1, 2]) {
    const work = `cpu:${String(TASK_MS)}`
    const { workedMs } = await workThrough(server, peer, { tasks: amounts.burning, workers, work })
    overhead[String(workers)] = overheadOf(workedMs, amounts.burning, workers)
  }
  return {
    name: `${peer.name} ${peerVersion(peer.package)}`,
    settings: peer.words.tuned,
    enqueuedPerSecond: Math.round(median(enqueued)),
    donePerSecond: done,
    idleStartMs: await theirIdleStarts(server, peer, amounts.starts),
    overheadPercent: overhead,
  }
}

/** Jobs that are there before the workers start; timed from the first to the last of them. */
async function workThrough(
  server: BenchServer,
  peer: Peer,
  { tasks, workers, work }: { readonly tasks: number; readonly workers: number; readonly work: string },
): Promise<{ readonly addedMs: number; readonly workedMs: number }> {
  const database = await server.database()
  await peer.prepare(database.url)
  const producer = await peer.produce(database.url)
  const adding = performance.now()
  for (let from = 0; from < tasks; from += ADDED_AT_ONCE) {
    await producer.addMany(from, Math.min(ADDED_AT_ONCE, tasks - from))
  }
  const addedMs = performance.now() - adding
  const all = Promise.withResolvers<number>()
  let count = 0
  let from = 0
  const started = Array.from({ length: workers }, () =>
    startPeerWorker(peer, {
      url: database.url,
      settings: 'tuned',
      work,
      said: (message) => {
        if (message.kind !== 'done') return
        if (from === 0) from = message.at
        count += message.count
        if (count >= tasks) all.resolve(message.at - from)
      },
    }),
  )
  const workedMs = await all.promise
  for (const worker of await Promise.all(started)) await worker.close()
  await producer.close()
  await database.drop()
  return { addedMs, workedMs }
}

async function theirIdleStarts(server: BenchServer, peer: Peer, starts: number): Promise<Figures['idleStartMs']> {
  const database = await server.database()
  await peer.prepare(database.url)
  const producer = await peer.produce(database.url)
  let heard = Promise.withResolvers<number>()
  const worker = await startPeerWorker(peer, {
    url: database.url,
    settings: 'tuned',
    work: 'start',
    said: (message) => {
      if (message.kind === 'started') heard.resolve(message.at)
    },
  })
  const waits: number[] = []
  for (let count = 0; count < starts; count += 1) {
    await sleep(150)
    heard = Promise.withResolvers()
    const triggered = performance.timeOrigin + performance.now()
    await producer.addOne(count)
    waits.push((await heard.promise) - triggered)
  }
  await worker.close()
  await producer.close()
  await database.drop()
  return spread(waits)
}

// ---------------------------------------------------------------- figures

/** What came on top of the CPU that the tasks need, of all threads at work, in percent. */
function overheadOf(ms: number, tasks: number, workers: number): number {
  return Math.round(((ms * workers) / (tasks * TASK_MS) - 1) * 1000) / 10
}

function spread(waits: readonly number[]): Figures['idleStartMs'] {
  // The first one finds nothing warm.
  const sorted = waits.slice(1).sort((a, b) => a - b)
  const at = (share: number): number => Math.round((sorted[Math.ceil(sorted.length * share) - 1] ?? NaN) * 10) / 10
  return { p50: at(0.5), p95: at(0.95) }
}
