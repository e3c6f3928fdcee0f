import { newId } from '../kernel/ids.ts'
import type { TaskLease } from '../store/index.ts'
import type { StoreContact } from './contact.ts'
import type { Heartbeat, HeartbeatEvents, HeartbeatStart } from './lease.ts'
import { LocalLease } from './lease.ts'
import { LocalHeartbeat } from './local-heartbeat.ts'
import type { WorkerSettings } from './options.ts'
import { ThreadHeartbeat } from './thread-heartbeat.ts'

export interface IncarnationEvents {
  lost(leases: readonly TaskLease[]): void
  pausedRuns(runs: readonly string[]): void
  died(): void
  failed(error: unknown): void
}

/**
 * One life of a worker in the store, from its registration to its end. A dead one never revives: the worker lets go of
 * everything and begins another under a new id.
 */
export class Incarnation {
  readonly workerId: string
  readonly lease: LocalLease
  #heartbeat: Heartbeat | null = null
  #dead = false

  private constructor(workerId: string, lease: LocalLease) {
    this.workerId = workerId
    this.lease = lease
  }

  /** Registers in the store and starts the heartbeat. */
  static async begin(settings: WorkerSettings, contact: StoreContact, events: IncarnationEvents): Promise<Incarnation> {
    const { store, clock, random, leaseMs, identity, about, slots } = settings
    const workerId = newId(clock, random)
    const lease = new LocalLease(clock, leaseMs)
    await contact.call(() => store.registerWorker({ workerId, ...identity, leaseMs, slots, ...about }))
    const incarnation = new Incarnation(workerId, lease)
    incarnation.#heartbeat = openHeartbeat(settings, workerId, {
      renewed: (renewal) => {
        contact.touch()
        if (renewal.state === 'dead') {
          incarnation.#dead = true
          lease.end()
          events.died()
          return
        }
        lease.renewed(renewal.sentAt)
        events.lost(renewal.lost)
        events.pausedRuns(renewal.pausedRuns)
      },
      missed: (error) => {
        contact.broken()
        settings.hooks.renewalMissed?.(error)
      },
      failed: (error) => {
        events.failed(error)
      },
    })
    return incarnation
  }

  /** Whether the store has declared it dead. */
  get isDead(): boolean {
    return this.#dead
  }

  hold(leases: readonly TaskLease[]): void {
    this.#heartbeat?.hold(leases)
  }

  async end(): Promise<void> {
    this.lease.end()
    await this.#heartbeat?.stop()
  }
}

function openHeartbeat(settings: WorkerSettings, workerId: string, events: HeartbeatEvents): Heartbeat {
  const { leaseMs, heartbeatMs, silenceMs, heartbeat, clock, store } = settings
  const start: HeartbeatStart = { workerId, leaseMs, everyMs: heartbeatMs }
  if (heartbeat.kind === 'local') return new LocalHeartbeat(store, clock, start, events)
  return new ThreadHeartbeat(clock, { ...start, silenceMs, store: heartbeat.store }, events)
}
