/** `workers`: who works here, what they hold, and how many are wanted. */
import { workersWanted } from '../../engine/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { HeldTask, OpenStep, WorkerRow } from '../../store/index.ts'
import { isAtWork } from '../fleet/workers.ts'
import { workerLines } from '../render/workers.ts'
import { count, duration, isoOrNull, plural } from '../render/text.ts'
import type { Session } from '../session.ts'

export interface WorkersOptions {
  readonly wanted?: boolean
  readonly min?: number
  readonly max?: number
  readonly slots?: number
  readonly drain?: number
  readonly all?: boolean
}

/** A worker with what it holds. */
export interface WorkerView extends WorkerRow {
  readonly atWork: boolean
  /** Store's clock, milliseconds since the epoch: its last renewal. */
  readonly lastSeenAt: number
  readonly held: readonly HeldTask[]
}

/** `batchwright workers`: `{ total, items: [worker] }`; with --wanted how many there should be. */
export async function workers(session: Session, options: WorkersOptions): Promise<void> {
  if (options.wanted === true) return wanted(session, options)
  const { terminal } = session
  const store = await session.store()
  const [rows, held, now] = await Promise.all([
    store.listWorkers(options.all === true ? {} : { states: ['alive'] }),
    store.listHeld(),
    store.now(),
  ])
  const views = rows.map((row) => ({
    ...row,
    atWork: isAtWork(row, now),
    lastSeenAt: row.expiresAt - row.leaseMs,
    held: held.filter(({ workerId }) => workerId === row.workerId),
  }))
  terminal.printJson({ total: views.length, items: views.map(workerJson) })
  if (views.length === 0) terminal.print(['no worker is there; `batchwright worker` starts one'])
  else terminal.print(workerLines(views, { ...terminal, now }))
}

function workerJson(worker: WorkerView): JsonValue {
  const { workerId, name, host, pid, slots, version, state, atWork, lastSeenAt, expiresAt, leaseMs, held } = worker
  return {
    workerId,
    name: name ?? null,
    host,
    pid,
    slots: slots ?? null,
    version: version ?? null,
    state: state === 'alive' && !atWork ? 'expired' : state,
    lastSeenAt: isoOrNull(lastSeenAt),
    leaseUntil: isoOrNull(expiresAt),
    leaseMs,
    held: held.map(({ runId, job, window, step, kind, index, leasedAt }) => ({
      runId,
      job,
      window: window?.key ?? null,
      step,
      kind,
      index,
      leasedAt: isoOrNull(leasedAt),
    })),
  }
}

/** What a scaler outside asks for: one number, and what it comes from. */
async function wanted(session: Session, options: WorkersOptions): Promise<void> {
  const { terminal, project } = session
  const store = await session.store()
  const [load, alive, now] = await Promise.all([
    store.fleetLoad(),
    store.listWorkers({ states: ['alive'] }),
    store.now(),
  ])
  const present = alive.filter((worker) => isAtWork(worker, now)).length
  const slotsPerWorker = options.slots ?? project.configuration.slots.value
  const drainMs = options.drain ?? DRAIN_MS
  const rules = { min: options.min ?? 0, max: options.max ?? Number.MAX_SAFE_INTEGER, slotsPerWorker, drainMs }
  const number = workersWanted(load, rules)
  const sum = (of: (step: OpenStep) => number): number => load.reduce((total, step) => total + of(step), 0)
  const remaining = sum((step) => step.remaining)
  const leased = sum((step) => step.leased)
  terminal.printJson({
    wanted: number,
    present,
    remaining,
    leased,
    slotsPerWorker,
    drainMs,
    steps: load.map((step) => ({ ...step })),
  })
  const work =
    remaining === 0 ? 'nothing is left to do' : `${plural(remaining, 'task')} left, ${count(leased)} under way`
  terminal.print([
    `${plural(number, 'worker')} wanted, ${count(present)} there`,
    `  ${work}; ${plural(slotsPerWorker, 'slot')} a worker, to be done within ${duration(drainMs)}`,
  ])
}

const DRAIN_MS = 30_000
