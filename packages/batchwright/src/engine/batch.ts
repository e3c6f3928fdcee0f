import type { Timer } from '../kernel/clock.ts'
import type { ErrorReport } from '../kernel/errors.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import type { Slot, SlotCallbacks } from '../executors/index.ts'
import { BatchBoard } from '../executors/index.ts'
import type { BatchAssignment, BatchEnd, Refusal, StopReason } from '../protocol/index.ts'
import { outputOf } from '../protocol/index.ts'
import type { ClaimedTask, EndedLease, ReturnedLease, TaskLease } from '../store/index.ts'
import { assembleBatch } from './assemble.ts'
import type { AttemptServices } from './attempt.ts'
import type { StepFacts } from './facts.ts'
import { DEFAULT_RETRY } from './facts.ts'
import { withNamesOf } from './names.ts'
import { progressOf } from './progress.ts'
import type { Decision } from './retry.ts'
import { decideEnd } from './retry.ts'
import { attemptTimedOut, runTimedOut, timeLeft } from './time-limits.ts'
import { isHardStop, isStronger, type Work, type WorkEnd } from './work.ts'

/** How often one looks which attempt is at work: what is still there at the next look is written as started. */
const LOOK_MS = 100

/**
 * Short attempts of one step, from one claim, one after the other in one slot. Each has its own lease and end, as if it ran
 * alone; what they share is the way: one message out, a few back, one store call for many ends. Where the batch ends before
 * its time (stopped, timed out, the slot dead), those that had not begun go back unspent.
 */
export class Batch implements Work {
  readonly #tasks: readonly [ClaimedTask, ...ClaimedTask[]]
  readonly #first: ClaimedTask
  readonly #services: AttemptServices
  readonly #board: BatchBoard
  /** Places whose ends are not in the store yet, by task. */
  readonly #held: Map<number, number>
  /** Ends that have been told. */
  readonly #ended: boolean[]
  readonly #recording = new Set<Promise<void>>()
  /** By task: what must be in the store, or refused, before its end. */
  readonly #writes = new Map<number, Promise<unknown>>()
  /** Attempts that take longer, whose starts were written. */
  readonly #started = new Set<number>()
  readonly #holders = new Map<number, object>()
  #facts: StepFacts | null = null
  #slot: Slot | null = null
  /** Of its slot, from 1: for people. */
  #slotNumber: number | null = null
  #stop: StopReason | null = null
  #timeout: ErrorReport | null = null
  #graceTimer: Timer | null = null
  #lookTimer: Timer | null = null
  #seen = { place: -1, since: 0 }
  #toldAt = 0
  #failed = false
  #over = false

  /** `tasks`: at least one, of one step of one run. */
  constructor(tasks: readonly [ClaimedTask, ...ClaimedTask[]], services: AttemptServices) {
    this.#tasks = tasks
    this.#first = tasks[0]
    this.#services = services
    this.#board = BatchBoard.of(tasks.length)
    this.#held = new Map(tasks.map(({ taskId }, place) => [taskId, place]))
    this.#ended = tasks.map(() => false)
  }

  get runId(): string {
    return this.#first.run.runId
  }

  leases(): readonly TaskLease[] {
    return [...this.#held.values()].flatMap((place) => this.#leaseAt(place) ?? [])
  }

  stop(reason: StopReason): void {
    if (this.#over || !isStronger(reason, this.#stop)) return
    this.#stop = reason
    this.#board.stop()
    this.#slot?.stop(reason)
    this.#graceTimer?.stop()
    this.#graceTimer = this.#services.clock.after(this.#services.stopGraceMs[reason], () => {
      this.abort(`it was asked to stop (${reason}) and did not reach a commit in time`)
    })
  }

  lose({ taskId, fence }: TaskLease): void {
    const place = this.#held.get(taskId)
    if (place === undefined || this.#tasks[place]?.fence !== fence) return
    this.#board.skip(place)
    // The attempt at work can only be stopped with those behind it, which go back.
    if (this.#board.atWork === place && this.#ended[place] !== true) this.stop('lost')
    else this.#held.delete(taskId)
  }

  abort(why: string): void {
    this.#stop ??= 'preempted'
    this.#board.stop()
    // terminate never rejects; its effect is seen in the end of the run.
    void this.#slot?.terminate(why)
  }

  async run(left: () => void): Promise<WorkEnd> {
    const { clock, progress } = this.#services
    try {
      // One that was stopped while it waited for a slot needs none.
      const assignment = this.#stop === null ? await this.#prepare() : null
      this.#toldAt = clock.monotonic()
      if (assignment !== null) await this.#runInSlot(assignment)
      await this.#leaveSlot()
      left()
      await Promise.all([this.#returnRest(), ...this.#recording])
      return { mayEndRun: this.#failed }
    } finally {
      this.#over = true
      this.#graceTimer?.stop()
      for (const place of this.#holders.keys()) this.#leave(place)
      for (const { taskId } of this.#tasks) progress.ended(taskId)
    }
  }

  /** Opens what the batch needs. Where that fails, the first attempt does, and the others go back. */
  async #prepare(): Promise<BatchAssignment | null> {
    const { codeVersion, artifactPath, run, step } = this.#first
    try {
      const facts = await this.#services.describe({ codeVersion, artifactPath, job: run.job, step })
      this.#facts = facts
      this.#slot = await this.#services.rack.take(facts)
      this.#slotNumber = this.#services.rack.numberOf(this.#slot)
      return assembleBatch(this.#tasks, facts, this.#services)
    } catch (thrown) {
      this.#heard([{ place: 0, end: { kind: 'failed', error: reportError(thrown), counters: null } }])
      return null
    }
  }

  async #runInSlot(assignment: BatchAssignment): Promise<void> {
    const slot = this.#slot
    const facts = this.#facts
    if (slot === null || facts === null || this.#stop !== null) return
    if (slot.runBatch === undefined) {
      // The step moved to slots that take one attempt at a time: its tasks are claimed again, one by one.
      this.#services.pace.forget(this.#first.run.job, this.#first.step)
      return
    }
    const from = this.#services.clock.monotonic()
    const runLimit = await this.#limitRun(facts)
    this.#look(facts)
    const death = await slot.runBatch(assignment, this.#board, {
      attempt: (place) => this.#callbacksAt(place),
      ended: (ends) => {
        this.#heard(ends)
      },
    })
    this.#lookTimer?.stop()
    runLimit?.stop()
    const place = this.#board.atWork
    if (death !== null && place >= 0 && this.#ended[place] !== true) this.#heard([{ place, end: death }])
    const done = this.#ended.filter(Boolean).length
    this.#services.pace.measured(this.#first.run.job, this.#first.step, done, this.#services.clock.monotonic() - from)
  }

  /** A hard stop ends an attempt, but not the user's code that it was waiting for: such a slot is ended with it. */
  async #leaveSlot(): Promise<void> {
    const slot = this.#slot
    const facts = this.#facts
    this.#slot = null
    if (slot === null || facts === null) return
    if (isHardStop(this.#stop)) await slot.terminate(`its attempt was stopped: ${String(this.#stop)}`)
    this.#services.rack.put(facts, slot)
  }

  #heard(ends: readonly BatchEnd[]): void {
    const spread = new Spread(ends.length, this.#services.clock.monotonic() - this.#toldAt)
    this.#toldAt = this.#services.clock.monotonic()
    const decided: Decided[] = []
    for (const told of ends) {
      this.#ended[told.place] = true
      this.#leave(told.place)
      const ranMs = spread.next()
      const task = this.#tasks[told.place]
      if (task === undefined || !this.#held.has(task.taskId)) continue
      const decision = this.#decide(task, told)
      if (decision.kind === 'failed') this.#failed = true
      decided.push({ task, decision, ranMs })
    }
    const recording = this.#record(decided).finally(() => {
      this.#recording.delete(recording)
    })
    this.#recording.add(recording)
    // Whoever waits for all of them hears of a failure; until then it is no failure that nobody handles.
    recording.catch(() => undefined)
  }

  #decide(task: ClaimedTask, told: BatchEnd): Decision {
    const { random } = this.#services
    // Whether it still counts is for its own fence to say.
    if ('result' in told) return { kind: 'succeeded', output: outputOf(told.result) }
    const attempt = task.attemptsUsed + 1
    const policy = this.#facts?.retry ?? DEFAULT_RETRY
    const budget = this.#facts?.retryBudget ?? null
    const ended = { end: told.end, stop: this.#stop, timeout: this.#timeout, attempt, budget }
    return withNamesOf(task, decideEnd(ended, policy, random))
  }

  #whyBack(wait: Refusal | undefined): Pick<ReturnedLease, 'why' | 'delayMs'> {
    const why = wait?.why ?? this.#stop ?? 'never started'
    return { why, ...(wait === undefined ? {} : { delayMs: wait.waitMs }) }
  }

  /** Writes ends after all that the same tasks wrote; what is in the store is held no more. */
  async #record(decided: readonly Decided[]): Promise<void> {
    const { ledger, ended } = this.#services
    const slot = this.#slotNumber
    const items: EndedLease[] = []
    const returned: ReturnedLease[] = []
    const writes: Promise<unknown>[] = []
    for (const { task, decision, ranMs } of decided) {
      const { taskId, fence } = task
      const write = this.#writes.get(taskId)
      if (write !== undefined) writes.push(write)
      if (decision.kind === 'giveBack') returned.push({ taskId, fence, ...this.#whyBack(decision.wait) })
      else if (decision.kind !== 'abandon') items.push({ taskId, fence, end: decision, began: { slot, ranMs } })
    }
    if (writes.length > 0) await Promise.all(writes)
    const returns = returned.map((lease) => ledger.giveBack(lease))
    await Promise.all([items.length === 0 ? null : ledger.endAll(items), ...returns])
    for (const { task, decision } of decided) {
      this.#held.delete(task.taskId)
      ended(task, decision, this.#stop)
    }
  }

  /** What never began goes back, unspent. */
  async #returnRest(): Promise<void> {
    const rest = [...this.#held.values()].filter((place) => this.#ended[place] !== true)
    const leases = rest.flatMap((place) => this.#leaseAt(place) ?? [])
    const why = this.#stop ?? 'never started'
    if (this.#stop !== 'cancelled') {
      await Promise.all(leases.map((lease) => this.#services.ledger.giveBack({ ...lease, why })))
    }
    for (const { taskId } of leases) this.#held.delete(taskId)
  }

  /** Looks at the board until the batch is through: what is at work for longer is shown, written as started, and timed. */
  #look(facts: StepFacts): void {
    const { clock, progress } = this.#services
    const every = facts.timeoutMs === null ? LOOK_MS : Math.min(LOOK_MS, Math.max(facts.timeoutMs / 4, 1))
    this.#lookTimer = clock.after(every, () => {
      const now = clock.monotonic()
      const place = this.#board.atWork
      const task = this.#tasks[place]
      if (place !== this.#seen.place) {
        const before = this.#tasks[this.#seen.place]
        if (before !== undefined) progress.ended(before.taskId)
        this.#seen = { place, since: now }
        if (task !== undefined) progress.update(progressOf(task, null))
      } else if (task !== undefined && this.#ended[place] !== true) {
        this.#writeStart(task)
        const limit = facts.timeoutMs
        if (limit !== null && now - this.#seen.since >= limit) this.#timeOut(attemptTimedOut(task.step, limit))
      }
      this.#look(facts)
    })
  }

  /** Who asks for the attempt at a place: what it was granted goes back when it has ended. */
  #holderAt(place: number): object {
    const known = this.#holders.get(place)
    if (known !== undefined) return known
    const holder = {}
    this.#holders.set(place, holder)
    return holder
  }

  #leave(place: number): void {
    const holder = this.#holders.get(place)
    if (holder !== undefined) this.#services.questions.leave(holder)
  }

  /** A write that the end of the attempt must wait for. */
  #before(taskId: number, write: Promise<unknown>): void {
    const settled = write.then(
      () => undefined,
      () => undefined,
    )
    this.#writes.set(taskId, Promise.all([this.#writes.get(taskId), settled]))
  }

  #writeStart(task: ClaimedTask): void {
    if (this.#started.has(task.taskId)) return
    this.#started.add(task.taskId)
    const { taskId, fence } = task
    const slot = this.#slotNumber
    const started = this.#services.ledger
      .start({ taskId, fence, ...(slot === null ? {} : { slot }) })
      .then((outcome) => {
        if (outcome === 'fenced') this.lose({ taskId, fence })
      })
    this.#before(taskId, started)
  }

  async #limitRun(facts: StepFacts): Promise<Timer | null> {
    const left = await timeLeft(this.#services, this.runId, facts.runTimeoutMs)
    if (left === null || facts.runTimeoutMs === null) return null
    const error = runTimedOut(this.runId, facts.runTimeoutMs)
    return this.#services.clock.after(Math.max(left, 0), () => {
      this.#timeOut(error)
    })
  }

  #timeOut(error: ErrorReport): void {
    if (this.#stop === 'timeout') return
    this.#timeout = error
    this.stop('timeout')
  }

  /** The engine's answers to one attempt, which few ask for. */
  #callbacksAt(place: number): SlotCallbacks {
    const { ledger, progress, log, questions } = this.#services
    const task = this.#tasks[place] ?? this.#first
    const { taskId, fence } = task
    const line = progressOf(task, null)
    const fenced = (): Error => {
      this.lose({ taskId, fence })
      return new BatchwrightError({
        code: 'FENCED',
        message: `task ${String(taskId)}: the attempt with fence ${String(fence)} does not own it any more`,
        details: { taskId, fence },
      })
    }
    return {
      ...questions.callbacks({
        holder: this.#holderAt(place),
        lease: { taskId, fence },
        fenced,
        commit: (write) => {
          this.#before(taskId, write)
        },
      }),
      checkpoint: async (checkpoint) => {
        this.#writeStart(task)
        const written = ledger.checkpoint({ taskId, fence }, checkpoint)
        this.#before(taskId, written)
        if ((await written) === 'fenced') throw fenced()
      },
      partitions: () => Promise.reject(new Error('a partition of a batch makes no plan')),
      progress: (made) => {
        progress.update({ ...line, progress: made })
      },
      log: (said) => {
        const { runId, step, index, attempt } = line
        log({ ...said, runId, step, index, attempt })
      },
    }
  }

  #leaseAt(place: number): TaskLease | undefined {
    const task = this.#tasks[place]
    return task === undefined ? undefined : { taskId: task.taskId, fence: task.fence }
  }
}

interface Decided {
  readonly task: ClaimedTask
  readonly decision: Decision
  readonly ranMs: number
}

/** Shares milliseconds out to attempts in whole numbers whose sum is right. */
class Spread {
  readonly #each: number
  #exact = 0
  #given = 0

  constructor(attempts: number, ms: number) {
    this.#each = ms / attempts
  }

  next(): number {
    this.#exact += this.#each
    const share = Math.floor(this.#exact - this.#given)
    this.#given += share
    return share
  }
}
