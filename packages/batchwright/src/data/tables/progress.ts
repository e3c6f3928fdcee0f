import { hashKey } from '../../kernel/digest.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { TableLocation } from '../../job/model.ts'
import { PROGRESS } from './bookkeeping.ts'
import { qualified, tableName, type SqlValue, type TableConnection } from './connection.ts'

/** The task whose position a progress row keeps. */
export interface ProgressKey {
  readonly runId: string
  readonly step: string
  readonly taskId: number
  readonly job: string
  /** Empty for none. */
  readonly windowKey: string
  readonly revision: number
  readonly dataset: string
}

/** What a progress row says. */
export interface Progress {
  /** Sequence of the checkpoint; 0 before the first. */
  readonly sequence: number
  /** As it was given; null before the first. */
  readonly checkpoint: string | null
  /** Rows given to the database since the task's beginning, and rows that it says it has changed. */
  readonly sent: number
  readonly changed: number
}

/** How long a statement waits for a lock that the attempt before may hold. */
const OTHERS_MS = 1_000
/** How long a session of ours may keep a transaction open without a word: one that was stopped must not hold its locks for ever. */
const SILENT_MS = 300_000
/** Tries to get past the attempt before: it is let end first, then ended. */
const TRIES = 5

/**
 * The progress row of one task, in the database that its rows go to. Opening raises the fence in a transaction of its own,
 * and counts openings; whoever writes says which opening he is, in the transaction of his rows. So a zombie, an attempt whose
 * connection was cut, and a COMMIT that nobody heard the answer of are all judged by the same row.
 */
export class ProgressRow {
  readonly #connection: TableConnection
  readonly #table: TableLocation
  readonly #key: ProgressKey
  readonly #name: string
  #opening = 0

  constructor(connection: TableConnection, table: TableLocation, key: ProgressKey) {
    this.#connection = connection
    this.#table = table
    this.#key = key
    this.#name = qualified(table, PROGRESS)
  }

  /**
   * Raises the fence and reads the position, in one transaction. A transaction of an earlier attempt that is still open ends
   * first: by itself, or it is ended. Throws FENCED where a later attempt has opened already.
   */
  async open(fence: number): Promise<Progress> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#openOnce(fence)
      } catch (thrown) {
        await this.#connection.rollback()
        if (tries >= TRIES || !(thrown instanceof BatchwrightError) || thrown.code !== 'TABLE_BUSY') throw thrown
        await this.#endOthers()
      }
    }
  }

  /** First thing in a transaction that writes: holds the row, so that nobody opens it meanwhile. Throws FENCED. */
  async hold(): Promise<void> {
    await this.#limits(SILENT_MS)
    const lock = this.#connection.database === 'postgres' ? 'for update' : ''
    const [row] = await this.#connection.rows(
      `select opening from ${this.#name} where ${this.#where} ${lock}`,
      this.#values,
    )
    if (Number(row?.[0]) !== this.#opening) throw this.#fenced()
  }

  /** Last thing in it: the position that belongs to the rows. Throws FENCED. */
  async advance({ sequence, checkpoint, sent, changed }: Progress): Promise<void> {
    const rows = await this.#connection.run(
      `update ${this.#name} set sequence = $4, checkpoint = $5, sent = $6, changed = $7, updated_at = current_timestamp
       where ${this.#where} and opening = $8`,
      [...this.#values, sequence, checkpoint, sent, changed, this.#opening],
    )
    if (rows !== 1) throw this.#fenced()
  }

  async #openOnce(fence: number): Promise<Progress> {
    const { job, windowKey, revision, dataset } = this.#key
    await this.#connection.begin()
    await this.#limits(OTHERS_MS)
    await this.#connection.run(
      `insert into ${this.#name} (run, step, task, job, window_key, revision, dataset, target, fence, opening, sequence, sent, changed)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, 0) on conflict (run, step, task) do nothing`,
      [...this.#values, job, windowKey, revision, dataset, tableName(this.#table), fence],
    )
    const [row] = await this.#connection.rows(
      `update ${this.#name} set fence = $4, opening = opening + 1, updated_at = current_timestamp
       where ${this.#where} and fence <= $4 returning opening, sequence, checkpoint, sent, changed`,
      [...this.#values, fence],
    )
    if (row === undefined) throw this.#fenced()
    await this.#connection.commit()
    const [opening, sequence, checkpoint, sent, changed] = row
    this.#opening = Number(opening)
    return {
      sequence: Number(sequence),
      checkpoint: checkpoint === null || checkpoint === undefined ? null : String(checkpoint),
      sent: Number(sent),
      changed: Number(changed),
    }
  }

  /** Settings of one transaction; and the mark by which others find whose it is. */
  async #limits(lockMs: number): Promise<void> {
    if (this.#connection.database === 'sqlite') return
    await this.#connection.rows(
      `select set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true)`,
      [`${lockMs}ms`, `${SILENT_MS}ms`],
    )
    await this.#connection.rows('select pg_advisory_xact_lock($1, $2)', this.#mark)
  }

  /** Ends sessions whose transaction has the mark of this task: those of attempts whose fence is about to be passed. */
  async #endOthers(): Promise<void> {
    if (this.#connection.database === 'sqlite') return
    await this.#connection.rows(
      `select pg_terminate_backend(pid) from pg_locks
       where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
         and classid = $1::int8 & 4294967295 and objid = $2::int8 & 4294967295 and objsubid = 2 and granted and pid <> pg_backend_pid()`,
      this.#mark,
    )
  }

  get #where(): string {
    return 'run = $1 and step = $2 and task = $3'
  }

  get #values(): readonly SqlValue[] {
    return [this.#key.runId, this.#key.step, this.#key.taskId]
  }

  /** Two signed halves of 64 bits. */
  get #mark(): readonly SqlValue[] {
    const { runId, step, taskId } = this.#key
    const name = `${runId} ${step} ${taskId}`
    return [hashKey(`batchwright ${name}`) | 0, hashKey(`${name} table`) | 0]
  }

  #fenced(): BatchwrightError {
    const { runId, step, taskId } = this.#key
    return new BatchwrightError({
      code: 'FENCED',
      message: `step ${step}: expected to be the only attempt that writes ${tableName(this.#table)} for task ${taskId}, found that a later one has opened it`,
      hint: 'Nothing is wrong: the later attempt goes on from the last commit.',
      details: { run: runId, step, task: taskId },
    })
  }
}
