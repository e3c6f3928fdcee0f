import type { Clock } from '../kernel/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import { reportError } from '../kernel/errors.ts'
import type { Assignment, AttemptEnd, BatchAssignment, StopReason } from '../protocol/index.ts'
import { SlotBatchPort } from './batch-port.ts'
import type { BatchBoard } from './board.ts'
import type { BatchCallbacks, Executor, Slot, SlotCallbacks } from './contract.ts'
import type { SlotDeath } from './death.ts'
import { diedWith, refusedBy } from './death.ts'
import type { AttemptRunner, RunnerOptions } from './runner.ts'
import { attemptRunner } from './runner.ts'
import { SlotPort, splitOr } from './port.ts'

/** `clock` runs timers and stamps, `load` replaces the loading of bundles: for jobs in memory. */
export type InlineExecutorOptions = RunnerOptions

/**
 * Slots in the engine's own thread: no start-up, no copying, no protection. For steps that say `isolation: 'inline'` and
 * for jobs in memory. An endless loop or process.exit in such a step takes the process with it; `terminate` lets go of the
 * attempt, whose later words are refused, but cannot stop its code.
 */
export function inlineExecutor(options: InlineExecutorOptions = {}): Executor {
  return {
    name: 'inline',
    openSlot: () => Promise.resolve(new InlineSlot(options)),
  }
}

interface Running {
  /** Of the attempt at work; null where one of a batch has needed none. */
  readonly port: SlotPort | null
  /** Null: the batch is through. */
  readonly settle: (end: AttemptEnd | null) => void
}

class InlineSlot implements Slot {
  readonly #clock: Clock
  readonly #runner: AttemptRunner
  #running: Running | null = null
  #death: SlotDeath | null = null

  constructor(options: InlineExecutorOptions) {
    this.#clock = options.clock ?? systemClock
    this.#runner = attemptRunner(options)
  }

  get alive(): boolean {
    return this.#death === null
  }

  run(assignment: Assignment, callbacks: SlotCallbacks): Promise<AttemptEnd> {
    if (this.#death !== null) return Promise.resolve(refusedBy(`the slot is dead: ${this.#death.why}`))
    if (this.#running !== null) return Promise.resolve(refusedBy('the slot is already running an attempt'))
    const port = portTo(callbacks, this.#clock)
    return new Promise((resolve) => {
      const settle = (end: AttemptEnd | null): void => {
        if (this.#running !== running) return
        this.#running = null
        port.shut()
        resolve(end ?? refusedBy('the slot ended a batch where an attempt ran'))
      }
      const running: Running = { port, settle }
      this.#running = running
      this.#runner.run(assignment, port).then(settle, (thrown: unknown) => {
        settle({ kind: 'failed', error: reportError(thrown), counters: null })
      })
    })
  }

  runBatch(batch: BatchAssignment, board: BatchBoard, callbacks: BatchCallbacks): Promise<AttemptEnd | null> {
    if (this.#death !== null) return Promise.resolve(refusedBy(`the slot is dead: ${this.#death.why}`))
    if (this.#running !== null) return Promise.resolve(refusedBy('the slot is already running an attempt'))
    return new Promise((resolve, reject) => {
      const port = new SlotBatchPort(
        {
          openPort: (place) => portTo(callbacks.attempt(place), this.#clock),
          ended: (ends) => {
            if (this.#running === running) callbacks.ended(ends)
          },
        },
        board,
        this.#clock,
      )
      const settle = (end: AttemptEnd | null): void => {
        if (this.#running !== running) return
        port.flush()
        this.#running = null
        board.stop()
        port.current?.shut()
        resolve(end)
      }
      const running: Running = {
        get port() {
          return port.current
        },
        settle,
      }
      this.#running = running
      this.#runner.runBatch(batch, port).then(() => {
        settle(null)
      }, reject)
    })
  }

  stop(reason: StopReason): void {
    this.#running?.port?.stop(reason)
  }

  split(pieces: number): void {
    this.#running?.port?.askSplit(pieces)
  }

  async close(): Promise<void> {
    if (this.#running !== null) await this.terminate('the slot was closed under a running attempt')
    else if (this.#death === null) {
      this.#death = { how: 'terminated', why: 'the slot was closed', exitCode: null }
      await this.#closeServices()
    }
  }

  terminate(reason: string): Promise<void> {
    if (this.#death === null) {
      this.#death = { how: 'terminated', why: reason, exitCode: null }
      this.#running?.port?.stop('lost')
      this.#running?.settle(diedWith(this.#death))
      // The attempt that is let go loses them; nothing waits for that.
      void this.#closeServices()
    }
    return Promise.resolve()
  }

  /** What an attempt did is done: a client that cannot be closed changes nothing of it, and is told. */
  async #closeServices(): Promise<void> {
    try {
      await this.#runner.close()
    } catch (thrown) {
      process.emitWarning(`a slot's services: ${describe(thrown)}`, { code: 'SERVICE_NOT_CLOSED' })
    }
  }
}

/** A port whose words go straight to the engine. */
function portTo(callbacks: SlotCallbacks, clock: Clock): SlotPort {
  return new SlotPort(
    {
      checkpoint: (checkpoint) => callbacks.checkpoint(checkpoint),
      partitions: (batch) => callbacks.partitions(batch),
      ask: (question) => callbacks.ask(question),
      tell: (word) => {
        callbacks.tell(word)
      },
      progress: (progress) => {
        callbacks.progress(progress)
      },
      logs: (lines) => {
        for (const line of lines) callbacks.log(line)
      },
      split: (checkpoint, split) => splitOr(callbacks, checkpoint, split),
      splitDeclined: (reason) => callbacks.splitDeclined?.(reason),
    },
    clock,
  )
}

function describe(thrown: unknown): string {
  const causes: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  return causes.map((cause) => reportError(cause).message).join('; ')
}
