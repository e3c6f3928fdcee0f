import { Worker as Thread } from 'node:worker_threads'
import type { Clock, Timer } from '../kernel/clock.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { ErrorReport } from '../kernel/errors.ts'
import type { StoreAddress, TaskLease } from '../store/index.ts'
import type { Heartbeat, HeartbeatEvents, HeartbeatStart, Renewal } from './lease.ts'

/** What the heartbeat thread is started with. */
export interface HeartbeatThreadStart extends HeartbeatStart {
  /** Where the store is: the thread opens a connection of its own. */
  readonly store: StoreAddress
  /** Renewals stop when the main thread has not ticked for this long: a worker that is stuck must not look alive. */
  readonly silenceMs: number
}

export type ToHeartbeat =
  | { readonly kind: 'tick'; readonly at: number }
  | { readonly kind: 'hold'; readonly leases: readonly TaskLease[] }
  | { readonly kind: 'beat' }
  | { readonly kind: 'stop' }

export type FromHeartbeat =
  { readonly kind: 'renewed'; readonly renewal: Renewal } | { readonly kind: 'missed'; readonly error: ErrorReport }

const TICK_EVERY_MS = 1_000
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './heartbeat.ts' : './heartbeat.js', import.meta.url)

/** A heartbeat on a thread and a store connection of its own, so that neither user code nor a blocked call delays it. */
export class ThreadHeartbeat implements Heartbeat {
  readonly #thread: Thread
  readonly #clock: Clock
  readonly #exited: Promise<void>
  #ticking: Timer | null = null
  #stopped = false

  constructor(clock: Clock, start: HeartbeatThreadStart, events: HeartbeatEvents) {
    this.#clock = clock
    this.#thread = new Thread(ENTRY, {
      name: 'heartbeat',
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    })
    this.#thread.unref()
    const exited = Promise.withResolvers<undefined>()
    this.#exited = exited.promise
    let cause: unknown
    this.#thread.on('message', (message: FromHeartbeat) => {
      if (message.kind === 'renewed') events.renewed(message.renewal)
      else events.missed(message.error)
    })
    this.#thread.on('error', (error) => {
      cause = error
    })
    this.#thread.on('exit', () => {
      exited.resolve(undefined)
      if (!this.#stopped) events.failed(heartbeatLost(cause))
    })
    this.#tick()
  }

  hold(leases: readonly TaskLease[]): void {
    this.#send({ kind: 'hold', leases })
  }

  beat(): void {
    this.#send({ kind: 'beat' })
  }

  async stop(): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true
      this.#ticking?.stop()
      this.#thread.ref()
      this.#send({ kind: 'stop' })
    }
    await this.#exited
  }

  #tick(): void {
    this.#send({ kind: 'tick', at: this.#clock.monotonic() })
    this.#ticking = this.#clock.after(TICK_EVERY_MS, () => {
      this.#tick()
    })
  }

  #send(message: ToHeartbeat): void {
    this.#thread.postMessage(message)
  }
}

function heartbeatLost(cause: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'HEARTBEAT_LOST',
    message: "the thread that renews this worker's lease has ended",
    hint: 'The cause says why. Start the worker again: its tasks go on from their checkpoints.',
    cause,
  })
}
