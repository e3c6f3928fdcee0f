import { Socket } from 'node:net'
import type { Client } from 'pg'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { number } from '../sql/rows.ts'
import { clientConfig, loadClient, type Connections } from './connections.ts'
import type { PostgresTarget } from './settings.ts'

/** How often the outbox is asked for news where nothing listens, milliseconds. */
const POLL_MS = 500
/** And where something does, in case its connection is dead without having said so. */
const LOOK_ALL_THE_SAME_MS = 10_000
/** Waits between tries to connect, milliseconds: doubled from the first to the longest. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000

/** The newest event of those that say that somebody may have something to do. Answered by an index of these alone. */
export const NEWEST = `select coalesce(max(event), 0) as newest from events
  where type not in ('tasks.leased', 'tasks.succeeded', 'worker.registered', 'worker.retired')`

/**
 * Waiting for something to happen. One connection listens for the whole store, which the tables notify (a trigger of the
 * outbox). While it is away the outbox is asked instead; when it is back, whoever waits is woken, for news may have been missed.
 */
export class Changes {
  readonly #target: PostgresTarget
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #waiters = new Set<() => void>()
  #listener: Promise<void> | null = null
  #client: Client | null = null
  #retry: Timer | null = null
  #wait = FIRST_WAIT_MS
  #poll: Timer | null = null
  #polling = false
  /** Something happened while nobody waited. */
  #news = true
  #newest = 0
  #ended = false

  constructor(target: PostgresTarget, connections: Connections, clock: Clock) {
    this.#target = target
    this.#connections = connections
    this.#clock = clock
  }

  /** Resolves when something has happened since it was last waited for, after `ms`, or when aborted. Never rejects. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#ended || signal?.aborted === true) return
    if (ms <= 0) {
      await this.#catchUp()
      return
    }
    if (this.#news) {
      this.#news = false
      return
    }
    void this.#listen()
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake)
        deadline.stop()
        signal?.removeEventListener('abort', wake)
        if (this.#waiters.size === 0) this.#stopPolling()
        resolve()
      }
      const deadline = this.#clock.after(ms, wake, { hold: true })
      this.#waiters.add(wake)
      signal?.addEventListener('abort', wake, { once: true })
      this.#pollLater()
    })
  }

  /** Listens from here on, and knows all that has happened so far. */
  async #catchUp(): Promise<void> {
    // The listening connection keeps no process alive; who waits for it does.
    const hold = this.#clock.after(LONGEST_WAIT_MS, () => undefined, { hold: true })
    await this.#listen()
    await this.#look()
    this.#news = false
    hold.stop()
  }

  /** The store closes: everyone who waits is woken, and nobody waits any more. */
  async end(): Promise<void> {
    this.#ended = true
    this.#stopPolling()
    this.#retry?.stop()
    this.#wakeAll()
    await this.#listener
    const client = this.#client
    this.#client = null
    // It is going away: an error on the way tells nobody anything.
    await client?.end().catch(() => undefined)
  }

  #wakeAll(): void {
    this.#news = this.#waiters.size === 0
    for (const wake of [...this.#waiters]) wake()
  }

  /** Resolves when the listening connection is there, or could not be made this time. */
  #listen(): Promise<void> {
    if (this.#target.listen === 'off' || this.#client !== null || this.#retry !== null) return Promise.resolve()
    this.#listener ??= this.#connect().finally(() => {
      this.#listener = null
    })
    return this.#listener
  }

  async #connect(): Promise<void> {
    const pg = await loadClient()
    const client = new pg.Client({
      ...clientConfig({ ...this.#target, connectionString: this.#target.listen }, pg),
      // A store that waits must not keep a process alive: whoever waits holds a timer.
      stream: () => new Socket().unref(),
    })
    const lost = (): void => {
      if (this.#client !== client) return
      this.#client = null
      this.#wakeAll()
      this.#connectLater()
    }
    client.on('error', lost)
    client.on('end', lost)
    client.on('notification', () => {
      this.#wakeAll()
    })
    try {
      await client.connect()
      await client.query(`listen batchwright_${this.#target.schema}`)
    } catch {
      // Polling goes on meanwhile; what is wrong with the database is told by the next verb.
      await client.end().catch(() => undefined)
      this.#connectLater()
      return
    }
    if (this.#ended) {
      await client.end().catch(() => undefined)
      return
    }
    this.#client = client
    this.#wait = FIRST_WAIT_MS
    this.#wakeAll()
  }

  #connectLater(): void {
    if (this.#ended || this.#retry !== null) return
    this.#retry = this.#clock.after(this.#wait, () => {
      this.#retry = null
      void this.#listen()
    })
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS)
  }

  #pollLater(): void {
    if (this.#poll !== null || this.#polling || this.#ended || this.#waiters.size === 0) return
    const ms = this.#client === null ? POLL_MS : LOOK_ALL_THE_SAME_MS
    this.#poll = this.#clock.after(ms, () => {
      this.#poll = null
      this.#polling = true
      void this.#look().then(() => {
        this.#polling = false
        this.#pollLater()
      })
    })
  }

  #stopPolling(): void {
    this.#poll?.stop()
    this.#poll = null
  }

  /** Asks the outbox. Where it cannot be asked, "may have changed" is the honest answer: the next verb tells the trouble. */
  async #look(): Promise<void> {
    try {
      const row = await this.#connections.read((session) => session.get(NEWEST))
      const newest = row === undefined ? 0 : number(row, 'newest')
      if (newest === this.#newest) return
      this.#newest = newest
    } catch {
      if (this.#ended) return
    }
    this.#wakeAll()
  }
}
