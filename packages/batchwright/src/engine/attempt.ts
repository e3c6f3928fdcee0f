import type { Clock, Timer } from '../kernel/clock.ts'
import type { ErrorReport } from '../kernel/errors.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import { failPoint } from '../kernel/failpoint.ts'
import type { Random } from '../kernel/random.ts'
import type { Slot, SlotCallbacks } from '../executors/index.ts'
import type { Assignment, AttemptEnd, Checkpoint, LogLine, PartitionSplit, StopReason } from '../protocol/index.ts'
import type { CheckpointOutcome, ClaimedTask, ItemOutcome, Store, TaskLease, UnwrittenStart } from '../store/index.ts'
import type { AssemblyOptions } from './assemble.ts'
import { assemble } from './assemble.ts'
import type { StoreContact } from './contact.ts'
import type { StepFacts } from './facts.ts'
import { DEFAULT_RETRY } from './facts.ts'
import type { Ledger } from './ledger.ts'
import { withNamesOf } from './names.ts'
import type { Pace } from './pace.ts'
import { progressOf, type ProgressFeed, type TaskProgress } from './progress.ts'
import type { Questions } from './questions.ts'
import type { Decision } from './retry.ts'
import { decideEnd } from './retry.ts'
import type { SlotRack } from './slots.ts'
import { attemptTimedOut, runTimedOut, timeLeft } from './time-limits.ts'
import { isHardStop, isStronger, type Work, type WorkEnd } from './work.ts'

/** A line of a run's log, with the attempt it came from. */
export interface AttemptLogLine extends LogLine {
  readonly runId: string
  readonly step: string
  readonly index: number | null
  readonly attempt: number
}

/** What every attempt of a worker shares. */
export interface AttemptServices extends AssemblyOptions {
  readonly store: Store
  readonly contact: StoreContact
  readonly ledger: Ledger
  readonly questions: Questions
  readonly rack: SlotRack
  /** How many tasks of each step travel together. */
  readonly pace: Pace
  readonly clock: Clock
  readonly random: Random
  readonly progress: ProgressFeed
  readonly log: (line: AttemptLogLine) => void
  /** Told what became of each attempt, after it is recorded. */
  readonly ended: (task: ClaimedTask, decision: Decision, stop: StopReason | null) => void
  /** How long a stopped attempt may take to reach its next commit before its slot is ended, milliseconds. */
  readonly stopGraceMs: Readonly<Record<StopReason, number>>
}

/** The start of an attempt is written when it takes longer: screens and reapers then know of it. */
const START_AFTER_MS = 100

/** Nobody asks anything of an attempt that is younger than this. */
const LAGGING_MS = 500

/** One try at one task, from the claim to what the store is told of its end. */
export class Attempt implements Work {
  readonly task: ClaimedTask
  readonly lease: TaskLease
  readonly #services: AttemptServices
  readonly #commits = new Set<Promise<unknown>>()
  #slot: Slot | null = null
  /** Of its slot, from 1: for people. Kept when the slot is left. */
  #slotNumber: number | null = null
  #stop: StopReason | null = null
  #timeout: ErrorReport | null = null
  #graceTimer: Timer | null = null
  /** When its slot began with it, by the monotonic clock. */
  #inSlotFrom: number | null = null
  /** The write of its start; null where there has been none. */
  #start: Promise<ItemOutcome> | null = null
  #ended = false
  readonly #begunAt: number
  /** Asked to split, and has not answered. */
  #splitAsked = false

  constructor(task: ClaimedTask, services: AttemptServices) {
    this.task = task
    this.lease = { taskId: task.taskId, fence: task.fence }
    this.#services = services
    this.#begunAt = services.clock.monotonic()
  }

  get runId(): string {
    return this.task.run.runId
  }

  leases(): readonly TaskLease[] {
    return [this.lease]
  }

  lose({ taskId, fence }: TaskLease): void {
    if (taskId === this.lease.taskId && fence === this.lease.fence) this.stop('lost')
  }

  async run(): Promise<WorkEnd> {
    this.#services.progress.update(this.#progressLine())
    try {
      const prepared = await this.#prepare()
      const decision = await this.#decide(prepared)
      await this.#record(decision)
      this.#services.ended(this.task, decision, this.#stop)
      const { kind } = this.task
      return { mayEndRun: decision.kind === 'failed' || kind === 'publish' || kind === 'verify' }
    } finally {
      this.#ended = true
      this.#services.questions.leave(this)
      this.#graceTimer?.stop()
      this.#services.progress.ended(this.task.taskId)
    }
  }

  /** Asks the attempt to stop at its next commit; past the reason's grace its slot is ended. */
  stop(reason: StopReason): void {
    if (this.#ended || !isStronger(reason, this.#stop)) return
    this.#stop = reason
    this.#slot?.stop(reason)
    this.#graceTimer?.stop()
    this.#graceTimer = this.#services.clock.after(this.#services.stopGraceMs[reason], () => {
      this.abort(`it was asked to stop (${reason}) and did not reach a commit in time`)
    })
  }

  /** Whether it works on a partition, and has done so for a while. */
  get mayLagBehind(): boolean {
    if (this.task.kind !== 'partition' || this.#slot === null) return false
    return this.#services.clock.monotonic() - this.#begunAt >= LAGGING_MS
  }

  /** Asks the attempt, once for each ask of the store, to cut what is left of its partition. */
  askSplit(pieces: number): void {
    if (this.#ended || this.#stop !== null || this.#splitAsked) return
    this.#splitAsked = true
    this.#slot?.split?.(pieces)
  }

  /** Ends the slot at once. What the attempt committed stays. */
  abort(why: string): void {
    this.#stop ??= 'preempted'
    // terminate never rejects; its effect is seen in the end of the run.
    void this.#slot?.terminate(why)
  }

  async #prepare(): Promise<{ readonly facts: StepFacts | null; readonly end: AttemptEnd | Assignment | null }> {
    const { contact, describe } = this.#services
    const { task } = this
    let facts: StepFacts | null = null
    try {
      facts = await describe({
        codeVersion: task.codeVersion,
        artifactPath: task.artifactPath,
        job: task.run.job,
        step: task.step,
      })
      const known = facts
      this.#slot = await this.#services.rack.take(known)
      this.#slotNumber = this.#services.rack.numberOf(this.#slot)
      const assignment = await contact.call(() => assemble(task, known, this.#services))
      if (assignment === null) this.stop('lost')
      return { facts, end: assignment }
    } catch (thrown) {
      return { facts, end: { kind: 'failed', error: reportError(thrown), counters: null } }
    }
  }

  async #decide(prepared: {
    readonly facts: StepFacts | null
    readonly end: AttemptEnd | Assignment | null
  }): Promise<Decision> {
    const { random } = this.#services
    let end: AttemptEnd = { kind: 'givenBack', counters: null }
    try {
      if (prepared.end !== null && this.#stop === null) {
        if ('ref' in prepared.end) end = await this.#runInSlot(prepared.end, prepared.facts)
        else end = prepared.end
      }
    } finally {
      if (prepared.facts !== null) await this.#leaveSlot(prepared.facts, end)
    }
    await Promise.allSettled(this.#commits)
    const attempt = this.task.attemptsUsed + 1
    const policy = prepared.facts?.retry ?? DEFAULT_RETRY
    const budget = prepared.facts?.retryBudget ?? null
    const ended = { end, stop: this.#stop, timeout: this.#timeout, attempt, budget }
    return withNamesOf(this.task, decideEnd(ended, policy, random))
  }

  /**
   * From here on the slot is another attempt's: nothing that this one still hears may touch it. A hard stop ends an attempt,
   * but not the user's code that it was waiting for: such a slot is ended with it.
   */
  async #leaveSlot(facts: StepFacts, end: AttemptEnd): Promise<void> {
    const slot = this.#slot
    if (slot === null) return
    this.#slot = null
    const stop = this.#stop
    if (end.kind === 'failed' && isHardStop(stop)) {
      await slot.terminate(`its attempt was stopped: ${String(stop)}`)
    }
    this.#services.rack.put(facts, slot)
  }

  async #runInSlot(assignment: Assignment, facts: StepFacts | null): Promise<AttemptEnd> {
    const { clock } = this.#services
    const slot = this.#slot
    const timers = [this.#limitAttempt(facts), await this.#limitRun(facts)]
    this.#inSlotFrom = clock.monotonic()
    try {
      if (this.task.crashCount > 0) await this.#writeStart()
      else timers.push(clock.after(START_AFTER_MS, () => void this.#writeStart()))
      if (slot === null || this.#stop !== null) return { kind: 'givenBack', counters: null }
      const end = await slot.run(assignment, this.#callbacks())
      if (slot.runBatch !== undefined) this.#measure(clock.monotonic() - this.#inSlotFrom)
      return end
    } finally {
      for (const timer of timers) timer?.stop()
    }
  }

  /** Only function steps have tasks that are short for as long as the step runs. */
  #measure(ms: number): void {
    const { kind, stepKind, run, step } = this.task
    if (kind === 'partition' && stepKind === 'function') this.#services.pace.measured(run.job, step, 1, ms)
  }

  /** Before the work, where the task has crashed a worker; else when it takes longer. The end of the attempt waits for it. */
  async #writeStart(): Promise<void> {
    const slot = this.#slotNumber === null ? {} : { slot: this.#slotNumber }
    this.#start ??= this.#services.ledger.start({ ...this.lease, ...slot })
    const written = this.#start.then((outcome) => {
      if (outcome === 'fenced') this.stop('lost')
    })
    // Its failure is seen where its end is recorded.
    await written.catch(() => undefined)
  }

  async #record(decision: Decision): Promise<void> {
    const { ledger } = this.#services
    if (decision.kind === 'abandon') return
    if (decision.kind === 'giveBack') {
      const { wait } = decision
      const why = wait?.why ?? this.#stop ?? 'never started'
      await ledger.giveBack({ ...this.lease, why, ...(wait === undefined ? {} : { delayMs: wait.waitMs }) })
      return
    }
    await this.#start
    const outcome = await ledger.end(this.lease, decision, this.#unwritten())
    if (outcome === 'done' && this.task.kind === 'publish') failPoint('publish.recorded')
    if (outcome === 'done' && this.task.kind === 'plan') failPoint('plan.sealed')
  }

  /** For the end to count, where no start was written. */
  #unwritten(): UnwrittenStart | undefined {
    if (this.#start !== null || this.#inSlotFrom === null) return undefined
    return { slot: this.#slotNumber, ranMs: Math.floor(this.#services.clock.monotonic() - this.#inSlotFrom) }
  }

  #callbacks(): SlotCallbacks {
    const { ledger, contact, store, progress, log, questions } = this.#services
    return {
      ...questions.callbacks({
        holder: this,
        lease: this.lease,
        fenced: () => this.#fenced(),
        commit: (write) => {
          this.#awaited(write)
        },
      }),
      checkpoint: (checkpoint) => this.#commit(() => ledger.checkpoint(this.lease, checkpoint)),
      partitions: (batch) => this.#commit(() => contact.call(() => store.addPartitions(this.lease, batch))),
      split: (checkpoint, split) => this.#split(checkpoint, split),
      splitDeclined: (reason) => {
        this.#splitAsked = false
        // Nothing depends on it: an attempt that has lost its task is told so by its next commit.
        this.#awaited(contact.call(() => store.declineSplit(this.lease, reason)))
      },
      progress: (made) => {
        progress.update({ ...this.#progressLine(), progress: made })
      },
      log: (line) => {
        const { runId, step, index, attempt } = this.#progressLine()
        log({ ...line, runId, step, index, attempt })
      },
    }
  }

  /** A write under the fence that the attempt waits for. The end of the attempt is recorded after all of them. */
  #commit(write: () => Promise<CheckpointOutcome>): Promise<void> {
    const committed = write().then((outcome) => {
      if (outcome === 'fenced') throw this.#fenced()
    })
    this.#awaited(committed)
    return committed
  }

  async #split(checkpoint: Checkpoint, split: PartitionSplit): Promise<boolean> {
    let taken = false
    await this.#commit(async () => {
      const outcome = await this.#services.ledger.checkpoint(this.lease, checkpoint, split)
      taken = outcome === 'done'
      return outcome
    })
    this.#splitAsked = false
    return taken
  }

  #awaited(write: Promise<unknown>): void {
    this.#commits.add(write)
    const forget = (): void => {
      this.#commits.delete(write)
    }
    write.then(forget, forget)
  }

  #fenced(): BatchwrightError {
    this.stop('lost')
    return new BatchwrightError({
      code: 'FENCED',
      message: `task ${String(this.task.taskId)}: the attempt with fence ${String(this.task.fence)} does not own it any more`,
      details: { taskId: this.task.taskId, fence: this.task.fence },
    })
  }

  /** Step time-outs are about partitions: how long planning or publishing takes grows with the step's whole input. */
  #limitAttempt(facts: StepFacts | null): Timer | null {
    const limit = this.task.kind === 'partition' ? (facts?.timeoutMs ?? null) : null
    if (limit === null) return null
    const error = attemptTimedOut(this.task.step, limit)
    return this.#services.clock.after(limit, () => {
      this.#timeOut(error)
    })
  }

  async #limitRun(facts: StepFacts | null): Promise<Timer | null> {
    const limit = facts?.runTimeoutMs ?? null
    const left = await timeLeft(this.#services, this.runId, limit)
    if (left === null || limit === null) return null
    const error = runTimedOut(this.runId, limit)
    if (left > 0) {
      return this.#services.clock.after(left, () => {
        this.#timeOut(error)
      })
    }
    this.#timeOut(error)
    return null
  }

  #timeOut(error: ErrorReport): void {
    if (this.#stop === 'timeout') return
    this.#timeout = error
    this.stop('timeout')
  }

  #progressLine(): TaskProgress {
    return progressOf(this.task, null)
  }
}
