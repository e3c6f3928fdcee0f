import type { Clock } from '../../kernel/clock.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { Random } from '../../kernel/random.ts'
import { isBusy, storeError } from './errors.ts'
import type { SqliteSession } from './session.ts'

/** Waits between tries for the write lock, milliseconds: doubled from the first to the longest, each with jitter. */
const FIRST_WAIT = 1
const LONGEST_WAIT = 50
/** A lock held for longer than this is somebody's mistake: the caller is told instead of waiting for ever. */
const LONGEST_BUSY = 30_000

interface QueuedCall {
  /** Does the call's work; what it returns acknowledges the call. */
  readonly run: () => Promise<() => void>
  readonly reject: (error: unknown) => void
}

/**
 * Runs verbs in transactions. Calls that arrive within one turn of the event loop are committed together: a durable commit
 * costs a flush of the disk, and the flush is the same for one verb and for fifty. Each call has a savepoint of its own, so
 * that one that fails takes nothing with it but itself. A call is acknowledged only after the commit.
 *
 * Bodies are asynchronous, and there is one connection: a transaction has it to itself from its begin to its end, so that
 * nothing else of this thread can get between its statements.
 */
export class Writer {
  readonly #session: SqliteSession
  readonly #clock: Clock
  readonly #random: Random
  readonly #path: string
  #queue: QueuedCall[] = []
  #draining: Promise<void> | null = null
  #ended = false
  /** Settled when the last transaction that was asked for has ended. */
  #turn: Promise<void> = Promise.resolve()
  #writing = false
  #afterWrite = (): void => undefined

  constructor(session: SqliteSession, clock: Clock, random: Random, path: string) {
    this.#session = session
    this.#clock = clock
    this.#random = random
    this.#path = path
  }

  /** Whether a write transaction is open: what is seen then may never have happened. */
  get writing(): boolean {
    return this.#writing
  }

  /** Calls back after each write transaction, when it has ended one way or the other. */
  onWritten(callback: () => void): void {
    this.#afterWrite = callback
  }

  /** Runs `body` in a write transaction, together with its neighbours. */
  write<Value>(body: () => Promise<Value>): Promise<Value> {
    if (this.#ended) return Promise.reject(closed(this.#path))
    return new Promise<Value>((resolve, reject) => {
      const run = async (): Promise<() => void> => {
        const value = await body()
        return () => {
          resolve(value)
        }
      }
      this.#queue.push({ run, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Runs `body` in a read transaction: everything it reads is of one moment. */
  read<Value>(body: () => Promise<Value>): Promise<Value> {
    if (this.#ended) return Promise.reject(closed(this.#path))
    return this.#whenFree(async () => {
      this.#session.execute('begin')
      try {
        return await body()
      } finally {
        if (this.#session.inTransaction) this.#session.execute('commit')
      }
    })
  }

  /** Takes no more calls; resolves when those that were asked have been committed or refused. */
  async end(): Promise<void> {
    this.#ended = true
    while (this.#draining !== null) await this.#draining
    await this.#turn
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      // One turn of the event loop: everything that arrives in it shares the commit.
      await new Promise<void>((resolve) => setImmediate(resolve))
      try {
        await this.#whenFree(async () => {
          this.#session.execute('begin immediate')
          await this.#commitTogether(this.#queue.splice(0))
        })
      } catch (thrown) {
        for (const call of this.#queue.splice(0)) call.reject(thrown)
      }
    }
    this.#draining = null
  }

  /** Waits for the file's lock without blocking the thread, nor the other calls: the connection's busy time-out is zero. */
  async #whenFree<Value>(transaction: () => Promise<Value>): Promise<Value> {
    const started = this.#clock.monotonic()
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      try {
        return await this.#alone(transaction)
      } catch (thrown) {
        if (!isBusy(thrown)) throw storeError(thrown, this.#path)
        if (this.#clock.monotonic() - started > LONGEST_BUSY) throw busyTooLong(this.#path, thrown)
      }
      await this.#clock.sleep(wait * (0.5 + this.#random.next()))
    }
  }

  /** Runs one transaction after the other, in the order in which they were asked for. */
  async #alone<Value>(transaction: () => Promise<Value>): Promise<Value> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#turn = promise
    await before
    try {
      return await transaction()
    } finally {
      resolve(undefined)
    }
  }

  /** Everything after `begin immediate`: never throws, answers each call. */
  async #commitTogether(calls: readonly QueuedCall[]): Promise<void> {
    this.#writing = true
    try {
      const answers: (() => void)[] = []
      for (const call of calls) answers.push(await this.#runAlone(call))
      failPoint('store.finish-before-commit')
      this.#session.execute('commit')
      for (const answer of answers) answer()
    } catch (thrown) {
      if (this.#session.inTransaction) this.#session.execute('rollback')
      const error = storeError(thrown, this.#path)
      for (const call of calls) call.reject(error)
    }
    this.#writing = false
    this.#afterWrite()
  }

  /** Throws only where SQLite ended the whole transaction (a full disk); then nothing of the group was done. */
  async #runAlone(call: QueuedCall): Promise<() => void> {
    this.#session.execute('savepoint verb')
    try {
      const acknowledge = await call.run()
      this.#session.execute('release verb')
      return acknowledge
    } catch (thrown) {
      if (!this.#session.inTransaction) throw thrown
      this.#session.execute('rollback to verb')
      this.#session.execute('release verb')
      return () => {
        call.reject(storeError(thrown, this.#path))
      }
    }
  }
}

function closed(path: string): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_CLOSED',
    message: `expected the store ${path} to be open, found it closed`,
    hint: 'Close the store after the last call has been answered.',
    details: { path },
  })
}

function busyTooLong(path: string, cause: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_BUSY',
    message: `expected to get the write lock of ${path} within ${LONGEST_BUSY / 1000} s, found it held all the time`,
    hint: 'Look for a process that holds the store open in a transaction, such as an SQLite shell, and end it.',
    details: { path },
    cause,
    retryable: true,
  })
}
