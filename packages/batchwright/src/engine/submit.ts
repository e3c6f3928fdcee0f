import type { Clock } from '../kernel/clock.ts'
import { canonicalJson, sha256 } from '../kernel/digest.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { JsonValue } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import { datasetsWritten, type JobDefinition } from '../job/index.ts'
import type { ArtifactRef, WindowValue } from '../protocol/index.ts'
import type { DeadLetterReplay, NewRun, NewStep, RunRow, Store } from '../store/index.ts'

export interface RunRequest {
  /** Key of the run's window as a person writes it: `2011-01`. Required exactly where the job has a window. */
  readonly window?: string
  /** As given: defaults are filled in from the job's schema. */
  readonly parameters?: Readonly<Record<string, JsonValue>>
  readonly artifact: ArtifactRef
  /** `same` (default): the run of this identity, finished or not. `next`: a new revision. */
  readonly revision?: 'same' | 'next'
  /** For runs without a window: the fire time or the caller's idempotency key. */
  readonly key?: string
  /** Who or what asks: `cli`, `schedule:...`. */
  readonly requestedBy: string
  readonly replay?: DeadLetterReplay
  /** Instead of the job's. */
  readonly tenant?: string
  /** Instead of the job's. */
  readonly priority?: number
}

export interface Chance {
  readonly clock: Clock
  readonly random: Random
}

/**
 * Makes a run of a job: its identity, its logical time and its seed follow from job, window and identity parameters, so
 * that the same request is the same run on every machine. Throws WINDOW_MISSING, WINDOW_UNEXPECTED, WINDOW_INVALID,
 * PARAMETER_UNKNOWN, PARAMETER_INVALID.
 */
export function newRun(job: JobDefinition, request: RunRequest, chance: Chance): NewRun {
  const window = windowOf(job, request.window)
  const given = request.parameters ?? {}
  const identity = identityOf(
    job,
    window,
    given,
    request.key ?? (window === null ? newId(chance.clock, chance.random) : null),
  )
  return {
    runId: newId(chance.clock, chance.random),
    job: job.name,
    window,
    identity,
    revision: request.revision ?? 'same',
    parameters: parametersOf(job, given),
    codeVersion: request.artifact.codeVersion,
    artifactPath: request.artifact.path,
    logicalTime: window?.end ?? new Date(chance.clock.now()).toISOString(),
    seed: Number.parseInt(identity.slice(0, 8), 16),
    steps: job.steps.map(newStep),
    requestedBy: request.requestedBy,
    replay: request.replay ?? null,
    tenant: request.tenant ?? job.tenant ?? '',
    priority: request.priority ?? job.priority ?? 0,
  }
}

/**
 * Submits a run. By hand and without a window it is a new one, unless one with the same identity parameters is unfinished:
 * then it is that one, so that running a killed job again goes on.
 */
export async function submitRun(
  store: Pick<Store, 'createRun' | 'listRuns'>,
  job: JobDefinition,
  request: RunRequest,
  chance: Chance,
): Promise<{ readonly run: RunRow; readonly created: boolean }> {
  const run = newRun(job, request, chance)
  if (run.window !== null || request.key !== undefined) return store.createRun(run)
  const unfinished = await unfinishedLike(store, job, run.parameters)
  if (unfinished === undefined) return store.createRun(run)
  return store.createRun({ ...run, identity: unfinished.identity, seed: unfinished.seed })
}

/** SHA-256 of the canonical JSON of job, window and identity parameters as given: a new parameter with a default changes nothing. */
export function identityOf(
  job: JobDefinition,
  window: WindowValue | null,
  given: Readonly<Record<string, JsonValue>>,
  key: string | null,
): string {
  const parameters: Record<string, JsonValue> = {}
  for (const name of job.parameters?.identity ?? []) {
    const value = given[name]
    if (value !== undefined) parameters[name] = value
  }
  const slice = window === null ? null : { kind: window.kind, key: window.key, timezone: window.timezone }
  return sha256(canonicalJson({ job: job.name, window: slice, parameters, key }))
}

function windowOf(job: JobDefinition, key: string | undefined): WindowValue | null {
  if (job.window === null) {
    if (key === undefined) return null
    throw new BatchwrightError({
      code: 'WINDOW_UNEXPECTED',
      message: `job ${JSON.stringify(job.name)} has no window; expected none, found ${JSON.stringify(key)}`,
      hint: 'Leave --window away, or declare a window in the job.',
    })
  }
  if (key !== undefined) return job.window.parse(key)
  throw new BatchwrightError({
    code: 'WINDOW_MISSING',
    message: `job ${JSON.stringify(job.name)} runs for one ${job.window.kind} at a time; expected a window, found none`,
    hint: 'Say which: --window KEY, as in --window 2011-01 for a month or --window 2011-01-04 for a day.',
    details: { job: job.name, kind: job.window.kind },
  })
}

function parametersOf(
  job: JobDefinition,
  given: Readonly<Record<string, JsonValue>>,
): Readonly<Record<string, JsonValue>> {
  if (job.parameters !== null) return job.parameters.parse(given)
  const names = Object.keys(given)
  if (names.length === 0) return {}
  throw new BatchwrightError({
    code: 'PARAMETER_UNKNOWN',
    message: `job ${JSON.stringify(job.name)} has no parameters; found ${names.join(', ')}`,
    hint: 'Leave them away, or declare parameters in the job.',
  })
}

function newStep(step: JobDefinition['steps'][number]): NewStep {
  const services = [...new Set([...step.services.values()].map(({ name }) => name))]
  return {
    name: step.name,
    kind: step.kind,
    after: step.after,
    publish: datasetsWritten(step).length === 0 ? 'none' : step.publish,
    ...(mayBeCut(step) ? { rebalance: true } : {}),
    ...(step.speculation === undefined ? {} : { speculation: step.speculation }),
    ...(step.pool === undefined ? {} : { pool: step.pool }),
    ...(services.length === 0 ? {} : { services }),
  }
}

/** What a step remembers of a partition, and requests that must be cut alike after a crash, belong to the whole of it. */
function mayBeCut(step: JobDefinition['steps'][number]): boolean {
  if (step.kind !== 'records' || step.rebalance === 'never' || step.stateVersion > 0) return false
  if (step.target !== null && step.target.batch > 1) return false
  return step.operations.every(({ operation }) => operation !== 'distinct')
}

async function unfinishedLike(
  store: Pick<Store, 'listRuns'>,
  job: JobDefinition,
  parameters: Readonly<Record<string, JsonValue>>,
): Promise<RunRow | undefined> {
  const names = job.parameters?.identity ?? []
  const identifying = (of: Readonly<Record<string, JsonValue>>): string =>
    canonicalJson(names.map((name) => of[name] ?? null))
  const { items } = await store.listRuns({ job: job.name, states: ['queued', 'running', 'failed', 'cancelled'] })
  const wanted = identifying(parameters)
  return items.find((run) => run.window === null && identifying(run.parameters) === wanted)
}
