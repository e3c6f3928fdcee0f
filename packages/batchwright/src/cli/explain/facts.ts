/** What `explain RUN` is told from: rows and events of one run, read in pages that stay small however large the run is. */
import { isSurelyDead, ownIdentity } from '../../engine/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type {
  AttemptRow,
  EventCount,
  PublicationRow,
  RunActivity,
  RunRow,
  StepRow,
  Store,
  StoreEvent,
  WorkerRow,
  WaitingStep,
} from '../../store/contract.ts'
import type { Snapshot } from '../../protocol/index.ts'

/** Told one by one: of each there are as many as people or steps, not as many as tasks. */
const SINGLE_EVENTS = [
  'run.created',
  'run.paused',
  'run.resumed',
  'run.reopened',
  'run.running',
  'run.cancelled',
  'run.failed',
  'run.succeeded',
  'step.adopted',
  'task.restarted',
  'task.failed',
] as const
/** Told one by one while they are few; summed up beyond that. */
const FEW = 12
/** Lost leases whose tasks are followed to their next attempt. */
const FOLLOWED = 6

/** What was done about partitions that lagged behind. */
export const STRAGGLER_EVENTS = ['task.split', 'split.declined', 'task.copied', 'copy.won', 'copy.dropped'] as const

export interface RunFacts {
  readonly run: RunRow
  readonly now: number
  readonly steps: readonly StepRow[]
  readonly publications: readonly PublicationRow[]
  /** Of the datasets and windows that it published, what is published now. */
  readonly current: readonly PublicationRow[]
  /** The newest later revision that has succeeded. */
  readonly overtakenBy: RunRow | null
  readonly snapshots: readonly { readonly step: string; readonly snapshot: Snapshot }[]
  readonly counts: readonly EventCount[]
  readonly events: readonly StoreEvent[]
  /** Null where there are too many to tell one by one. */
  readonly retries: readonly StoreEvent[] | null
  /** What was done about slow partitions; null where it is too much to tell one by one. */
  readonly stragglers: readonly StoreEvent[] | null
  readonly lost: readonly LostLease[]
  readonly activity: RunActivity
  readonly workers: readonly WorkerRow[]
  /** Ids of those among them whose process is gone from this machine, though no one has taken their tasks over yet. */
  readonly gone: ReadonlySet<string>
  /** Attempts under way; at most a few hundred. */
  readonly running: readonly AttemptRow[]
  /** Milliseconds until the next task that waits for its retry is due. */
  readonly nextDueMs: number | null
  /** Steps whose tasks have to wait for a place in a pool or of their tenant. */
  readonly waitingSteps: readonly WaitingStep[]
  /** When the run was last taken up, or created. */
  readonly queuedAt: number
}

/** Tasks that came back because their worker died or left, and what became of some of them. */
export interface LostLease {
  readonly event: StoreEvent
  readonly followed: readonly { readonly lost: AttemptRow; readonly next: AttemptRow | null }[]
}

export async function gatherRunFacts(store: Store, run: RunRow): Promise<RunFacts> {
  const { runId } = run
  const counts = await store.countEvents(runId)
  const events = await store.listEvents({ after: 0, runId, types: SINGLE_EVENTS })
  const now = await store.now()
  const unfinished = run.endedAt === null
  const workers = unfinished ? await store.listWorkers() : []
  const own = ownIdentity()
  const publications = await store.listPublications({ runId })
  return {
    run,
    now,
    counts,
    events,
    steps: await store.listSteps(runId),
    publications,
    current: await currentOf(store, publications),
    overtakenBy: await overtaking(store, run),
    snapshots: await store.listSnapshots(runId),
    retries: await fewOf(store, runId, counts, ['task.retried']),
    stragglers: await fewOf(store, runId, counts, STRAGGLER_EVENTS),
    lost: await lostLeases(store, runId),
    activity: await store.runActivity(runId, { from: run.createdAt, to: run.endedAt ?? now, buckets: 1 }),
    workers,
    gone: new Set(workers.filter((worker) => isSurelyDead(worker, own)).map(({ workerId }) => workerId)),
    running: unfinished ? await runningAttempts(store, runId) : [],
    nextDueMs: unfinished ? await store.nextDue([runId]) : null,
    waitingSteps: unfinished ? await store.waitingSteps(runId) : [],
    queuedAt: events.findLast(({ type }) => type === 'run.reopened')?.at ?? run.createdAt,
  }
}

async function currentOf(store: Store, published: readonly PublicationRow[]): Promise<readonly PublicationRow[]> {
  const all = await Promise.all(
    published.map(async ({ dataset, window }) => {
      const versions = await store.listPublications({ dataset, windowKey: window?.key ?? null })
      return versions.findLast(({ state }) => state === 'published')
    }),
  )
  return all.filter((version) => version !== undefined)
}

async function overtaking(store: Store, { job, identity, revision }: RunRow): Promise<RunRow | null> {
  const { items } = await store.listRuns({ job, identity, states: ['succeeded'], limit: 1 })
  return items.find((each) => each.revision > revision) ?? null
}

async function fewOf(
  store: Store,
  runId: string,
  counts: readonly EventCount[],
  types: readonly string[],
): Promise<readonly StoreEvent[] | null> {
  const total = counts.filter((each) => types.includes(each.type)).reduce((sum, each) => sum + each.count, 0)
  return total > FEW ? null : store.listEvents({ after: 0, runId, types })
}

async function runningAttempts(store: Store, runId: string): Promise<readonly AttemptRow[]> {
  const leased = await store.listTasks(runId, { states: ['leased'], limit: 200 })
  const attempts = await Promise.all(
    leased.map(async ({ step, kind, index }) => {
      const all = await store.listAttempts(runId, { step, kind, ...(index === null ? {} : { index }) })
      return all.filter(({ endedAt }) => endedAt === null)
    }),
  )
  return attempts.flat()
}

/** Releases whose cause was not a wish of somebody: a death, a departure, a silence. The first few, oldest first. */
async function lostLeases(store: Store, runId: string): Promise<readonly LostLease[]> {
  const events = await store.listEvents({ after: 0, runId, types: ['tasks.released'], limit: 200 })
  const lost: LostLease[] = []
  let followed = 0
  for (const event of events) {
    const partitions = numbersOf(event.data['partitions'])
    const chosen = event.data['reason'] === 'worker dead' ? partitions.slice(0, Math.max(0, FOLLOWED - followed)) : []
    followed += chosen.length
    lost.push({
      event,
      followed: (await Promise.all(chosen.map((index) => follow(store, runId, event, index)))).flat(),
    })
  }
  return lost
}

async function follow(
  store: Store,
  runId: string,
  { at, step }: StoreEvent,
  index: number,
): Promise<LostLease['followed']> {
  if (step === null) return []
  const attempts = await store.listAttempts(runId, { step, kind: 'partition', index })
  const place = attempts.findIndex(({ endedAt, outcome }) => endedAt === at && outcome === 'crashed')
  const lost = attempts[place]
  return lost === undefined ? [] : [{ lost, next: attempts[place + 1] ?? null }]
}

export function numbersOf(value: JsonValue | undefined): readonly number[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'number') : []
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
