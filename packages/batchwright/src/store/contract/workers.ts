import type { TaskLease } from './tasks.ts'

export interface NewWorker {
  /** Made by the worker, new for each incarnation. */
  readonly workerId: string
  readonly host: string
  /** Identifies one boot of the host: with pid and start time, a dead process on the same host is known at once. */
  readonly bootId: string
  readonly pid: number
  /** Start time of the process, in the operating system's own ticks, as text. */
  readonly processStart: string
  readonly leaseMs: number
  /** Of the process, for people; several may have the same. */
  readonly name?: string
  /** Attempts that it runs at once. */
  readonly slots?: number
  /** Of Batchwright, as 1.2.3. */
  readonly version?: string
  /** The id of the storage that it sees. */
  readonly storage?: string
}

export interface WorkerVerbs {
  /**
   * Refused with STORAGE_NOT_SHARED where the store's storage is named and the worker does not see it: it could neither read
   * what others have staged nor be read by them.
   */
  registerWorker(worker: NewWorker): Promise<void>
  /**
   * Extends the worker's one lease, which all its tasks share, by its leaseMs. States the tasks it holds: owned tasks that
   * are absent from two renewals in a row return to ready. Answers with the tasks that it thinks it holds but does not
   * own any more, and with the runs that were asked to pause or stop. `dead`: the worker was reaped; it must abort
   * everything and register anew under a new id.
   */
  renew(
    workerId: string,
    held: readonly TaskLease[],
  ): Promise<{
    readonly state: 'alive' | 'dead'
    readonly lost: readonly number[]
    readonly pausedRuns: readonly string[]
  }>
  /** A worker that leaves: its tasks return to ready, unspent. */
  retireWorker(workerId: string): Promise<void>
  /**
   * Declares dead every worker whose lease has run out by the store's clock, and those in `knownDead`; their tasks return
   * to ready, with crashCount raised where they had started, or fail at the crash limit. A checkpoint sets the count back to
   * 0: only deaths without progress count. Grace after an outage is the caller's:
   * with `onlyKnown` leases that have run out are left alone (default false).
   */
  reap(
    knownDead: readonly string[],
    limits: { readonly crashes: number; readonly onlyKnown?: boolean },
  ): Promise<ReapResult>
  /** In order of id. `states`: only these. `host`: only of this host. */
  listWorkers(filter?: WorkerFilter): Promise<readonly WorkerRow[]>
}

export interface WorkerFilter {
  readonly states?: readonly WorkerRow['state'][]
  readonly host?: string
  /** Of other hosts than that one, those too whose lease has run out: whoever buries the dead needs no more. */
  readonly orExpired?: boolean
}

export interface ReapResult {
  readonly workers: readonly string[]
  readonly released: number
  readonly failed: number
}

export interface WorkerRow extends NewWorker {
  readonly state: 'alive' | 'dead' | 'retired'
  /** By the store's clock, milliseconds since the epoch. */
  readonly expiresAt: number
  /** Whether it is alive in name, and its lease has run out. */
  readonly expired: boolean
}
