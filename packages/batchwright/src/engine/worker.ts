import type { Timer } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { ClaimedTask } from '../store/index.ts'
import type { AttemptServices } from './attempt.ts'
import { Attempt } from './attempt.ts'
import { Batch } from './batch.ts'
import { StoreContact } from './contact.ts'
import { Incarnation } from './incarnation.ts'
import { Ledger } from './ledger.ts'
import type { WorkerOptions, WorkerSettings } from './options.ts'
import { settle } from './options.ts'
import { Pace } from './pace.ts'
import { ProgressFeed } from './progress.ts'
import { Questions } from './questions.ts'
import { reapOnce } from './reaper.ts'
import { SlotRack } from './slots.ts'
import { watchRuns } from './watch.ts'
import type { Work } from './work.ts'

/** How often a worker looks for what dead workers have left running on its machine. */
const SWEEP_EVERY_MS = 30_000
/** Slots that are closed by force get this long to have their tasks given back. */
const ABORT_MS = 1_000
/** Batches that a worker may have for each of its slots: in it, waiting for it, and on their way into the store. */
const BATCHES_PER_SLOT = 4
/** The heartbeat is told what the worker holds this often at the most. */
const HOLD_EVERY_MS = 100

/**
 * A process's share of the work: claims tasks for free slots, runs their attempts, keeps their lease alive, reaps what the
 * dead left behind. Several workers, in one process or many, may share a store and a run.
 */
export class Worker {
  readonly progress = new ProgressFeed()
  readonly #settings: WorkerSettings
  readonly #contact: StoreContact
  readonly #services: AttemptServices
  readonly #pace = new Pace()
  /** All that it sees through; the promise resolves when a work is recorded. */
  readonly #works = new Map<Work, Promise<void>>()
  /** Those of them that are in a slot. */
  readonly #inSlots = new Set<Work>()
  /** Batches that wait for a slot. */
  readonly #waiting: Work[] = []
  #heldAt = Number.NEGATIVE_INFINITY
  #holdTimer: Timer | null = null
  /** Lets a work begin. */
  readonly #started = new Map<Work, (value: undefined) => void>()
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
      pace: this.#pace,
      clock: settings.clock,
      random: settings.random,
      progress: this.progress,
      log: (line) => settings.hooks.log?.(line),
      ended: (...told) => settings.hooks.ended?.(...told),
      stopGraceMs: settings.stopGraceMs,
    }
  }

  /** Tasks that it holds now. */
  get busy(): number {
    let held = 0
    for (const work of this.#works.keys()) held += work.leases().length
    return held
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
    await this.#allEnded()
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
      for (const work of this.#works.keys()) work.stop('preempted')
      this.#fillSlots()
      return
    }
    for (const work of this.#works.keys()) work.abort('the worker was told to stop at once')
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
      const room = this.#room()
      const mayClaim = room.free + room.ahead > 0 && incarnation.lease.isCertain()
      const tasks = mayClaim ? await this.#claim(incarnation, room) : []
      if (tasks.length > 0) {
        this.#settings.hooks.claimed?.(tasks)
        this.#begin(tasks)
        return
      }
      const { free } = room
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
      // Its own work has woken it: nothing was heard from the store.
      if (this.#wake.signal.aborted) return
      await watchRuns([...this.#works.keys()], this.#services)
    } finally {
      listening.abort()
    }
  }

  /** Claims once, surely: after an unknown outcome the claim is looked up before another is made. */
  async #claim(incarnation: Incarnation, { free, ahead }: Room): Promise<readonly ClaimedTask[]> {
    const { store, runs, clock, random, artifactPath } = this.#settings
    const { workerId } = incarnation
    const claimId = newId(clock, random)
    let asked = false
    const tasks = await this.#contact.call(async () => {
      const earlier = asked ? await store.claimed(workerId, claimId) : []
      if (earlier.length > 0) return earlier
      asked = true
      const depths = this.#pace.batches()
      const short = depths.length === 0 ? {} : { depths, ahead }
      return store.claim({ workerId, claimId, limit: free, ...short, ...(runs === null ? {} : { runs }) })
    })
    return tasks.map((task) => ({ ...task, artifactPath: artifactPath(task.codeVersion, task.artifactPath) }))
  }

  /** Slots that are free, and batches that may wait for one. */
  #room(): Room {
    const { slots } = this.#settings
    const ahead = Math.min(slots - this.#waiting.length, slots * BATCHES_PER_SLOT - this.#works.size)
    return { free: Math.max(0, slots - this.#inSlots.size), ahead: Math.max(0, ahead) }
  }

  /** Sees claimed tasks through: short ones of a step together, the others each by itself. */
  #begin(tasks: readonly ClaimedTask[]): void {
    for (const work of worksOf(tasks, this.#pace, this.#services)) {
      const started = Promise.withResolvers<undefined>()
      this.#started.set(work, started.resolve)
      const ended = started.promise
        .then(() => this.#see(work))
        .catch((error: unknown) => {
          this.#fail(error)
        })
      this.#works.set(work, ended)
      this.#waiting.push(work)
      if (this.#draining.signal.aborted) work.stop('preempted')
    }
    this.#fillSlots()
    this.#hold()
  }

  /** Lets works that wait into free slots; all of them where they only give back. */
  #fillSlots(): void {
    while (this.#draining.signal.aborted || this.#inSlots.size < this.#settings.slots) {
      const work = this.#waiting.shift()
      if (work === undefined) return
      this.#inSlots.add(work)
      this.#started.get(work)?.(undefined)
      this.#started.delete(work)
    }
  }

  /** Sees one through, and tells of the run's end where it may have brought it about. */
  async #see(work: Work): Promise<void> {
    try {
      const { mayEndRun } = await work.run(() => {
        this.#slotLeft(work)
      })
      if (mayEndRun && this.#settings.hooks.runEnded !== undefined) {
        const run = await this.#contact.call(() => this.#settings.store.getRun(work.runId))
        if (run !== null && run.endedAt !== null) await this.#settings.hooks.runEnded(run)
      }
    } finally {
      this.#works.delete(work)
      this.#slotLeft(work)
      this.#hold()
    }
  }

  #slotLeft(work: Work): void {
    this.#inSlots.delete(work)
    this.#fillSlots()
    this.#wake.abort()
  }

  async #allEnded(): Promise<void> {
    while (this.#works.size > 0) await Promise.all(this.#works.values())
  }

  /** Tells the heartbeat what is held; not at every change where there are thousands a second. */
  #hold(): void {
    const { clock } = this.#settings
    const wait = this.#heldAt + HOLD_EVERY_MS - clock.monotonic()
    if (wait > 0) {
      this.#holdTimer ??= clock.after(wait, () => {
        this.#holdTimer = null
        this.#hold()
      })
      return
    }
    this.#heldAt = clock.monotonic()
    this.#incarnation?.hold([...this.#works.keys()].flatMap((work) => work.leases()))
  }

  /** The present incarnation; a new one where there is none, or where the store has declared it dead. */
  async #alive(): Promise<Incarnation> {
    const present = this.#incarnation
    if (present !== null && !present.isDead) return present
    if (present !== null) {
      for (const work of this.#works.keys()) {
        work.stop('lost')
        work.abort('the worker was declared dead')
      }
      await this.#allEnded()
      await present.end()
      this.#incarnation = null
    }
    const born = await Incarnation.begin(this.#settings, this.#contact, {
      lost: (leases) => {
        for (const lease of leases) for (const work of this.#works.keys()) work.lose(lease)
      },
      pausedRuns: (runs) => {
        for (const work of this.#works.keys()) if (runs.includes(work.runId)) work.stop('paused')
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
    for (const work of this.#works.keys()) work.abort('its worker failed')
    this.#fillSlots()
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

interface Room {
  /** Slots without work. */
  readonly free: number
  /** Batches that may wait in the worker. */
  readonly ahead: number
}

/** Tasks of one step that are short go together, so many as the step's pace says; others each by itself. */
function worksOf(tasks: readonly ClaimedTask[], pace: Pace, services: AttemptServices): readonly Work[] {
  const works: Work[] = []
  for (const group of Map.groupBy(tasks, ({ run, step, kind }) => `${run.runId} ${step} ${kind}`).values()) {
    const [first] = group
    const together = first?.kind === 'partition' ? pace.of(first.run.job, first.step) : 1
    for (let from = 0; from < group.length; from += together) {
      const [head, ...rest] = group.slice(from, from + together)
      if (head === undefined) continue
      works.push(rest.length === 0 ? new Attempt(head, services) : new Batch([head, ...rest], services))
    }
  }
  return works
}
