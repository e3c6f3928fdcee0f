import { Worker as Thread } from 'node:worker_threads'
import type { Clock } from '../kernel/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { AttemptEnd, BatchAssignment } from '../protocol/index.ts'
import type { BatchBoard } from './board.ts'
import type { BatchCallbacks, Executor } from './contract.ts'
import type { FromSlot, SlotStart, ToSlot } from './messages.ts'
import type { Dying } from './remote.ts'
import { RemoteSlot } from './remote.ts'

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
export const DEFAULT_CLOSE_WITHIN_MS = 30_000

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

class ThreadSlot extends RemoteSlot {
  readonly #thread: Thread

  constructor(name: string, options: ThreadExecutorOptions) {
    super(options.clock ?? systemClock, options.closeWithinMs ?? DEFAULT_CLOSE_WITHIN_MS)
    const start: SlotStart = { name, stopAtFirstCall: options.stopAtFirstCall ?? false }
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
    this.#thread.on('message', (message: FromSlot) => {
      this.received(message)
    })
    this.#thread.on('error', (error) => {
      this.dying(deathOf(error))
    })
    this.#thread.on('exit', (exitCode) => {
      this.exited(exitCode, (cause) => startFailed(name, cause))
    })
    this.relay(this.#thread.stdout, 'info')
    this.relay(this.#thread.stderr, 'warn')
  }

  runBatch(batch: BatchAssignment, board: BatchBoard, callbacks: BatchCallbacks): Promise<AttemptEnd | null> {
    return this.startBatch(batch, board, callbacks)
  }

  protected send(message: ToSlot): void {
    this.#thread.postMessage(message)
  }

  protected kill(): void {
    // Its end is seen by its exit.
    void this.#thread.terminate()
  }

  protected hold(held: boolean): void {
    if (held) this.#thread.ref()
    else this.#thread.unref()
  }
}

function deathOf(error: unknown): Dying {
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
