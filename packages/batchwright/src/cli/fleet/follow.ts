/** A run that workers elsewhere do the work of: shown here from what the store says, and left to them by Ctrl-C. */
import { StoreContact } from '../../engine/index.ts'
import type { RunRow, Store } from '../../store/index.ts'
import type { Execution, ExecutionOptions } from '../execute.ts'
import { listenForInterrupts } from '../interrupt.ts'
import type { Session } from '../session.ts'
import { tellTrouble } from '../trouble.ts'
import type { Watch, WatchOptions } from '../watch.ts'
import { watchRun } from '../watch.ts'
import { isAtWork } from './workers.ts'

/** Changes are noticed when they happen; this is how often one looks where the store cannot tell. */
const LOOK_MS = 1_000
/** How often one looks for workers. */
const WORKERS_MS = 5_000
const NO_WORKER = 'no worker is there: start one with `batchwright worker`, or run with --local'

/** Looks on until the run has ended or is paused. A signal ends the looking, not the run. */
export async function followRun(
  session: Session,
  run: RunRow,
  options: Pick<ExecutionOptions, 'detach'>,
  range?: WatchOptions['range'],
): Promise<Execution> {
  const store = await session.store()
  if (options.detach === true) return { run, interrupted: false, detached: true, slow: [] }
  const { terminal, clock, random } = session
  const watch = watchRun(store, run, terminal, clock, range === undefined ? {} : { range })
  const interrupts = listenForInterrupts(() => undefined)
  const trouble = tellTrouble((lines) => {
    watch.say(lines)
  }, clock)
  const contact = new StoreContact({
    clock,
    random,
    longestSilenceMs: LOOK_MS * 10,
    signal: interrupts.signal,
    onError: (error) => {
      trouble.failed(error)
    },
  })
  const workers = lookForWorkers(store, contact, session, watch, interrupts.signal)
  try {
    const row = await untilEnded(store, contact, run, interrupts.signal)
    const detached = interrupts.signal.aborted && row.endedAt === null
    return { run: row, interrupted: detached, detached, slow: watch.slow() }
  } finally {
    workers.stop()
    interrupts.release()
    await watch.stop()
  }
}

async function untilEnded(store: Store, contact: StoreContact, run: RunRow, signal: AbortSignal): Promise<RunRow> {
  let row = run
  try {
    for (;;) {
      const listening = new AbortController()
      const changed = store.waitForChange(LOOK_MS, AbortSignal.any([signal, listening.signal]))
      try {
        row = (await contact.call(() => store.getRun(run.runId))) ?? row
        if (row.endedAt !== null || row.paused || signal.aborted) return row
        await changed
      } finally {
        listening.abort()
      }
    }
  } catch (error) {
    // A signal ends the patience with a store that does not answer: the run stands as it was last seen.
    if (signal.aborted) return row
    throw error
  }
}

/** Says so while nobody is there to do the work. */
function lookForWorkers(
  store: Store,
  contact: StoreContact,
  { clock, terminal }: Session,
  watch: Watch,
  signal: AbortSignal,
): { stop(): void } {
  const stopped = new AbortController()
  const either = AbortSignal.any([signal, stopped.signal])
  const look = async (): Promise<void> => {
    for (;;) {
      const now = await contact.call(() => store.now())
      const workers = await contact.call(() => store.listWorkers())
      watch.remark(workers.some((worker) => isAtWork(worker, now)) ? null : NO_WORKER)
      await clock.sleep(WORKERS_MS, either)
    }
  }
  look().catch((error: unknown) => {
    // Following has the same trouble with the store, and deals with it.
    if (!either.aborted && terminal.verbose) terminal.note([`looking for workers: ${String(error)}`])
  })
  return {
    stop: () => {
      stopped.abort()
    },
  }
}
