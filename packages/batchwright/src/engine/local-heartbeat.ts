import type { Clock, Timer } from '../kernel/clock.ts'
import type { Store, TaskLease } from '../store/contract.ts'
import type { Heartbeat, HeartbeatEvents, HeartbeatStart, Renewal } from './lease.ts'

/**
 * Sends renewals on a clock, one at a time: the whole heartbeat for stores in memory and virtual clocks, and the inside of
 * the heartbeat thread.
 */
export class LocalHeartbeat implements Heartbeat {
  readonly #store: Pick<Store, 'renew'>
  readonly #clock: Clock
  readonly #start: HeartbeatStart
  readonly #events: HeartbeatEvents
  #held: readonly TaskLease[] = []
  #timer: Timer | null = null
  #beating: Promise<void> | null = null
  #again = false
  #stopped = false

  constructor(store: Pick<Store, 'renew'>, clock: Clock, start: HeartbeatStart, events: HeartbeatEvents) {
    this.#store = store
    this.#clock = clock
    this.#start = start
    this.#events = events
    this.#schedule()
  }

  hold(leases: readonly TaskLease[]): void {
    this.#held = leases
  }

  beat(): void {
    if (this.#stopped) return
    if (this.#beating !== null) {
      this.#again = true
      return
    }
    this.#timer?.stop()
    this.#beating = this.#renew().finally(() => {
      this.#beating = null
      if (this.#again) {
        this.#again = false
        this.beat()
      } else this.#schedule()
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.stop()
    await this.#beating
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#timer = this.#clock.after(
      this.#start.everyMs,
      () => {
        this.beat()
      },
      { hold: true },
    )
  }

  async #renew(): Promise<void> {
    const held = this.#held
    const sentAt = this.#clock.monotonic()
    let renewal: Renewal
    try {
      const answer = await this.#store.renew(this.#start.workerId, held)
      const lost = new Set(answer.lost)
      renewal = {
        state: answer.state,
        lost: held.filter((lease) => lost.has(lease.taskId)),
        pausedRuns: answer.pausedRuns,
        sentAt,
      }
    } catch (error) {
      this.#events.missed(error)
      return
    }
    this.#events.renewed(renewal)
  }
}
