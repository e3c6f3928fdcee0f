import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonValue } from '../kernel/errors.ts'
import { seededRandom } from '../kernel/random.ts'
import type { DeadLetter } from '../data/index.ts'
import { currentManifest, partPaths, readLetters, readPart } from '../data/index.ts'
import type { AttemptLogLine, StepFacts } from '../engine/index.ts'
import { driveRuns, stepFacts, submitRun } from '../engine/index.ts'
import { inlineExecutor } from '../executors/index.ts'
import { datasetsWritten, type CommitPolicy, type DatasetDefinition, type JobDefinition } from '../job/index.ts'
import type { ControlTotals, Counters } from '../protocol/index.ts'
import type { RunRow, Store, StoreEvent } from '../store/index.ts'
import { openSqliteStore } from '../store/index.ts'
import type { Fault } from './faults.ts'
import { FaultyExecutor, withStoreFaults, withThrows } from './faults.ts'
import type { Inputs } from './inputs.ts'
import { committing, placeInputs } from './inputs.ts'
import { withFakes } from './services.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What a run in memory is given in the place of files, clock and luck. */
export interface InMemoryOptions {
  /** What the job reads; datasets that are not named keep their own location. */
  readonly inputs?: Inputs
  /** Key of the run's window, where the job has one. */
  readonly window?: string
  readonly parameters?: Readonly<Record<string, JsonValue>>
  /** Default: a new one, at 2026-01-01T00:00:00Z. */
  readonly clock?: VirtualClock
  readonly faults?: readonly Fault[]
  /** Attempts at a time; default 1, which makes the order of everything the same on every run. */
  readonly slots?: number
  /** Clients in place of services, by the service's name: nothing is opened, no secret is read. */
  readonly services?: Readonly<Record<string, unknown>>
  /** Where secrets of services that have no fake are read from; default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Replaces parts of the commit policy of all records steps. */
  readonly commit?: Partial<CommitPolicy>
  /** Seed of ids and jitter; default 1. */
  readonly seed?: number
}

/** All that a run in memory left behind: its state, outputs, dead letters, counts, logs and events. */
export interface InMemoryResult {
  /** Its `state` says how it ended, `failure` why. */
  readonly run: RunRow
  /** The published records of each dataset that the job writes; empty where nothing was published. */
  readonly outputs: Readonly<Record<string, readonly object[]>>
  /** Columns that name a record of each dataset; null where it has no key. */
  readonly keys: Readonly<Record<string, readonly string[] | null>>
  /** The published files of each dataset of files, by name; `outputs` lists them with their sizes and digests. */
  readonly files: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>
  /** SHA-256 of the published parts, in order. */
  readonly digests: Readonly<Record<string, readonly string[]>>
  /** By step. */
  readonly deadLetters: Readonly<Record<string, readonly DeadLetter[]>>
  readonly counters: Readonly<Record<string, Counters>>
  readonly controls: Readonly<Record<string, ControlTotals>>
  /** What function steps returned; of a step with `each` a list, in the order of its items. */
  readonly results: Readonly<Record<string, JsonValue>>
  /** Commits that were made, by step. */
  readonly commits: Readonly<Record<string, number>>
  readonly events: readonly StoreEvent[]
  readonly logs: readonly AttemptLogLine[]
}

/**
 * Runs a job in this process, on a virtual clock: the real engine, loop, sinks and publication, with a store in memory and
 * files in a temporary folder that is gone afterwards. Never rejects because the run fails: `run.state` tells.
 */
export async function runInMemory(job: JobDefinition, options: InMemoryOptions = {}): Promise<InMemoryResult> {
  const project = await mkdtemp(join(tmpdir(), 'batchwright-memory-'))
  const clock = options.clock ?? new VirtualClock()
  const random = seededRandom(options.seed ?? 1)
  const store = await clock.runUntil(openSqliteStore({ path: ':memory:', clock, random }))
  try {
    const prepared = await prepare(job, options, project)
    return await clock.runUntil(work(prepared, { options, project, clock, random, store }))
  } finally {
    await store.close()
    await rm(project, { recursive: true, force: true })
  }
}

async function prepare(job: JobDefinition, options: InMemoryOptions, project: string): Promise<JobDefinition> {
  const placed = await placeInputs(job, options.inputs ?? {}, project)
  const faked = withFakes(placed, options.services ?? {})
  return withThrows(committing(faked, options.commit ?? {}), options.faults ?? [])
}

interface Setting {
  readonly options: InMemoryOptions
  readonly project: string
  readonly clock: VirtualClock
  readonly random: ReturnType<typeof seededRandom>
  readonly store: Store
}

const ARTIFACT = { codeVersion: 'memory', path: 'memory' }

async function work(job: JobDefinition, setting: Setting): Promise<InMemoryResult> {
  const { options, project, clock, random, store } = setting
  const faults = options.faults ?? []
  const { run } = await submitRun(
    store,
    job,
    {
      artifact: ARTIFACT,
      requestedBy: 'test',
      ...(options.window === undefined ? {} : { window: options.window }),
      ...(options.parameters === undefined ? {} : { parameters: options.parameters }),
    },
    { clock, random },
  )
  const secrets = options.environment === undefined ? {} : { environment: options.environment }
  const executor = new FaultyExecutor(
    inlineExecutor({ clock, random, load: () => Promise.resolve(job), ...secrets }),
    faults,
  )
  const logs: AttemptLogLine[] = []
  const { ended } = driveRuns([run.runId], {
    store: withStoreFaults(store, faults),
    executors: [executor],
    describe: ({ step }) => Promise.resolve(inMemory(stepFacts(job, step), faults)),
    folders: { project, state: join(project, '.batchwright') },
    slots: options.slots ?? 1,
    clock,
    random,
    hooks: { log: (line) => logs.push(line) },
  })
  const [row] = await ended
  return gather(row ?? run, job, setting, { commits: Object.fromEntries(executor.commits), logs })
}

/** Deaths that the test asks for come on top of the attempts that the step's policy grants. */
function inMemory(facts: StepFacts, faults: readonly Fault[]): StepFacts {
  const kills = faults.filter((fault) => fault.fault === 'kill').length
  return { ...facts, isolation: 'inline', retry: { ...facts.retry, attempts: facts.retry.attempts + kills } }
}

async function gather(
  run: RunRow,
  job: JobDefinition,
  { store, project }: Setting,
  seen: Pick<InMemoryResult, 'commits' | 'logs'>,
): Promise<InMemoryResult> {
  const steps = await store.listSteps(run.runId)
  const outputs: Record<string, readonly object[]> = {}
  const files: Record<string, Readonly<Record<string, Uint8Array>>> = {}
  const keys: Record<string, readonly string[] | null> = {}
  const digests: Record<string, readonly string[]> = {}
  const deadLetters: Record<string, readonly DeadLetter[]> = {}
  const results: Record<string, JsonValue> = {}
  for (const step of job.steps) {
    for (const { dataset } of datasetsWritten(step)) {
      const published = await readOutput(dataset, run, project)
      outputs[dataset.name] = published.records
      keys[dataset.name] = dataset.key
      digests[dataset.name] = published.digests
      if (dataset.format.format === 'files') files[dataset.name] = published.files
    }
    const { tasks } = await store.stepOutput(run.runId, step.name)
    deadLetters[step.name] = await lettersOf(tasks.flatMap((task) => task.output.deadLetters.map((part) => part.path)))
    if (step.kind !== 'function') continue
    const returned = tasks.map((task) => task.output.result)
    results[step.name] = step.each === null ? (returned[0] ?? null) : returned
  }
  return {
    run,
    outputs,
    files,
    keys,
    digests,
    deadLetters,
    results,
    counters: Object.fromEntries(steps.map((step) => [step.name, step.counters])),
    controls: Object.fromEntries(steps.map((step) => [step.name, step.controls])),
    events: await store.listEvents({ after: 0, runId: run.runId, limit: 100_000 }),
    ...seen,
  }
}

interface PublishedOutput {
  readonly records: readonly object[]
  readonly files: Readonly<Record<string, Uint8Array>>
  readonly digests: readonly string[]
}

async function readOutput(dataset: DatasetDefinition, run: RunRow, project: string): Promise<PublishedOutput> {
  const nothing = { records: [], files: {}, digests: [] }
  if (dataset.location.kind !== 'published') return nothing
  const folder = join(project, dataset.location.folder)
  const manifest = await currentManifest(folder, dataset.window === null ? null : (run.window?.key ?? null))
  if (manifest === null) return nothing
  const digests = manifest.parts.map((part) => part.sha256)
  if (manifest.format === 'files') {
    const files: Record<string, Uint8Array> = {}
    for (const part of partPaths(folder, manifest)) files[part.file] = await readFile(part.path)
    return { records: manifest.parts.map(({ file, bytes, sha256 }) => ({ file, bytes, sha256 })), files, digests }
  }
  const records: object[] = []
  for (const part of partPaths(folder, manifest)) {
    for await (const batch of readPart(part.path, dataset)) records.push(...batch)
  }
  return { records, files: {}, digests }
}

async function lettersOf(paths: readonly string[]): Promise<readonly DeadLetter[]> {
  const letters: DeadLetter[] = []
  for (const path of paths) for await (const letter of readLetters(path)) letters.push(letter)
  return letters
}
