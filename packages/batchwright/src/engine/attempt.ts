import type { Clock, Timer } from '../kernel/clock.ts'
import type { ErrorReport } from '../kernel/errors.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import { failPoint } from '../kernel/failpoint.ts'
import type { Random } from '../kernel/random.ts'
import type { Slot, SlotCallbacks } from '../executors/index.ts'
import type { Assignment, AttemptEnd, Checkpoint, LogLine, PartitionSplit, StopReason } from '../protocol/index.ts'
import type { CheckpointOutcome, ClaimedTask, Store, TaskLease } from '../store/index.ts'
import type { AssemblyOptions } from './assemble.ts'
import { assemble } from './assemble.ts'
import type { StoreContact } from './contact.ts'
import type { StepFacts } from './facts.ts'
import { DEFAULT_RETRY } from './facts.ts'
import { namedIn } from './hints.ts'
import type { Ledger } from './ledger.ts'
import type { ProgressFeed, TaskProgress } from './progress.ts'
import type { Questions } from './questions.ts'
import type { Decision } from './retry.ts'
import { decideEnd } from './retry.ts'
import type { SlotRack } from './slots.ts'

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
  readonly clock: Clock
  readonly random: Random
  readonly progress: ProgressFeed
  readonly log: (line: AttemptLogLine) => void
  /** Told what became of each attempt, after it is recorded. */
  readonly ended: (task: ClaimedTask, decision: Decision, stop: StopReason | null) => void
  /** How long a stopped attempt may take to reach its next commit before its slot is ended, milliseconds. */
  readonly stopGraceMs: Readonly<Record<StopReason, number>>
}

/** A stronger reason to stop replaces a weaker one: what is lost is lost, whatever else was asked. */
const STRENGTH: Readonly<Record<StopReason, number>> = { preempted: 0, paused: 1, timeout: 2, cancelled: 3, lost: 4 }

/** Nobody asks anything of an attempt that is younger than this. */
const LAGGING_MS = 500

/** One try at one task, from the claim to what the store is told of its end. */
export class Attempt {
  readonly task: ClaimedTask
  readonly lease: TaskLease
  readonly #services: AttemptServices
  readonly #commits = new Set<Promise<unknown>>()
  #slot: Slot | null = null
  #stop: StopReason | null = null
  #timeout: ErrorReport | null = null
  #graceTimer: Timer | null = null
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

  /** Runs the attempt to its end and records it. Rejects only when the store fails for good. */
  async run(): Promise<Decision['kind']> {
    this.#services.progress.update(this.#progressLine())
    try {
      const prepared = await this.#prepare()
      const decision = await this.#decide(prepared)
      await this.#record(decision)
      this.#services.ended(this.task, decision, this.#stop)
      return decision.kind
    } finally {
      this.#ended = true
      this.#services.questions.leave(this)
      this.#graceTimer?.stop()
      this.#services.progress.ended(this.task.taskId)
    }
  }

  /** Asks the attempt to stop at its next commit; past the reason's grace its slot is ended. */
  stop(reason: StopReason): void {
    if (this.#ended || (this.#stop !== null && STRENGTH[reason] <= STRENGTH[this.#stop])) return
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
    const { ledger, random, rack } = this.#services
    const slot = this.#slot === null ? {} : { slot: rack.numberOf(this.#slot) }
    let end: AttemptEnd = { kind: 'givenBack', counters: null }
    try {
      if (prepared.end !== null && this.#stop === null) {
        if ((await ledger.start({ ...this.lease, ...slot })) === 'fenced') this.stop('lost')
        else if ('ref' in prepared.end) end = await this.#runInSlot(prepared.end, prepared.facts)
        else end = prepared.end
      }
    } finally {
      if (prepared.facts !== null) await this.#leaveSlot(prepared.facts, end)
    }
    await Promise.allSettled(this.#commits)
    const attempt = this.task.attemptsUsed + 1
    const policy = prepared.facts?.retry ?? DEFAULT_RETRY
    const budget = prepared.facts?.retryBudget ?? null
    return this.#named(decideEnd({ end, stop: this.#stop, timeout: this.#timeout, attempt, budget }, policy, random))
  }

  /** The decision with this task's names in the commands of its error's hint. */
  #named(decision: Decision): Decision {
    if (decision.kind !== 'failed' && decision.kind !== 'retry') return decision
    const { run, step, partition } = this.task
    const names = {
      runId: run.runId,
      job: run.job,
      windowKey: run.window?.key ?? null,
      step,
      index: partition?.index ?? null,
    }
    return { ...decision, error: namedIn(decision.error, names) }
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
    if (end.kind === 'failed' && stop !== null && STRENGTH[stop] >= STRENGTH.timeout) {
      await slot.terminate(`its attempt was stopped: ${stop}`)
    }
    this.#services.rack.put(facts, slot)
  }

  async #runInSlot(assignment: Assignment, facts: StepFacts | null): Promise<AttemptEnd> {
    const timers = [this.#limitAttempt(facts), await this.#limitRun(facts)]
    try {
      if (this.#slot === null || this.#stop !== null) return { kind: 'givenBack', counters: null }
      return await this.#slot.run(assignment, this.#callbacks())
    } finally {
      for (const timer of timers) timer?.stop()
    }
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
    const outcome = await ledger.end(this.lease, decision)
    if (outcome === 'done' && this.task.kind === 'publish') failPoint('publish.recorded')
    if (outcome === 'done' && this.task.kind === 'plan') failPoint('plan.sealed')
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
    return this.#services.clock.after(limit, () => {
      this.#timeOut({
        code: 'ATTEMPT_TIMEOUT',
        message: `expected an attempt of step ${JSON.stringify(this.task.step)} to end within ${String(limit)} ms, found it at work still`,
        hint: 'See how far it got with `batchwright logs RUN --step STEP`. Give the step a longer .timeout(), or smaller partitions; then `batchwright retry RUN`.',
        details: { step: this.task.step, limitMs: limit },
        retryable: true,
      })
    })
  }

  async #limitRun(facts: StepFacts | null): Promise<Timer | null> {
    const limit = facts?.runTimeoutMs ?? null
    if (limit === null) return null
    const { store, contact, clock } = this.#services
    const run = await contact.call(() => store.getRun(this.task.run.runId))
    const now = await contact.call(() => store.now())
    const left = (run?.startedAt ?? now) + limit - now
    const expire = (): void => {
      this.#timeOut({
        code: 'RUN_TIMEOUT',
        message: `expected run ${this.task.run.runId} to end within ${String(limit)} ms of its start`,
        hint: 'Give the job a longer timeout; then `batchwright retry RUN` goes on from its checkpoints.',
        details: { runId: this.task.run.runId, limitMs: limit },
        retryable: false,
      })
    }
    if (left > 0) return clock.after(left, expire)
    expire()
    return null
  }

  #timeOut(error: ErrorReport): void {
    if (this.#stop === 'timeout') return
    this.#timeout = error
    this.stop('timeout')
  }

  #progressLine(): TaskProgress {
    const { task } = this
    return {
      taskId: task.taskId,
      runId: task.run.runId,
      step: task.step,
      kind: task.kind,
      index: task.partition?.index ?? null,
      label: task.partition?.label ?? task.kind,
      attempt: task.attemptsUsed + 1,
      progress: null,
    }
  }
}
