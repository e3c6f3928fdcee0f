/** The composition root of `batchwright worker`: a process that works on whatever runs of the project there are. */
import { Worker } from '../../engine/index.ts'
import type { DescribeStep, WorkerHooks, WorkerOptions } from '../../engine/index.ts'
import { loadArtifact } from '../../runtime/index.ts'
import type { RunRow, Store } from '../../store/index.ts'
import type { StoreAddress } from '../../store/index.ts'
import { shownAddress } from '../../store/index.ts'
import { describeWith, executorsOf } from '../assembly.ts'
import { cleanAfter } from '../clean.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT } from '../failure.ts'
import { listenForInterrupts } from '../interrupt.ts'
import { duration, plural } from '../render/text.ts'
import type { Session } from '../session.ts'
import { tellTrouble } from '../trouble.ts'
import { runTitle } from '../view.ts'
import { aboutWorker } from './about.ts'
import { artifactPathIn, fetchArtifact } from './artifacts.ts'
import { coordinatorOf } from './coordinate.ts'
import { openPatiently } from './open-patiently.ts'
import { RunLogs } from './run-logs.ts'
import { answerToSupervisor } from './supervise.ts'
import type { ServiceLog } from './service-log.ts'
import { openServiceLog } from './service-log.ts'
import { busyWords, Tally } from './tally.ts'

export interface WorkOptions {
  readonly slots?: number
  readonly slotMemory?: number
  readonly name?: string
  /** Milliseconds from the first signal to the end of the process. */
  readonly grace?: number
}

/** Between two lines that say how the worker is. */
const HEALTH_MS = 60_000
/** Kept of the grace for giving tasks back and closing services, at the least; a third of a short grace. */
const LEAVE_MS = 5_000

/**
 * Works until a signal comes: then it takes no more tasks, has those under way commit and be given back unspent, and ends
 * within the grace. A second signal ends it at once.
 */
export async function work(session: Session, options: WorkOptions): Promise<ExitCode> {
  const log = openServiceLog(session)
  const stopping = new AbortController()
  const leave = (why: string): void => {
    stopping.abort(new Error(why))
  }
  const interrupts = listenForInterrupts(leave)
  const supervisor = answerToSupervisor(() => {
    leave('the supervisor has gone')
  })
  try {
    const store = await openPatiently(session, log, stopping.signal)
    if (store === null) return EXIT.succeeded
    await workOn(session, store, log, stopping.signal, { ...options, busy: (attempts) => supervisor?.say(attempts) })
    return EXIT.succeeded
  } finally {
    interrupts.release()
  }
}

async function workOn(
  session: Session,
  store: Store,
  log: ServiceLog,
  stopping: AbortSignal,
  options: WorkOptions & { readonly busy: (attempts: number) => void },
): Promise<void> {
  const { project, clock, random } = session
  const { configuration } = project
  const slots = options.slots ?? configuration.slots.value
  const name = options.name ?? configuration.workerName.value
  const graceMs = options.grace ?? configuration.workerGrace.value
  const leaseMs = configuration.workerLease.value
  const tally = new Tally(log, clock)
  const logs = new RunLogs(session, (error) => {
    log.say('log.failed', `lines of a run's log could not be written: ${String(error)}`)
  })
  const worker = new Worker({
    store,
    executors: executorsOf(session, options),
    describe: describeAndLearn(session, store, logs),
    artifactPath: artifactPathIn(project),
    about: { ...(await aboutWorker(session, store)), name },
    folders: { project: project.folder, state: project.state },
    slots,
    heartbeat: { kind: 'thread', store: project.store },
    leaseMs,
    heartbeatMs: Math.round(leaseMs / 3),
    ...paceOf(project.store),
    stopGraceMs: { preempted: graceMs - leaveMs(graceMs), paused: graceMs - leaveMs(graceMs) },
    clock,
    random,
    hooks: hooksOf(session, store, log, tally, logs, options.busy),
  })
  const about = `${plural(slots, 'slot')}, store ${shownAddress(project.store)}, project ${project.folder}`
  log.say('worker.started', `worker ${name} started: ${about}`, { name, slots, pid: process.pid })
  const coordinator = coordinatorOf(session, store, log)
  const coordinating = coordinator.run().catch((error: unknown) => {
    log.say('coordinator.failed', `does the duties of the coordinator no more: ${messageOf(error)}`)
  })
  const health = tellHealth(session, log, tally, slots)
  const leaving = leaveWithin(worker, graceMs, session, log, stopping)
  try {
    await worker.run()
  } finally {
    coordinator.stop()
    health.stop()
    leaving.stop()
    await coordinating
    tally.flush()
    await logs.close()
  }
  const { succeeded, retried, failed, returned, lost } = tally.totals
  const told = `${succeeded} succeeded, ${retried} retried, ${failed} failed, ${returned} given back, ${lost} lost`
  log.say('worker.ended', `worker ${name} ended: ${told}`, { name, succeeded, retried, failed, returned, lost })
}

/**
 * How often an idle worker asks. PostgreSQL tells who listens, and each question is one of its transactions: with a hundred
 * workers they add up.
 */
export function paceOf({ kind }: StoreAddress): Pick<WorkerOptions, 'pollMs' | 'reapEveryMs'> {
  return kind === 'sqlite' ? {} : { pollMs: 5_000, reapEveryMs: 2_000 }
}

function leaveMs(graceMs: number): number {
  return Math.min(LEAVE_MS, graceMs / 3)
}

function describeAndLearn({ project }: Session, store: Store, logs: RunLogs): DescribeStep {
  return describeWith(project.folder, {
    inline: false,
    patient: false,
    fetch: async (artifact) => {
      await fetchArtifact(project, store, artifact)
      await logs.learn(artifact)
    },
  })
}

function hooksOf(
  session: Session,
  store: Store,
  log: ServiceLog,
  tally: Tally,
  logs: RunLogs,
  busy: (attempts: number) => void,
): WorkerHooks {
  const trouble = tellTrouble((lines) => {
    log.say('store.trouble', lines.join('\n'))
  }, session.clock)
  return {
    log: (line) => {
      logs.write(line)
    },
    registered: (workerId) => {
      log.say('worker.registered', `known to the store as ${workerId}`, { workerId })
    },
    claimed: (tasks) => {
      tally.claimed(tasks)
      busy(tally.busy)
    },
    ended: (task, decision, stop) => {
      tally.ended(task, decision, stop)
      busy(tally.busy)
    },
    runEnded: async (run) => {
      tally.flush()
      log.say('run.ended', `${runTitle(run)} ${run.state} (run ${run.runId})`, { runId: run.runId, state: run.state })
      await cleanUp(session, store, run, log)
    },
    storeTrouble: (error) => {
      trouble.failed(error)
    },
    renewalMissed: (error) => {
      const why = error instanceof Error ? error.message : messageOf(error)
      log.say('lease.missed', `the lease could not be renewed: ${why}`)
    },
    reborn: (workerId) => {
      const text = 'was declared dead: what it ran was dropped, other workers go on with it; works again under a new id'
      log.say('worker.reborn', text, { workerId })
    },
  }
}

/** An error's report, as the heartbeat thread sends it. */
function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
}

async function cleanUp(session: Session, store: Store, run: RunRow, log: ServiceLog): Promise<void> {
  const file = artifactPathIn(session.project)(run.codeVersion, run.artifactPath)
  const job = await loadArtifact({ codeVersion: run.codeVersion, path: file })
  await cleanAfter({ project: session.project, store, run, job }, (lines) => {
    log.say('run.uncleaned', lines.join('\n'), { runId: run.runId })
  })
}

function tellHealth(session: Session, log: ServiceLog, tally: Tally, slots: number): { stop(): void } {
  const { clock } = session
  const tell = (): void => {
    const { succeeded, retried, failed } = tally.totals
    const busy = busyWords(tally.running(), slots)
    const since = `${succeeded} succeeded, ${retried} retried, ${failed} failed since the start`
    const memory = Math.round(process.memoryUsage.rss() / 1e6)
    log.say('worker.health', `${busy}; ${since}; ${memory} MB`, {
      slots,
      busy: tally.busy,
      succeeded,
      retried,
      failed,
      memoryMb: memory,
    })
    timer = clock.after(HEALTH_MS, tell)
  }
  let timer = clock.after(HEALTH_MS, tell)
  return {
    stop: () => {
      timer.stop()
    },
  }
}

/** At the signal: drain; near the end of the grace: end the slots; at its end: the process, whatever hangs. */
function leaveWithin(
  worker: Worker,
  graceMs: number,
  { clock }: Session,
  log: ServiceLog,
  stopping: AbortSignal,
): { stop(): void } {
  const timers: { stop(): void }[] = []
  const leave = (): void => {
    const reason: unknown = stopping.reason
    const signal = reason instanceof Error ? reason.message : String(reason)
    const text = `${signal}: takes no more tasks; those under way commit and are given back, within ${duration(graceMs)}`
    log.say('worker.draining', `${text}; once more stops at once`, { signal, graceMs, busy: worker.busy })
    worker.drain()
    timers.push(
      clock.after(graceMs - leaveMs(graceMs) / 2, () => {
        log.say('worker.aborting', 'the grace is nearly over: what still runs is ended where it is')
        worker.drain()
      }),
      clock.after(graceMs, () => {
        log.say('worker.killed', 'the grace is over: ended with work under way; its leases run out')
        process.exit(EXIT.failed)
      }),
    )
  }
  if (stopping.aborted) leave()
  else stopping.addEventListener('abort', leave, { once: true })
  return {
    stop: () => {
      stopping.removeEventListener('abort', leave)
      for (const timer of timers) timer.stop()
    },
  }
}
