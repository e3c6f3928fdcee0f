import { newId } from '../kernel/ids.ts'
import type { ClaimedTask } from '../store/index.ts'
import type { AttemptServices } from './attempt.ts'
import { Attempt } from './attempt.ts'
import { StoreContact } from './contact.ts'
import { Incarnation } from './incarnation.ts'
import { Ledger } from './ledger.ts'
import type { WorkerOptions, WorkerSettings } from './options.ts'
import { settle } from './options.ts'
import { ProgressFeed } from './progress.ts'
import { Questions } from './questions.ts'
import { reapOnce } from './reaper.ts'
import { SlotRack } from './slots.ts'
import { watchRuns } from './watch.ts'

/** How often a worker looks for what dead workers have left running on its machine. */
const SWEEP_EVERY_MS = 30_000
/** Slots that are closed by force get this long to have their tasks given back. */
const ABORT_MS = 1_000

/**
 * A process's share of the work: claims tasks for free slots, runs their attempts, keeps their lease alive, reaps what the
 * dead left behind. Several workers, in one process or many, may share a store and a run.
 */
export class Worker {
  readonly progress = new ProgressFeed()
  readonly #settings: WorkerSettings
  readonly #contact: StoreContact
  readonly #services: AttemptServices
  readonly #attempts = new Map<number, { readonly attempt: Attempt; readonly ended: Promise<void> }>()
  /** Aborted when no more work is to be claimed. */
  readonly #draining = new AbortController()
  /** Aborted when nothing is waited for any more, the store included. */
  readonly #killed = new AbortController()
  #incarnation: Incarnation | null = null
  #wake = new AbortController()
  #fatal: { readonly error: unknown } | null = null
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(options: WorkerOptions) {
    const settings = settle(options)
    this.#settings = settings
    this.#contact = new StoreContact({
      clock: settings.clock,
      random: settings.random,
      // Who was silent for longer may have slept through an outage in which nobody could renew: it would take all for dead.
      longestSilenceMs: Math.max(settings.leaseMs - 2 * settings.heartbeatMs, 2 * settings.reapEveryMs),
      signal: this.#killed.signal,
      onError: (error, waitMs) => settings.hooks.storeTrouble?.(error, waitMs),
    })
    this.#services = {
      store: settings.store,
      describe: settings.describe,
      folders: settings.folders,
      contact: this.#contact,
      ledger: new Ledger({
        store: settings.store,
        contact: this.#contact,
        clock: settings.clock,
        whenCertain: () => this.#whenCertain(),
      }),
      questions: new Questions({
        store: settings.store,
        contact: this.#contact,
        clock: settings.clock,
        whenCertain: () => this.#whenCertain(),
        workerId: () => (this.#incarnation?.isDead === false ? this.#incarnation.workerId : null),
      }),
      rack: new SlotRack(settings.executors),
      clock: settings.clock,
      random: settings.random,
      progress: this.progress,
      log: (line) => settings.hooks.log?.(line),
      ended: (...told) => settings.hooks.ended?.(...told),
      stopGraceMs: settings.stopGraceMs,
    }
  }

  /** Tasks that run now. */
  get busy(): number {
    return this.#attempts.size
  }

  /**
   * Works until it is drained. Rejects when the store fails for good or the lease cannot be kept; everything it ran has
   * been let go of then, and other workers take it up.
   */
  async run(): Promise<void> {
    const reaping = this.#reapForEver()
    try {
      await this.#reap()
      while (!this.#draining.signal.aborted) await this.#turn()
    } catch (error) {
      this.#fail(error)
    }
    await Promise.all([...this.#attempts.values()].map(({ ended }) => ended))
    await this.#leave()
    await reaping
    if (this.#fatal !== null) throw this.#fatal.error
  }

  /**
   * Stops claiming and asks running attempts to stop at their next commit; their tasks go back unspent. Called a second
   * time it ends the slots at once. `run` resolves when all is done.
   */
  drain(): void {
    if (!this.#draining.signal.aborted) {
      this.#draining.abort(new Error('the worker is drained'))
      this.#wake.abort()
      for (const { attempt } of this.#attempts.values()) attempt.stop('preempted')
      return
    }
    for (const { attempt } of this.#attempts.values()) attempt.abort('the worker was told to stop at once')
    this.#settings.clock.after(ABORT_MS, () => {
      this.#killed.abort(new Error('the worker was told to stop at once'))
    })
  }

  /** One round: claim for free slots, else wait until something may have changed. */
  async #turn(): Promise<void> {
    const { store, clock } = this.#settings
    const incarnation = await this.#alive()
    this.#wake = new AbortController()
    // Listening starts before the claim, so that no change falls between the two.
    const listening = new AbortController()
    const signal = AbortSignal.any([this.#wake.signal, this.#draining.signal, listening.signal])
    const changed = store.waitForChange(this.#settings.pollMs, signal)
    try {
      const free = this.#settings.slots - this.#attempts.size
      const tasks = free > 0 && incarnation.lease.isCertain() ? await this.#claim(incarnation, free) : []
      for (const task of tasks) this.#begin(task)
      if (tasks.length > 0) {
        this.#settings.hooks.claimed?.(tasks)
        incarnation.hold(this.#attempts)
        return
      }
      const due = free > 0 ? await this.#contact.call(() => store.nextDue(this.#settings.runs ?? undefined)) : null
      const timer =
        due === null
          ? null
          : clock.after(
              Math.max(due, 1),
              () => {
                listening.abort()
              },
              { hold: true },
            )
      await changed
      timer?.stop()
      await watchRuns(
        [...this.#attempts.values()].map(({ attempt }) => attempt),
        this.#services,
      )
    } finally {
      listening.abort()
    }
  }

  /** Claims once, surely: after an unknown outcome the claim is looked up before another is made. */
  async #claim(incarnation: Incarnation, limit: number): Promise<readonly ClaimedTask[]> {
    const { store, runs, clock, random, artifactPath } = this.#settings
    const { workerId } = incarnation
    const claimId = newId(clock, random)
    let asked = false
    const tasks = await this.#contact.call(async () => {
      const earlier = asked ? await store.claimed(workerId, claimId) : []
      if (earlier.length > 0) return earlier
      asked = true
      return store.claim({ workerId, claimId, limit, ...(runs === null ? {} : { runs }) })
    })
    return tasks.map((task) => ({ ...task, artifactPath: artifactPath(task.codeVersion, task.artifactPath) }))
  }

  #begin(task: ClaimedTask): void {
    const attempt = new Attempt(task, this.#services)
    const ended = this.#see(attempt).catch((error: unknown) => {
      this.#fail(error)
    })
    this.#attempts.set(task.taskId, { attempt, ended })
    if (this.#draining.signal.aborted) attempt.stop('preempted')
  }

  /** Sees an attempt through, and tells of the run's end where it may have brought it about. */
  async #see(attempt: Attempt): Promise<void> {
    const { task } = attempt
    try {
      const decision = await attempt.run()
      const mayEndRun = decision === 'failed' || task.kind === 'publish' || task.kind === 'verify'
      if (mayEndRun && this.#settings.hooks.runEnded !== undefined) {
        const run = await this.#contact.call(() => this.#settings.store.getRun(task.run.runId))
        if (run !== null && run.endedAt !== null) await this.#settings.hooks.runEnded(run)
      }
    } finally {
      if (this.#attempts.get(task.taskId)?.attempt === attempt) this.#attempts.delete(task.taskId)
      this.#incarnation?.hold(this.#attempts)
      this.#wake.abort()
    }
  }

  /** The present incarnation; a new one where there is none, or where the store has declared it dead. */
  async #alive(): Promise<Incarnation> {
    const present = this.#incarnation
    if (present !== null && !present.isDead) return present
    if (present !== null) {
      for (const { attempt } of this.#attempts.values()) {
        attempt.stop('lost')
        attempt.abort('the worker was declared dead')
      }
      await Promise.all([...this.#attempts.values()].map(({ ended }) => ended))
      await present.end()
      this.#incarnation = null
    }
    const born = await Incarnation.begin(this.#settings, this.#contact, {
      lost: (leases) => {
        for (const { taskId, fence } of leases) {
          const attempt = this.#attempts.get(taskId)?.attempt
          if (attempt?.lease.fence === fence) attempt.stop('lost')
        }
      },
      pausedRuns: (runs) => {
        for (const { attempt } of this.#attempts.values()) {
          if (runs.includes(attempt.task.run.runId)) attempt.stop('paused')
        }
      },
      died: () => {
        this.#wake.abort()
      },
      failed: (error) => {
        this.#fail(error)
      },
    })
    this.#incarnation = born
    this.#settings.hooks.registered?.(born.workerId)
    if (present !== null) this.#settings.hooks.reborn?.(born.workerId)
    return born
  }

  async #whenCertain(): Promise<void> {
    await this.#incarnation?.lease.whenCertain(this.#killed.signal)
  }

  async #reapForEver(): Promise<void> {
    const { clock, reapEveryMs } = this.#settings
    const { signal } = this.#draining
    try {
      for (;;) {
        await clock.sleep(reapEveryMs, signal)
        await this.#reap()
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(error)
    }
  }

  async #reap(): Promise<void> {
    const { store, identity, leaseMs, crashLimit } = this.#settings
    const reaped = await reapOnce({
      store,
      contact: this.#contact,
      own: identity,
      graceMs: leaseMs,
      crashes: crashLimit,
    })
    const now = this.#settings.clock.monotonic()
    if (reaped.workers.length === 0 && now - this.#sweptAt < SWEEP_EVERY_MS) return
    this.#sweptAt = now
    await this.#services.rack.sweep()
  }

  /** Something failed that will not pass: let go of everything, and say so at the end of `run`. */
  #fail(error: unknown): void {
    if (this.#killed.signal.aborted) return
    this.#fatal ??= { error }
    if (!this.#draining.signal.aborted) this.#draining.abort(error)
    this.#wake.abort()
    for (const { attempt } of this.#attempts.values()) attempt.abort('its worker failed')
    this.#killed.abort(error)
  }

  async #leave(): Promise<void> {
    const { store } = this.#settings
    await this.#services.rack.close()
    this.#services.questions.close()
    const incarnation = this.#incarnation
    if (incarnation === null) return
    await incarnation.end()
    if (this.#killed.signal.aborted) return
    await this.#contact.call(() => store.retireWorker(incarnation.workerId))
  }
}
