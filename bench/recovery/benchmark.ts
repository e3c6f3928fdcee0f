/**
 * kill -9 of one of two workers in mid-run: how long until the last task is done, and what was started twice. 1,000 tasks of
 * 50 ms, ten at a time in each worker; everybody with the settings that they come with. Nobody is started again: the worker
 * that is left does it. Ours twice: on the same host, where a dead process is seen, and as if on two hosts, where only its
 * lease can tell.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { submitRun } from '../../packages/batchwright/src/engine/index.ts'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { systemRandom } from '../../packages/batchwright/src/kernel/random.ts'
import { buildArtifact, loadArtifact } from '../../packages/batchwright/src/runtime/index.ts'
import { openStore } from '../../packages/batchwright/src/store/index.ts'
import { installPeers, PEERS, peerVersion, startPeerWorker, type Peer } from '../peers/index.ts'
import { benchPostgres, type BenchServer } from '../postgres.ts'

export interface RecoveryFigures {
  readonly who: string
  /** From the kill to the end of the last task; null where the limit came first. */
  readonly secondsToLast: number | null
  /** Tasks that were not done at the limit. */
  readonly left: number
  /** Tasks that were started more than once. */
  readonly startedTwice: number
}

const TASKS = 1_000
const TASK_MS = 50
const AT_ONCE = 10
/** Tasks that are done when one is killed. */
const KILL_AT = 300

/** `npm run bench -- recovery [--only NAME] [--limit SECONDS] [--json]` */
export async function recoveryBenchmark(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      limit: { type: 'string', default: '90' },
      json: { type: 'boolean', default: false },
    },
  })
  const wanted = (name: string): boolean => values.only === undefined || name.includes(values.only)
  const limitMs = Number(values.limit) * 1_000
  const server = await benchPostgres()
  const figures: RecoveryFigures[] = []
  try {
    if (wanted('batchwright')) {
      figures.push(await ours(server, 'batchwright, the same host', [undefined, undefined], limitMs))
      figures.push(await ours(server, 'batchwright, two hosts', ['left', 'right'], limitMs))
    }
    const peers = PEERS.filter((peer) => wanted(peer.name))
    if (peers.length > 0) installPeers()
    for (const peer of peers) figures.push(await theirs(server, peer, limitMs))
  } finally {
    await server.close()
  }
  if (values.json) console.log(JSON.stringify(figures))
  else for (const each of figures) console.log(lineOf(each, limitMs))
}

function lineOf({ who, secondsToLast, left, startedTwice }: RecoveryFigures, limitMs: number): string {
  const took =
    secondsToLast === null ? `not done after ${limitMs / 1_000} s, ${left} left` : `${secondsToLast.toFixed(1)} s`
  return `${who.padEnd(34)} ${took}, ${startedTwice} started twice`
}

const JOB = `
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { job } from 'batchwright'

const say = (word, index) => appendFileSync('said.txt', word + ' ' + index + ' ' + (performance.timeOrigin + performance.now()) + '\\n')

export default job('waiting', {}, (steps) => {
  steps.function('wait', { each: ${TASKS} }, async ({ index }) => {
    say('started', index)
    await sleep(${TASK_MS})
    say('done', index)
  })
})
`

async function ours(
  server: BenchServer,
  who: string,
  hosts: readonly (string | undefined)[],
  limitMs: number,
): Promise<RecoveryFigures> {
  const database = await server.database()
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-bench-recovery-'))
  mkdirSync(path.join(folder, 'jobs'))
  writeFileSync(path.join(folder, 'jobs/waiting.ts'), JOB)
  writeFileSync(path.join(folder, 'said.txt'), '')
  const workers = await Promise.all(hosts.map((host) => ourWorker(folder, database.url, host)))
  const store = await openStore({ kind: 'postgres', url: database.url }, { clock: systemClock })
  try {
    const artifact = await buildArtifact({
      jobFile: 'jobs/waiting.ts',
      projectFolder: folder,
      artifactsFolder: path.join(folder, '.batchwright/artifacts'),
    })
    const chance = { clock: systemClock, random: systemRandom }
    await submitRun(store, await loadArtifact(artifact), { artifact, requestedBy: 'bench' }, chance)
    return await watched(
      who,
      limitMs,
      () => saidIn(folder),
      async () => {
        workers[0]?.kill('SIGKILL')
        await Promise.resolve()
      },
    )
  } finally {
    await Promise.all(workers.map(gone))
    await store.close()
    await database.drop()
    rmSync(folder, { recursive: true })
  }
}

/** The engine's worker with its defaults, told which host it is on. */
async function ourWorker(folder: string, url: string, host: string | undefined): Promise<ChildProcess> {
  const settings = { folder, url, slots: AT_ONCE, leaseMs: 6_000, ...(host === undefined ? {} : { host }) }
  const child = fork(path.join(import.meta.dirname, '../../test/fleet/worker.child.ts'), [JSON.stringify(settings)], {
    cwd: folder,
    execArgv: ['--conditions=batchwright-source', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const { stdout } = child
  if (stdout === null) throw new Error('expected a worker with a pipe')
  await once(stdout, 'data')
  stdout.resume()
  return child
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

interface Said {
  /** How often each task was started. */
  readonly started: ReadonlyMap<number, number>
  /** When tasks were done, wall time; one a task. */
  readonly done: readonly number[]
}

function saidIn(folder: string): Said {
  const started = new Map<number, number>()
  const done = new Map<number, number>()
  for (const line of readFileSync(path.join(folder, 'said.txt'), 'utf8').split('\n')) {
    const [word, index, at] = line.split(' ')
    const n = Number(index)
    if (word === 'started') started.set(n, (started.get(n) ?? 0) + 1)
    else if (word === 'done' && !done.has(n)) done.set(n, Number(at))
  }
  return { started, done: [...done.values()] }
}

async function theirs(server: BenchServer, peer: Peer, limitMs: number): Promise<RecoveryFigures> {
  const database = await server.database()
  const started = new Map<number, number>()
  const done: number[] = []
  await peer.prepare(database.url)
  const producer = await peer.produce(database.url)
  await producer.addMany(0, TASKS)
  const workers = await Promise.all(
    [1, 2].map(() =>
      startPeerWorker(peer, {
        url: database.url,
        settings: 'defaults',
        work: `sleep:${TASK_MS}`,
        said: (message) => {
          if (message.kind === 'started') started.set(message.n, (started.get(message.n) ?? 0) + 1)
          if (message.kind === 'done') done.push(...Array.from({ length: message.count }, () => message.at))
        },
      }),
    ),
  )
  try {
    return await watched(
      `${peer.name} ${peerVersion(peer.package)}`,
      limitMs,
      () => ({ started, done }),
      async () => {
        await workers[0]?.kill()
      },
    )
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()))
    await producer.close()
    await database.drop()
  }
}

/** Kills at the moment, and waits for the end of all or the limit. */
async function watched(
  who: string,
  limitMs: number,
  look: () => Said,
  kill: () => Promise<void>,
): Promise<RecoveryFigures> {
  while (look().done.length < KILL_AT) await sleep(5)
  const killedAt = performance.timeOrigin + performance.now()
  await kill()
  while (look().done.length < TASKS && performance.timeOrigin + performance.now() - killedAt < limitMs) await sleep(20)
  const { started, done } = look()
  const left = Math.max(0, TASKS - done.length)
  return {
    who,
    secondsToLast: left > 0 ? null : (Math.max(...done) - killedAt) / 1_000,
    left,
    startedTwice: [...started.values()].filter((times) => times > 1).length,
  }
}
