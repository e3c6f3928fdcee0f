/** The composition root of a run in this process: store, executors, engine and log put together, and the run seen to its end. */
import { driveRuns } from '../engine/index.ts'
import type { WorkerHooks } from '../engine/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { openRunLog } from '../observe/index.ts'
import type { RunLog } from '../observe/index.ts'
import { loadArtifact } from '../runtime/index.ts'
import type { RunRow, Store } from '../store/contract.ts'
import { describeWith, executorsOf, redactionOf } from './assembly.ts'
import { runFolder } from './project.ts'
import { wrap } from './render/text.ts'
import { cleanAfter } from './clean.ts'
import { artifactPathIn, fetchArtifact } from './fleet/artifacts.ts'
import { aboutWorker } from './fleet/about.ts'
import { followRun } from './fleet/follow.ts'
import { isInspected } from './inspect.ts'
import type { InspectOptions } from './inspect.ts'
import { listenForInterrupts } from './interrupt.ts'
import type { Session } from './session.ts'
import { tellTrouble } from './trouble.ts'
import { watchRun } from './watch.ts'
import type { SlowPartition } from './render/live.ts'
import type { Watch, WatchOptions } from './watch.ts'

export interface ExecutionOptions extends InspectOptions {
  /** Attempts at a time; default as configured, else one for each core. */
  readonly slots?: number
  /** Bytes of one slot's heap; default as configured, else the executor's. */
  readonly slotMemory?: number
  /** Steps run in this thread. */
  readonly inline?: boolean
  /** Works in this process too, where workers elsewhere would do it alone. */
  readonly local?: boolean
  /** Returns as soon as the run is made. */
  readonly detach?: boolean
}

/** How this process's work on a run ended. */
export interface Execution {
  readonly run: RunRow
  /** A signal asked to stop before the run had ended. */
  readonly interrupted: boolean
  /** Left to workers elsewhere: the run goes on. */
  readonly detached: boolean
  /** Partitions that took much longer than their siblings, as far as this process worked on them. */
  readonly slow: readonly SlowPartition[]
}

/**
 * Sees a run to its end, or until it is paused or a signal comes. With the embedded store this process does the work, and
 * others may help; with PostgreSQL the fleet's workers do it and this process looks on, unless it is told to work too.
 */
export function execute(
  session: Session,
  run: RunRow,
  options: ExecutionOptions,
  range?: WatchOptions['range'],
): Promise<Execution> {
  if (options.detach === true || !worksHere(session, options)) return followRun(session, run, options, range)
  return workOn(session, run, options, range)
}

/** Options that say how steps run here ask for them to run here. */
function worksHere({ project }: Session, options: ExecutionOptions): boolean {
  const { local, inline, slots, slotMemory, inspect, inspectBrk } = options
  if (project.store.kind === 'sqlite' || local === true || inline === true) return true
  return [slots, slotMemory, inspect, inspectBrk].some((given) => given !== undefined)
}

/** Works on a run in this process. Another process may be working on it too. */
async function workOn(
  session: Session,
  run: RunRow,
  options: ExecutionOptions,
  range?: WatchOptions['range'],
): Promise<Execution> {
  const store = await session.store()
  const { terminal, clock, random, project } = session
  const artifact = { codeVersion: run.codeVersion, path: artifactPathIn(project)(run.codeVersion, run.artifactPath) }
  await fetchArtifact(project, store, artifact)
  const definition = await loadArtifact(artifact)
  const log = openRunLog({
    folder: runFolder(project, run.runId),
    clock,
    redact: await redactionOf(definition),
  })
  const inspected = isInspected()
  if (inspected) terminal.note(wrap(INSPECTED_NOTE, terminal.liveWidth))
  const watch = watchRun(store, run, terminal, clock, {
    plain: options.inline === true || inspected,
    ...(range === undefined ? {} : { range }),
  })
  const drive = driveRuns([run.runId], {
    store,
    executors: executorsOf(session, { ...options, stopAtFirstCall: options.inspectBrk !== undefined }),
    describe: describeWith(project.folder, {
      inline: options.inline === true,
      patient: inspected,
      fetch: (artifact) => fetchArtifact(project, store, artifact),
    }),
    artifactPath: artifactPathIn(project),
    about: await aboutWorker(session, store),
    folders: { project: project.folder, state: project.state },
    slots: options.slots ?? (inspected ? 1 : project.configuration.slots.value),
    heartbeat: { kind: 'thread', store: project.store },
    // Whoever stands at a breakpoint is silent, and alive: the thread beside goes on to renew the lease.
    ...(inspected ? { silenceMs: Number.POSITIVE_INFINITY } : {}),
    clock,
    random,
    hooks: hooksOf(log, watch, clock),
  })
  watch.follow(drive.worker.progress)
  const interrupts = listenForInterrupts((signal) => {
    watch.remark(`${signal}: stopping at the next commit, so that nothing is lost; once more stops at once`)
    drive.worker.drain()
  })
  const pause = drainWhenPaused(session, store, run.runId, () => {
    drive.worker.drain()
  })
  try {
    const [row] = await drive.ended
    if (row !== undefined && row.endedAt !== null) {
      await cleanAfter({ project, store, run: row, job: definition }, (lines) => {
        watch.say(lines)
      })
    }
    const interrupted = interrupts.signal.aborted && row?.endedAt === null
    return { run: row ?? run, interrupted, detached: false, slow: watch.slow() }
  } finally {
    pause.stop()
    interrupts.release()
    await watch.stop()
    await closeLog(log, session)
  }
}

const INSPECTED_NOTE =
  'a debugger may hold this run: time-outs of steps and of the job are off, and one attempt runs at a time unless --slots says more'

function hooksOf(log: RunLog, watch: Watch, clock: Clock): WorkerHooks {
  const trouble = tellTrouble((lines) => {
    watch.say(lines)
  }, clock)
  return {
    log: ({ at, level, message, fields, step, index, attempt }) => {
      log.write({ at, level, message, step, index, attempt, ...(fields === undefined ? {} : { fields }) })
    },
    storeTrouble: (error) => {
      trouble.failed(error)
    },
  }
}

/** How soon a pause by another process ends this one's work. */
const PAUSE_LOOK_MS = 500

function drainWhenPaused(session: Session, store: Store, runId: string, drain: () => void): { stop(): void } {
  const ended = new AbortController()
  const look = async (): Promise<void> => {
    for (;;) {
      await store.waitForChange(PAUSE_LOOK_MS, ended.signal)
      if (ended.signal.aborted) return
      const run = await store.getRun(runId)
      if (run?.paused !== true) continue
      drain()
      return
    }
  }
  look().catch((error: unknown) => {
    // The worker has the same trouble with the store, and deals with it.
    if (session.terminal.verbose) session.terminal.note([`looking for a pause: ${String(error)}`])
  })
  return {
    stop: () => {
      ended.abort()
    },
  }
}

async function closeLog(log: RunLog, session: Session): Promise<void> {
  try {
    await log.close()
  } catch (error) {
    session.terminal.note([
      `the run's log could not be written: ${error instanceof Error ? error.message : String(error)}`,
    ])
  }
}
