/** `batchwright worker --min --max`: a process that starts and stops worker processes as the work comes and goes. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { Autoscaler, StoreContact } from '../../engine/index.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT } from '../failure.ts'
import { listenForInterrupts } from '../interrupt.ts'
import { count, plural } from '../render/text.ts'
import type { Session } from '../session.ts'
import { tellTrouble } from '../trouble.ts'
import { openPatiently } from './open-patiently.ts'
import type { ServiceLog } from './service-log.ts'
import { openServiceLog } from './service-log.ts'

export interface SuperviseOptions {
  readonly min: number
  readonly max: number
  /** Of each worker. */
  readonly slots: number
  readonly name: string
  readonly graceMs: number
  /** The command line of a worker, after the program's own file: `worker --slots 2 ...`. */
  readonly command: readonly string[]
  /** For tests: how soon more and less are believed. */
  readonly upMs?: number
  readonly downMs?: number
}

/** Between two looks at the work. */
const LOOK_MS = 1_000
/** A worker that ends by itself is replaced after this time, doubled each time up to the longest. */
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000
/** One that has lived so long ended for another reason than the last. */
const LIVED_MS = 60_000

/** Follows the work until a signal comes; then every worker is told, and waited for. */
export async function supervise(session: Session, options: SuperviseOptions): Promise<ExitCode> {
  const log = openServiceLog(session)
  const stopping = new AbortController()
  const interrupts = listenForInterrupts((signal) => {
    stopping.abort(new Error(signal))
  })
  const crew = new Crew(session, log, options)
  try {
    const store = await openPatiently(session, log, stopping.signal)
    if (store === null) return EXIT.succeeded
    const { clock, random } = session
    const trouble = tellTrouble((lines) => {
      log.say('store.trouble', lines.join('\n'))
    }, clock)
    const contact = new StoreContact({
      clock,
      random,
      longestSilenceMs: LOOK_MS * 10,
      signal: stopping.signal,
      onError: (error) => {
        trouble.failed(error)
      },
    })
    const { min, max, slots, upMs, downMs } = options
    const scaler = new Autoscaler({
      min,
      max,
      slotsPerWorker: slots,
      ...(upMs === undefined ? {} : { upMs }),
      ...(downMs === undefined ? {} : { downMs }),
    })
    log.say('scaling.started', `keeps ${min} to ${max} workers of ${plural(slots, 'slot')}`, { min, max, slots })
    try {
      for (;;) {
        const load = await contact.call(() => store.fleetLoad())
        const left = load.reduce((sum, step) => sum + step.remaining, 0)
        crew.scaleTo(scaler.decide(clock.monotonic(), load, crew.size), left)
        await clock.sleep(LOOK_MS, stopping.signal)
      }
    } catch (error) {
      if (!stopping.signal.aborted) throw error
    }
    return EXIT.succeeded
  } finally {
    await crew.dismiss()
    interrupts.release()
  }
}

interface Member {
  readonly child: ChildProcess
  readonly name: string
  readonly exited: Promise<void>
  /** Attempts that it runs, as it last said. */
  busy: number
}

/** The worker processes, by the order they were started in. */
class Crew {
  readonly #session: Session
  readonly #log: ServiceLog
  readonly #options: SuperviseOptions
  readonly #members: Member[] = []
  readonly #leaving = new Set<Member>()
  #started = 0
  #waitMs = FIRST_WAIT_MS
  #notBefore = 0

  constructor(session: Session, log: ServiceLog, options: SuperviseOptions) {
    this.#session = session
    this.#log = log
    this.#options = options
  }

  /** Those that were not told to leave. */
  get size(): number {
    return this.#members.length
  }

  /** Starts workers, or tells those with the least to do to leave. */
  scaleTo(wanted: number, left: number): void {
    const before = this.size
    if (wanted > before && this.#session.clock.monotonic() < this.#notBefore) return
    while (this.size < wanted) this.#start()
    while (this.size > wanted) {
      const idlest = this.#members.toSorted((one, other) => one.busy - other.busy)[0]
      if (idlest === undefined) break
      this.#tellToLeave(idlest)
    }
    if (this.size !== before) {
      const why = left === 0 ? 'nothing is left to do' : `${plural(left, 'task')} left`
      this.#log.say('scaled', `${count(this.size)} workers instead of ${count(before)}: ${why}`, {
        workers: this.size,
        before,
        remaining: left,
      })
    }
  }

  /** Tells all to leave, and waits; those that are still there after their grace are killed. */
  async dismiss(): Promise<void> {
    for (const member of [...this.#members]) this.#tellToLeave(member)
    const leaving = [...this.#leaving]
    const killing = this.#session.clock.after(this.#options.graceMs + 2_000, () => {
      for (const { child } of leaving) child.kill('SIGKILL')
    })
    await Promise.all(leaving.map(({ exited }) => exited))
    killing.stop()
  }

  #start(): void {
    this.#started += 1
    const name = `${this.#options.name}-${this.#started}`
    const program = process.argv[1] ?? ''
    const child = spawn(process.execPath, [...process.execArgv, program, ...this.#options.command, '--name', name], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const began = this.#session.clock.monotonic()
    const exited = new Promise<void>((resolve) => {
      child.on('error', (error) => {
        this.#log.say('worker.unstarted', `${name} could not be started: ${error.message}`, { name })
        resolve()
      })
      child.on('exit', () => {
        resolve()
      })
    })
    const member: Member = { child, name, exited, busy: 0 }
    child.on('message', (message) => {
      if (typeof message === 'object' && 'busy' in message) member.busy = Number(message.busy)
    })
    this.#members.push(member)
    void exited.then(() => {
      this.#gone(member, this.#session.clock.monotonic() - began)
    })
  }

  #tellToLeave(member: Member): void {
    this.#members.splice(this.#members.indexOf(member), 1)
    this.#leaving.add(member)
    member.child.kill('SIGTERM')
  }

  /** One that was not told to leave is missed: it is replaced, later and later where none lives long. */
  #gone(member: Member, livedMs: number): void {
    if (this.#leaving.delete(member)) return
    this.#members.splice(this.#members.indexOf(member), 1)
    const { exitCode, signalCode } = member.child
    if (livedMs >= LIVED_MS) this.#waitMs = FIRST_WAIT_MS
    this.#notBefore = this.#session.clock.monotonic() + this.#waitMs
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS)
    const how = signalCode ?? `exit code ${exitCode}`
    this.#log.say('worker.gone', `${member.name} ended by itself (${how})`, { name: member.name, how })
  }
}

/** In a worker that was started by a supervisor: it leaves when that one has gone, and says how busy it is. */
export function answerToSupervisor(leave: () => void): { say(busy: number): void } | null {
  if (process.send === undefined) return null
  process.once('disconnect', leave)
  return {
    say: (busy) => {
      if (process.connected) process.send?.({ busy })
    },
  }
}
