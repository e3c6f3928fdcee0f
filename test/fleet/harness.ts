/** What the tests of a fleet share: a project of slow records, its workers as processes of the command line, what they say. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { buildSync } from 'esbuild'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { systemRandom } from '../../packages/batchwright/src/kernel/random.ts'
import { followRuns, submitRun } from '../../packages/batchwright/src/engine/index.ts'
import { buildArtifact, loadArtifact } from '../../packages/batchwright/src/runtime/index.ts'
import type { RunRow, Store } from '../../packages/batchwright/src/store/index.ts'
import { openStore } from '../../packages/batchwright/src/store/index.ts'
import { CLI } from '../../packages/batchwright/src/cli/fixtures/project.ts'
import { createDatabase } from '../postgres/index.ts'
import type { BareFacts } from './worker.child.ts'

/** Beside the built command line, whose threads it uses: many processes start in a test, and a built one starts sooner. */
const BARE = path.join(path.dirname(CLI), 'fleet-worker.js')
buildSync({
  entryPoints: [path.join(import.meta.dirname, 'worker.child.ts')],
  outfile: BARE,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  packages: 'external',
})

/** Records between two checkpoints. */
export const CHUNK = 10

/**
 * A job whose records take `ms` each until the project has a file `hurry`, waited for in the slot's own thread. Each record is written down before it is worked
 * on, by partition, so that what is done twice shows.
 */
export function slowJob(ms: number): string {
  return `
import { appendFileSync, existsSync } from 'node:fs'
import { contract, csv, dataset, field, job, jsonl, record } from 'batchwright'

const row = record({ id: field.text() })
const slow = dataset('slow', { files: 'in/*.csv', format: csv(), contract: contract(1, row) })
const done = dataset('done', { location: 'out', format: jsonl(), contract: contract(1, row) })
const still = new Int32Array(new SharedArrayBuffer(4))

export default job('slow', {}, (steps) => {
  steps
    .records('wait')
    .read(slow)
    .process((line) => {
      appendFileSync('worked.txt', line.id + '\\n')
      Atomics.wait(still, 0, 0, existsSync('hurry') ? 1 : ${ms})
      return line
    })
    .commit({ chunk: ${CHUNK}, everyChunks: 1 })
    .write(done)
})
`
}

/** A job of one task that blocks its thread for `ms`, and writes down that it began. */
export function blockingJob(ms: number): string {
  return `
import { appendFileSync } from 'node:fs'
import { job } from 'batchwright'

export default job('slow', {}, (steps) => {
  steps.function('nightly', {}, () => {
    appendFileSync('worked.txt', 'nightly-0\\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms})
    return null
  })
})
`
}

/** A project with a database of its own. */
export interface FleetProject {
  readonly folder: string
  readonly url: string
  readonly store: Store
  /** Ids of records by partition, in the order they were worked on; one worked on twice is in it twice. */
  worked(): ReadonlyMap<string, readonly string[]>
  /** Records that were published, in order of id. */
  published(): readonly string[]
  write(file: string, text: string): void
  /** From now on records take no time. */
  hurry(): void
  /** Makes a run of the job; answers with its id. */
  submit(): Promise<string>
  /** Waits for the end of a run. */
  ended(runId: string): Promise<RunRow>
  /** Cuts the connections of all who use the database; answers with how many. */
  cutConnections(): Promise<number>
  start(args: readonly string[], environment?: Readonly<Record<string, string>>): Service
  /** A worker without a command line around it: on another host, with another clock, as the test says. */
  startBare(facts: BareFacts): Service
  /** Ends what still runs, drops the database, removes the folder. */
  end(): Promise<void>
}

export interface SaidLine {
  readonly event: string
  readonly message: string
  readonly [field: string]: unknown
}

/** A process of the command line that says what it does as JSON Lines. */
export interface Service {
  readonly child: ChildProcess
  readonly said: readonly SaidLine[]
  /** All that it has written to stdout. */
  text(): string
  /** Resolves when it has a handler for SIGINT. */
  listening(): Promise<void>
  /** Resolves with the first line of this event, said already or not yet. Rejects where the process ends without it. */
  until(event: string): Promise<SaidLine>
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

/** `partitions` files of `records` each, of a job with its text. */
export async function fleetProject(job: string, partitions = 0, records = 0): Promise<FleetProject> {
  const database = await createDatabase({ durable: false })
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-fleet-'))
  for (const name of ['jobs', 'in']) mkdirSync(path.join(folder, name))
  writeFileSync(path.join(folder, 'jobs/slow.ts'), job)
  writeFileSync(path.join(folder, 'worked.txt'), '')
  for (let file = 0; file < partitions; file += 1) {
    const ids = Array.from({ length: records }, (_, index) => `${file}-${index}`)
    writeFileSync(path.join(folder, `in/${file}.csv`), `id\n${ids.join('\n')}\n`)
  }
  const store = await openStore({ kind: 'postgres', url: database.url }, { clock: systemClock })
  const services: Service[] = []
  return {
    folder,
    url: database.url,
    store,
    worked: () => {
      const ids = readFileSync(path.join(folder, 'worked.txt'), 'utf8').split('\n').filter(Boolean)
      return Map.groupBy(ids, (id) => id.split('-')[0] ?? '')
    },
    published: () => {
      const version = path.join(folder, 'out/all/v000001')
      const parts = readdirSync(version).filter((name) => name.endsWith('.jsonl'))
      return parts.flatMap((part) => readFileSync(path.join(version, part), 'utf8').split('\n').filter(Boolean)).sort()
    },
    write: (file, text) => {
      writeFileSync(path.join(folder, file), text)
    },
    hurry: () => {
      writeFileSync(path.join(folder, 'hurry'), '')
    },
    submit: async () => {
      const artifact = await buildArtifact({
        jobFile: 'jobs/slow.ts',
        projectFolder: folder,
        artifactsFolder: path.join(folder, '.batchwright/artifacts'),
      })
      const definition = await loadArtifact(artifact)
      const chance = { clock: systemClock, random: systemRandom }
      const { run } = await submitRun(store, definition, { artifact, requestedBy: 'test' }, chance)
      return run.runId
    },
    ended: async (runId) => {
      const [run] = await followRuns(store, [runId])
      if (run === undefined) throw new Error(`expected run ${runId}, found none`)
      return run
    },
    cutConnections: () => database.cutConnections(),
    start: (args, environment = {}) => {
      const service = launch(folder, [CLI, ...args, '--json'], { BATCHWRIGHT_STORE: database.url, ...environment })
      services.push(service)
      return service
    },
    startBare: (facts) => {
      const settings = JSON.stringify({ folder, url: database.url, ...facts })
      const service = launch(folder, [BARE, settings], {})
      services.push(service)
      return service
    },
    end: async () => {
      for (const { child } of services) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await Promise.all(services.map(({ ended }) => ended))
      await store.close()
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function launch(folder: string, args: readonly string[], environment: Readonly<Record<string, string>>): Service {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '', VITEST: '', ...environment },
    // The channel tells it when the test has gone.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const said: SaidLine[] = []
  const waiting = new Set<() => void>()
  let [stdout, stderr] = ['', '']
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  if (child.stdout === null) throw new Error('expected a process with a pipe')
  createInterface({ input: child.stdout }).on('line', (line) => {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- whatever it says: the test looks at it
    if (line.startsWith('{"')) said.push(JSON.parse(line) as SaidLine)
    for (const look of waiting) look()
  })
  const ended = once(child, 'close').then(() => child.signalCode ?? child.exitCode)
  child.stdout.on('data', (piece: unknown) => (stdout += String(piece)))
  return {
    child,
    said,
    ended,
    text: () => stdout,
    listening: async () => {
      // Bit 2 of the mask of signals that are caught: proc(5).
      const caught = (): number => {
        const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'latin1')
        return Number.parseInt(/SigCgt:\s*([0-9a-f]+)/.exec(status)?.[1] ?? '0', 16)
      }
      while (caught() % 4 < 2) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    until: (event) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = said.find((line) => line.event === event)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
        void ended.then((how) => {
          const text = said.map(({ message }) => message).join('\n')
          reject(new Error(`ended (${String(how)}) without saying ${event}:\n${text}\n${stderr}`))
        })
      }),
  }
}

/** Resolves when `look` finds something; looks again at each change of the store. */
export async function untilStore<Found>(
  store: Store,
  look: () => Promise<Found | null | undefined | false>,
): Promise<Found> {
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined && found !== false) return found
    await store.waitForChange(100)
  }
}
