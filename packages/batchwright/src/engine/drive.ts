import { systemClock } from '../kernel/clock.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { systemRandom } from '../kernel/random.ts'
import type { RunRow, Store } from '../store/index.ts'
import { ENDED_RUN_STATES } from '../store/index.ts'
import type { Duty } from './coordinator/duty.ts'
import type { WorkerOptions } from './options.ts'
import { stragglers, type StragglerOptions } from './stragglers/duty.ts'
import { Worker } from './worker.ts'

/** Changes are noticed when they happen; this is how often one looks where the store cannot tell. */
const LOOK_MS = 1_000

function hasEnded(run: RunRow): boolean {
  return ENDED_RUN_STATES.some((state) => state === run.state)
}

/**
 * Waits for the end of runs that any worker may be working on. Resolves with their rows, in the order asked, when all have
 * ended, or as they stand when `signal` is aborted. Throws RUN_NOT_FOUND.
 */
export async function followRuns(
  store: Pick<Store, 'getRun' | 'waitForChange'>,
  runIds: readonly string[],
  signal?: AbortSignal,
): Promise<readonly RunRow[]> {
  for (;;) {
    const listening = new AbortController()
    const change = store.waitForChange(
      LOOK_MS,
      signal === undefined ? listening.signal : AbortSignal.any([signal, listening.signal]),
    )
    try {
      const rows = await Promise.all(runIds.map((runId) => requireRun(store, runId)))
      if (rows.every(hasEnded) || signal?.aborted === true) return rows
      await change
    } finally {
      listening.abort()
    }
  }
}

export interface DriveOptions extends Omit<WorkerOptions, 'runs'> {
  /** When attempts that lag behind are looked after; default: as a coordinator does. */
  readonly stragglers?: Omit<StragglerOptions, 'runs' | 'idle'>
}

/** A run driven inside this process. */
export interface Drive {
  readonly worker: Worker
  /** The rows of the runs when they have ended, or as the drained worker left them. */
  readonly ended: Promise<readonly RunRow[]>
}

/**
 * Works on the given runs, and no others, until they have ended. Several processes may drive the same runs at once: each
 * takes what it has slots for. `worker.drain()` leaves early, work kept.
 */
export function driveRuns(runIds: readonly string[], options: DriveOptions): Drive {
  const worker = new Worker({ ...options, runs: runIds })
  return { worker, ended: drive(worker, runIds, options) }
}

async function drive(worker: Worker, runIds: readonly string[], options: DriveOptions): Promise<readonly RunRow[]> {
  const { store } = options
  const left = new AbortController()
  const working = worker.run().finally(() => {
    left.abort()
  })
  const duty = stragglers({ ...options.stragglers, runs: runIds, idle: () => options.slots - worker.busy })
  const looking = lookAfter(duty, options, left.signal)
  const following = followRuns(store, runIds, left.signal).finally(() => {
    if (!left.signal.aborted) worker.drain()
  })
  const [, rows] = await Promise.all([working, following, looking])
  return rows
}

/** Does a duty for as long as the process works on its runs: whoever drives runs needs no coordinator beside it. */
async function lookAfter(duty: Duty, options: DriveOptions, signal: AbortSignal): Promise<void> {
  const { store, clock = systemClock, random = systemRandom, hooks } = options
  for (;;) {
    try {
      await clock.sleep(duty.everyMs, signal)
      await duty.pass({ store, clock, random, signal })
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof BatchwrightError) || !error.retryable) throw error
      hooks?.storeTrouble?.(error, duty.everyMs)
    }
  }
}

async function requireRun(store: Pick<Store, 'getRun'>, runId: string): Promise<RunRow> {
  const run = await store.getRun(runId)
  if (run !== null) return run
  throw new BatchwrightError({
    code: 'RUN_NOT_FOUND',
    message: `expected a run with id ${runId}; the store has none`,
    hint: '`runs` lists the runs there are.',
  })
}
