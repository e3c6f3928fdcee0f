import type { Clock } from '../../kernel/clock.ts'
import { NEWEST_EVENT } from '../sql/events.ts'
import { number } from '../sql/rows.ts'
import type { SqliteSession } from './session.ts'
import type { Writer } from './writer.ts'

/** How often the file is asked whether another process has committed, milliseconds: one pragma, a few microseconds. */
const POLL_MS = 25

/**
 * Waiting for something to happen. Whatever another part of the fleet may care about is in the outbox, so that a new row
 * there is the sign; renewals and checkpoints wake nobody. `data_version` tells without reading whether another connection
 * has committed anything; what this connection commits, it knows.
 */
export class Changes {
  readonly #session: SqliteSession
  readonly #writer: Writer
  readonly #clock: Clock
  /** Nobody else can write: an in-memory store. */
  readonly #alone: boolean
  readonly #waiters = new Set<() => void>()
  #seen = 0
  #version = -1
  #ended = false

  constructor(session: SqliteSession, writer: Writer, clock: Clock, alone: boolean) {
    this.#session = session
    this.#writer = writer
    writer.onWritten(() => {
      this.#written()
    })
    this.#clock = clock
    this.#alone = alone
  }

  /** After a transaction of this connection: wakes those who wait, if the outbox has grown. */
  #written(): void {
    if (!this.#ended && this.#waiters.size > 0 && this.#grown()) this.#wakeAll()
  }

  /** The store closes: everyone who waits is woken, and nobody waits any more. */
  end(): void {
    this.#ended = true
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiters]) wake()
  }

  /** Resolves when the outbox has grown since it was last looked at here, after `ms`, or when aborted. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#ended || signal?.aborted === true) return Promise.resolve()
    if (this.#grown()) {
      // Seen here, it is news no more: the others that wait for it would miss it.
      this.#wakeAll()
      return Promise.resolve()
    }
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake)
        deadline.stop()
        poll.stop()
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const look = (): void => {
        if (this.#othersCommitted() && this.#grown()) this.#wakeAll()
        else poll = this.#clock.after(POLL_MS, look)
      }
      const deadline = this.#clock.after(ms, wake, { hold: true })
      let poll = this.#alone ? deadline : this.#clock.after(POLL_MS, look)
      this.#waiters.add(wake)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  #othersCommitted(): boolean {
    return this.#looked(() => {
      const row = this.#session.first('pragma data_version')
      const version = row === undefined ? 0 : number(row, 'data_version')
      const moved = version !== this.#version
      this.#version = version
      return moved
    })
  }

  /** In the middle of a transaction there is nothing to see: it looks itself when it has ended. */
  #grown(): boolean {
    if (this.#writer.writing) return false
    return this.#looked(() => {
      const row = this.#session.first(NEWEST_EVENT)
      const newest = row === undefined ? 0 : number(row, 'newest')
      const grown = newest > this.#seen
      this.#seen = newest
      return grown
    })
  }

  /**
   * Where the store cannot be looked at, "may have changed" is the honest answer: for a moment's lock, and for a store that
   * is damaged too. Whoever is woken meets the trouble in their next call, in words; in a timer nobody could catch it.
   */
  #looked(look: () => boolean): boolean {
    try {
      return look()
    } catch {
      return true
    }
  }
}
