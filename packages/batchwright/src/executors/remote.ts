import type { Readable } from 'node:stream'
import type { Clock } from '../kernel/clock.ts'
import { errorFromReport, reportError } from '../kernel/errors.ts'
import { Redactor } from '../observe/index.ts'
import type { Answer, Assignment, AttemptEnd, BatchAssignment, StopReason } from '../protocol/index.ts'
import type { BatchBoard } from './board.ts'
import type { BatchCallbacks, Slot, SlotCallbacks } from './contract.ts'
import type { SlotDeath } from './death.ts'
import { diedWith, refusedBy } from './death.ts'
import type { FromSlot, ToSlot } from './messages.ts'
import { splitOr } from './port.ts'

interface Running {
  /** Those of the attempt that speaks. */
  callbacks: SlotCallbacks
  /** Null where one attempt runs by itself. */
  readonly batch: BatchCallbacks | null
  /** Null: the batch is through. */
  readonly settle: (end: AttemptEnd | null) => void
}

/** Known before the slot has gone: why it is going. */
export type Dying = Omit<SlotDeath, 'exitCode'>

/**
 * The engine's side of a slot that lives elsewhere, in a thread or a process: the attempt that runs in it, the answers it
 * waits for, what it prints. How it is reached, and how it is ended, is for the kinds to say.
 */
export abstract class RemoteSlot implements Slot {
  protected readonly clock: Clock
  readonly #closeWithinMs: number
  readonly #ready = Promise.withResolvers<undefined>()
  readonly #exited = Promise.withResolvers<undefined>()
  /** Knows the secrets that the slot's services have read: for what it prints, and what it dies of. */
  readonly #redactor = new Redactor()
  #running: Running | null = null
  #death: SlotDeath | null = null
  #dying: Dying | null = null

  protected constructor(clock: Clock, closeWithinMs: number) {
    this.clock = clock
    this.#closeWithinMs = closeWithinMs
  }

  /** Resolves when it can take work. Rejects when it ended before that. */
  get ready(): Promise<undefined> {
    return this.#ready.promise
  }

  get alive(): boolean {
    return this.#death === null && this.#dying === null
  }

  run(assignment: Assignment, callbacks: SlotCallbacks): Promise<AttemptEnd> {
    if (this.#death !== null) return Promise.resolve(refusedBy(`the slot is dead: ${this.#death.why}`))
    if (this.#running !== null) return Promise.resolve(refusedBy('the slot is already running an attempt'))
    return new Promise((resolve) => {
      const settle = (end: AttemptEnd | null): void => {
        resolve(end ?? refusedBy('the slot ended a batch where an attempt ran'))
      }
      this.#running = { callbacks, batch: null, settle }
      this.hold(true)
      this.send({ kind: 'run', assignment })
    })
  }

  /** For slots that share this process's memory: the engine's side of `runBatch`. */
  protected startBatch(
    batch: BatchAssignment,
    board: BatchBoard,
    callbacks: BatchCallbacks,
  ): Promise<AttemptEnd | null> {
    if (this.#death !== null) return Promise.resolve(refusedBy(`the slot is dead: ${this.#death.why}`))
    if (this.#running !== null) return Promise.resolve(refusedBy('the slot is already running an attempt'))
    return new Promise((settle) => {
      this.#running = { callbacks: callbacks.attempt(0), batch: callbacks, settle }
      this.hold(true)
      this.send({ kind: 'batch', batch, board: board.memory })
    })
  }

  stop(reason: StopReason): void {
    if (this.#running !== null) this.send({ kind: 'stop', reason })
  }

  split(pieces: number): void {
    if (this.#running !== null) this.send({ kind: 'split', pieces })
  }

  async close(): Promise<void> {
    if (this.#death !== null) return
    if (this.#running !== null) {
      await this.terminate('the slot was closed under a running attempt')
      return
    }
    this.dying({ how: 'terminated', why: 'the slot was closed' })
    this.hold(true)
    this.send({ kind: 'close' })
    const limit = this.clock.after(this.#closeWithinMs, () => {
      this.kill()
    })
    await this.#exited.promise
    limit.stop()
  }

  async terminate(reason: string): Promise<void> {
    if (this.#death !== null) return
    this.dying({ how: 'terminated', why: reason })
    this.kill()
    await this.#exited.promise
  }

  protected abstract send(message: ToSlot): void
  /** Ends it at once, whatever it does. Its end is seen by `exited`. */
  protected abstract kill(): void
  /** Whether it keeps this process alive: while it starts, and while an attempt runs in it. */
  protected abstract hold(held: boolean): void

  /** The first reason stays. */
  protected dying(why: Dying): void {
    this.#dying ??= why
  }

  protected received(message: FromSlot): void {
    switch (message.kind) {
      case 'ready':
        this.hold(false)
        this.#ready.resolve(undefined)
        return
      case 'secret':
        this.#redactor.hide(message.secret, message.name)
        return
      case 'dying':
        this.dying({ how: 'uncaught-error', why: message.error.message, cause: errorFromReport(message.error) })
        return
      default:
        this.#heard(message)
    }
  }

  /** To be called once, when it has gone. `startError` is for those who wait for it to be ready. */
  protected exited(exitCode: number | null, startError: (cause: unknown) => Error): void {
    const dying = this.#dying ?? { how: 'process-exit' as const, why: `exit code ${String(exitCode)}` }
    this.#death = { ...dying, exitCode }
    this.#ready.reject(startError(dying.cause ?? new Error(dying.why)))
    this.#exited.resolve(undefined)
    if (this.#running === null) return
    const end = diedWith(this.#death)
    this.#settle(end.kind === 'failed' ? { ...end, error: this.#redactor.error(end.error) } : end)
  }

  /** What the step's code prints goes to the run's log, line by line: the terminal belongs to the command line. */
  protected relay(stream: Readable, level: 'info' | 'warn'): void {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        this.#running?.callbacks.log({ level, message: this.#redactor.text(line), at: this.clock.now() })
      }
    })
  }

  #heard(message: Exclude<FromSlot, { kind: 'ready' | 'secret' | 'dying' }>): void {
    const running = this.#running
    if (running === null) return
    switch (message.kind) {
      case 'checkpoint':
        if (message.split === undefined) this.#answer(message.id, running.callbacks.checkpoint(message.checkpoint))
        else this.#answer(message.id, splitOr(running.callbacks, message.checkpoint, message.split))
        return
      case 'splitDeclined':
        running.callbacks.splitDeclined?.(message.reason)
        return
      case 'partitions':
        this.#answer(message.id, running.callbacks.partitions(message.batch))
        return
      case 'ask':
        this.#tell(message.id, running.callbacks.ask(message.question))
        return
      case 'tell':
        running.callbacks.tell(message.word)
        return
      case 'progress':
        running.callbacks.progress(message.progress)
        return
      case 'logs':
        for (const line of message.lines) running.callbacks.log(line)
        return
      case 'at':
        if (running.batch !== null) running.callbacks = running.batch.attempt(message.place)
        return
      case 'ended':
        running.batch?.ended(message.ends)
        return
      case 'batchEnd':
        this.#settle(null)
        return
      case 'end':
        this.#settle(message.end)
    }
  }

  /** `durable`: gives whether a split was taken, where there was one. */
  #answer(id: number, durable: Promise<unknown>): void {
    durable.then(
      (taken) => {
        this.send({ kind: 'answer', id, error: null, ...(taken === true ? { taken } : {}) })
      },
      (thrown: unknown) => {
        this.send({ kind: 'answer', id, error: reportError(thrown) })
      },
    )
  }

  #tell(id: number, answered: Promise<Answer>): void {
    answered.then(
      (answer) => {
        this.send({ kind: 'told', id, answer })
      },
      (thrown: unknown) => {
        this.send({ kind: 'answer', id, error: reportError(thrown) })
      },
    )
  }

  #settle(end: AttemptEnd | null): void {
    const running = this.#running
    this.#running = null
    this.hold(false)
    running?.settle(end)
  }
}
