import { Worker as Thread } from 'node:worker_threads'
import type { Clock } from '../kernel/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import type { Assignment, AttemptEnd, StopReason } from '../protocol/index.ts'
import { Redactor } from '../observe/index.ts'
import type { Executor, Slot, SlotCallbacks } from './contract.ts'
import type { SlotDeath } from './death.ts'
import { diedWith, refusedBy } from './death.ts'
import type { FromSlot, SlotStart, ToSlot } from './messages.ts'

export interface ThreadExecutorOptions {
  /**
   * Largest old generation of one slot's heap in MB (2^20 bytes); default 160. A ceiling, not a reservation: the records
   * loop lives in the young generation and leaves most of it untouched. Buffers and native memory (DuckDB) come on top.
   */
  readonly maxOldGenerationMb?: number
  /**
   * Young generation of one slot's heap in MB; default 24. Measured on ten million CSV records: 32 is 4 % faster in two slots
   * and 9 % in one, for 31 MB more of resident memory with two.
   */
  readonly maxYoungGenerationMb?: number
  /**
   * How long all services of a slot may take to close before it is ended with them open, milliseconds; default 30,000. Each
   * has a limit of its own (`closeWithin`).
   */
  readonly closeWithinMs?: number
  /** Stamps what the step's code prints; default the system's clock. */
  readonly clock?: Clock
  /** A debugger that is attached stops at the first call of the job's own code in a slot. Default false. */
  readonly stopAtFirstCall?: boolean
}

const DEFAULT_OLD_GENERATION_MB = 160
const DEFAULT_YOUNG_GENERATION_MB = 24
/** Largest heap of a slot where no option says another, in bytes: both generations. */
export const DEFAULT_SLOT_HEAP_BYTES = (DEFAULT_OLD_GENERATION_MB + DEFAULT_YOUNG_GENERATION_MB) * 2 ** 20
const DEFAULT_CLOSE_WITHIN_MS = 30_000

const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './slot.ts' : './slot.js', import.meta.url)

/**
 * Slots that are worker threads: they share the process, but not its heap, its event loop or its exit. A thread is kept for
 * many attempts and loads each code version once.
 */
export function threadExecutor(options: ThreadExecutorOptions = {}): Executor {
  let opened = 0
  return {
    name: 'thread',
    openSlot: async () => {
      opened += 1
      const slot = new ThreadSlot(`slot-${String(opened)}`, options)
      await slot.ready
      return slot
    },
  }
}

interface Running {
  readonly callbacks: SlotCallbacks
  readonly settle: (end: AttemptEnd) => void
}

class ThreadSlot implements Slot {
  readonly ready: Promise<void>
  readonly #thread: Thread
  readonly #clock: Clock
  readonly #closeWithinMs: number
  readonly #exited: Promise<void>
  /** Knows the secrets that the thread's services have read: for what the thread dies of. */
  readonly #redactor = new Redactor()
  #running: Running | null = null
  #death: SlotDeath | null = null
  /** Known before the thread has gone: why it is going. */
  #dying: Omit<SlotDeath, 'exitCode'> | null = null

  constructor(name: string, options: ThreadExecutorOptions) {
    const start: SlotStart = { name, stopAtFirstCall: options.stopAtFirstCall ?? false }
    this.#clock = options.clock ?? systemClock
    this.#closeWithinMs = options.closeWithinMs ?? DEFAULT_CLOSE_WITHIN_MS
    this.#thread = new Thread(ENTRY, {
      name,
      workerData: start,
      stdout: true,
      stderr: true,
      resourceLimits: {
        maxOldGenerationSizeMb: options.maxOldGenerationMb ?? DEFAULT_OLD_GENERATION_MB,
        maxYoungGenerationSizeMb: options.maxYoungGenerationMb ?? DEFAULT_YOUNG_GENERATION_MB,
      },
    })
    const ready = Promise.withResolvers<undefined>()
    const exited = Promise.withResolvers<undefined>()
    this.ready = ready.promise
    this.#exited = exited.promise
    this.#thread.on('message', (message: FromSlot) => {
      if (message.kind === 'ready') ready.resolve(undefined)
      else if (message.kind === 'secret') this.#redactor.hide(message.secret, message.name)
      else this.#receive(message)
    })
    this.#thread.on('error', (error) => {
      this.#dying ??= deathOf(error)
    })
    this.#thread.on('exit', (exitCode) => {
      this.#die(exitCode)
      ready.reject(startFailed(name, this.#dying?.cause))
      exited.resolve(undefined)
    })
    this.#relayOutput()
    this.#thread.unref()
  }

  get alive(): boolean {
    return this.#death === null && this.#dying === null
  }

  run(assignment: Assignment, callbacks: SlotCallbacks): Promise<AttemptEnd> {
    if (this.#death !== null) return Promise.resolve(refusedBy(`the slot is dead: ${this.#death.why}`))
    if (this.#running !== null) return Promise.resolve(refusedBy('the slot is already running an attempt'))
    return new Promise((settle) => {
      this.#running = { callbacks, settle }
      this.#thread.ref()
      this.#send({ kind: 'run', assignment })
    })
  }

  stop(reason: StopReason): void {
    if (this.#running !== null) this.#send({ kind: 'stop', reason })
  }

  async close(): Promise<void> {
    if (this.#death !== null) return
    if (this.#running !== null) {
      await this.terminate('the slot was closed under a running attempt')
      return
    }
    this.#dying ??= { how: 'terminated', why: 'the slot was closed' }
    this.#thread.ref()
    this.#send({ kind: 'close' })
    const limit = this.#clock.after(this.#closeWithinMs, () => {
      // Its end is seen by its exit.
      void this.#thread.terminate()
    })
    await this.#exited
    limit.stop()
  }

  async terminate(reason: string): Promise<void> {
    if (this.#death !== null) return
    this.#dying ??= { how: 'terminated', why: reason }
    await this.#thread.terminate()
    await this.#exited
  }

  #receive(message: Exclude<FromSlot, { kind: 'ready' | 'secret' }>): void {
    const running = this.#running
    if (running === null) return
    switch (message.kind) {
      case 'checkpoint':
        this.#answer(message.id, running.callbacks.checkpoint(message.checkpoint))
        return
      case 'partitions':
        this.#answer(message.id, running.callbacks.partitions(message.batch))
        return
      case 'progress':
        running.callbacks.progress(message.progress)
        return
      case 'logs':
        for (const line of message.lines) running.callbacks.log(line)
        return
      case 'end':
        this.#settle(message.end)
    }
  }

  #answer(id: number, durable: Promise<void>): void {
    durable.then(
      () => {
        this.#send({ kind: 'answer', id, error: null })
      },
      (thrown: unknown) => {
        this.#send({ kind: 'answer', id, error: reportError(thrown) })
      },
    )
  }

  #settle(end: AttemptEnd): void {
    const running = this.#running
    this.#running = null
    this.#thread.unref()
    running?.settle(end)
  }

  #die(exitCode: number): void {
    const dying = this.#dying ?? { how: 'process-exit' as const, why: `exit code ${String(exitCode)}` }
    this.#death = { ...dying, exitCode }
    if (this.#running === null) return
    const end = diedWith(this.#death)
    this.#settle(end.kind === 'failed' ? { ...end, error: this.#redactor.error(end.error) } : end)
  }

  /** What the step's code prints goes to the run's log, line by line: the terminal belongs to the command line. */
  #relayOutput(): void {
    for (const [stream, level] of [
      [this.#thread.stdout, 'info'],
      [this.#thread.stderr, 'warn'],
    ] as const) {
      let rest = ''
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const message of lines) this.#running?.callbacks.log({ level, message, at: this.#clock.now() })
      })
    }
  }

  #send(message: ToSlot): void {
    this.#thread.postMessage(message)
  }
}

function deathOf(error: unknown): Omit<SlotDeath, 'exitCode'> {
  const outOfMemory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
  const why = error instanceof Error ? error.message : String(error)
  return { how: outOfMemory ? 'out-of-memory' : 'uncaught-error', why, cause: error }
}

function startFailed(name: string, cause: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'SLOT_START_FAILED',
    message: `${name}: expected a worker thread to start, but it ended before it was ready`,
    hint: 'The cause says what failed while the thread was loading.',
    retryable: true,
    cause,
  })
}
