/**
 * Four real workers on one run, killed, stopped beyond their leases and sent away at random moments; PostgreSQL is crashed
 * and its connections are cut. What it comes to must equal, byte for byte, what an undisturbed run comes to, and nothing may
 * be left leased, staged or running. `CRASH_SEED=17 npx vitest run test/crash/fleet.test.ts` strikes in the same order again.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Running } from '../../packages/batchwright/src/cli/fixtures/project.ts'
import { makeProject } from '../../packages/batchwright/src/cli/fixtures/project.ts'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { seededRandom } from '../../packages/batchwright/src/kernel/random.ts'
import { BatchwrightError } from '../../packages/batchwright/src/kernel/errors.ts'
import type { RunRow, Store, StoreAddress } from '../../packages/batchwright/src/store/index.ts'
import { openStore } from '../../packages/batchwright/src/store/index.ts'
import type { PostgresServer } from '../postgres/index.ts'
import { startPostgres } from '../postgres/index.ts'
import type { Desk } from './fleet/ledger.ts'
import { bookOf, ledgerFiles, makeBook, openDesk } from './fleet/ledger.ts'
import { Fleet } from './fleet/workers.ts'

const WORKERS = 4
const STRIKES = 8
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)

/** What a project comes to in the end: the same after anything that may happen to its workers. */
interface Outcome {
  readonly published: Readonly<Record<string, string>>
  readonly book: readonly string[]
  readonly told: readonly string[]
  readonly run: unknown
  readonly deadLetters: readonly string[]
}

type Project = ReturnType<typeof makeProject>

const projects: Project[] = []

function makeLedger(): Project {
  const project = makeProject(ledgerFiles())
  makeBook(project.folder)
  projects.push(project)
  return project
}

async function outcomeOf(project: Project, environment: Environment, desk: Desk): Promise<Outcome> {
  const ask = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await project.start(args, environment).finished
    expect(code, stderr).toBe(0)
    return stdout
  }
  const shown = JSON.parse(await ask('show', '--json')) as Shown // the command line's own format
  return {
    published: digests(project.folder),
    book: bookOf(project.folder),
    told: desk.told(),
    run: { state: shown.state, steps: shown.steps.map(countersOf) },
    deadLetters: comparable(await ask('dead-letters', 'export', 'ledger')),
  }
}

type Environment = Readonly<Record<string, string>>

interface Shown {
  readonly state: string
  readonly steps: readonly Readonly<Record<string, unknown>>[]
}

function countersOf(step: Readonly<Record<string, unknown>>): object {
  const { name, state, read, accepted, written, dropped, dead, reasons } = step
  return { name, state, read, accepted, written, dropped, dead, reasons }
}

/** In the order of their text; which run and attempt made them is told apart from what they are. */
function comparable(letters: string): readonly string[] {
  return letters
    .replaceAll(/"id":"[^"]*"/g, '"id"')
    .split('\n')
    .sort()
}

/**
 * Of each published dataset: its manifests by name, and the digest of its parts' content, in their order. Where a part ends
 * depends on who was idle when: partitions are cut while they run. The order of what is in them does not.
 */
function digests(folder: string): Record<string, string> {
  const files = filesIn(path.join(folder, 'out')).sort()
  const found: Record<string, string> = {}
  for (const [dataset, parts] of Map.groupBy(files, (file) => path.relative(folder, file).split(path.sep)[1] ?? '')) {
    const content = createHash('sha256')
    for (const part of parts) if (path.basename(part).startsWith('part-')) content.update(readFileSync(part))
    const manifests = parts.filter((file) => file.includes(`${path.sep}manifests${path.sep}`))
    found[dataset] = `${manifests.map((file) => path.basename(file)).join()} ${content.digest('hex')}`
  }
  return found
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
}

/** Staged output, parts of attempts, plans of nobody. Dead letters are kept. */
function leftoversIn(folder: string): string[] {
  return [...filesIn(path.join(folder, 'out')), ...filesIn(path.join(folder, '.batchwright', 'runs'))]
    .filter(
      (file) => file.includes('.staging') || (/[\\/]\d+-f\d+/.test(file) && !path.basename(file).startsWith('dead-')),
    )
    .map((file) => path.relative(folder, file))
}

/** Processes of this machine that were started for the project, and are no zombies. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && worksIn(pid, folder))
}

function worksIn(pid: string, folder: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const gone = stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
    return !gone && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`LEDGER=${folder}`)
  } catch {
    return false
  }
}

/** The store, as somebody sees it who has patience with a database that is away. */
class Onlooker {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** Until somebody is at work: a strike before that hits nobody. */
  async untilHeld(): Promise<void> {
    while ((await this.#ask(() => this.#store.listHeld())).length === 0) await sleep(50)
  }

  /** Until the run has ended. */
  async untilEnded(): Promise<RunRow> {
    for (;;) {
      const { items } = await this.#ask(() => this.#store.listRuns({}))
      const [run] = items
      if (run !== undefined && run.endedAt !== null) return run
      await sleep(100)
    }
  }

  /** All tasks are done; and the strikes have hit somebody who was at work. */
  async expectNothingHeld(runId: string, told: string): Promise<void> {
    const tasks = await this.#store.listTasks(runId)
    expect(tasks.filter(({ state }) => state !== 'succeeded')).toEqual([])
    const totals = await this.#store.totalAttempts([runId])
    const crashed = totals.reduce((sum, { outcomes }) => sum + (outcomes.crashed ?? 0), 0)
    expect(crashed, told).toBeGreaterThan(0)
  }

  async #ask<Answer>(verb: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await verb()
      } catch (error) {
        if (!(error instanceof BatchwrightError) || !error.retryable) throw error
        await sleep(50)
      }
    }
  }
}

/** A task that was killed too often without a commit fails its run: then somebody takes it up. */
async function untilSucceeded(project: Project, environment: Environment, onlooker: Onlooker): Promise<RunRow> {
  for (;;) {
    const run = await onlooker.untilEnded()
    if (run.state === 'succeeded') return run
    expect(run.failure?.code, run.failure?.message).toBe('CRASH_LIMIT')
    await project.start(['retry', 'latest', '--detach'], environment).finished
  }
}

let undisturbed: Outcome

beforeAll(async () => {
  const project = makeLedger()
  const desk = await openDesk()
  const { code, stdout, stderr } = await project.start(['run', 'ledger', '--slots', '4'], { LEDGER_DESK: desk.url })
    .finished
  expect(code, stdout + stderr).toBe(0)
  undisturbed = await outcomeOf(project, {}, desk)
  await desk.close()
}, 120_000)

test('the undisturbed run reconciles, with dead letters of each kind', () => {
  const reasons = undisturbed.deadLetters.map((letter) => /"reason":"(\w+)"/.exec(letter)?.[1])
  expect(new Set(reasons)).toEqual(new Set([undefined, 'closed_account', 'bad_number']))
  expect(Object.keys(undisturbed.published)).toEqual(['entries', 'totals'])
  expect(undisturbed.told).toHaveLength(undisturbed.book.length)
  expect(undisturbed.book.length).toBeGreaterThan(4_000)
})

const STORES: Readonly<
  Record<string, () => Promise<{ readonly url: string | null; readonly server: PostgresServer | null }>>
> = {
  SQLite: () => Promise.resolve({ url: null, server: null }),
  PostgreSQL: async () => {
    const server = await startPostgres()
    return { url: server.url, server }
  },
}

/**
 * Which stores are struck: `npm run crash` strikes both. The whole test run strikes the embedded one, because on PostgreSQL
 * about one run in four does not come to its end within its three minutes, for a reason that is not found yet.
 */
const struck = (process.env['CRASH_STORES'] ?? 'SQLite').split(',')

describe.each(Object.entries(STORES).filter(([name]) => struck.includes(name)))('on %s', (_, open) => {
  test(`four workers, struck ${String(STRIKES)} times, come to the same (CRASH_SEED=${String(seed)})`, async () => {
    const random = seededRandom(seed)
    const project = makeLedger()
    const { url, server } = await open()
    const desk = await openDesk()
    const environment = {
      LEDGER: project.folder,
      LEDGER_DESK: desk.url,
      ...(url === null ? {} : { BATCHWRIGHT_STORE: url }),
    }
    const launch = (): Running => project.start(['worker', '--slots', '2'], environment)
    const submitted = await project.start(['run', 'ledger', '--detach'], environment).finished
    expect(submitted.code, submitted.stderr).toBe(0)
    const fleet = new Fleet(launch, WORKERS)
    const file = path.join(project.folder, '.batchwright', 'store.db')
    const address: StoreAddress = url === null ? { kind: 'sqlite', path: file } : { kind: 'postgres', url }
    const store = await openStore(address, { clock: systemClock, migrate: false })
    const onlooker = new Onlooker(store)
    try {
      await onlooker.untilHeld()
      for (let strike = 1; strike <= STRIKES; strike += 1) {
        await fleet.strike(random)
        if (server !== null && strike % 4 === 0) await server.cutConnections()
        if (server !== null && strike === 5) {
          await server.crash()
          await sleep(random.integer(1_500))
          await server.start()
        }
      }
      const { runId } = await untilSucceeded(project, environment, onlooker)
      const told = fleet.deeds.join()
      expect(await outcomeOf(project, environment, desk), told).toEqual(undisturbed)
      await fleet.dismiss()
      expect(leftoversIn(project.folder), told).toEqual([])
      expect(processesOf(project.folder), told).toEqual([])
      await onlooker.expectNothingHeld(runId, told)
    } finally {
      await fleet.dismiss()
      await store.close()
      await server?.close()
      await desk.close()
    }
  }, 180_000)
})

afterAll(async () => {
  for (const { folder } of projects) {
    await rm(folder, { recursive: true, force: true })
  }
})
