import type { TaskKind, WindowValue } from '../../protocol/index.ts'

/** What many processes on many machines need of the store beside the work itself. */
export interface FleetVerbs {
  /**
   * Takes or keeps the lead in a duty for `forMs` from now, by the store's clock, where it is free, has run out or is the
   * holder's own; `forMs` 0 gives it up. Answers with who leads now; null for nobody.
   */
  lead(duty: string, holder: string, forMs: number): Promise<string | null>
  /** Keeps the code of jobs by its hash, so that every worker can fetch it. Idempotent: one that is there stays. */
  putArtifact(codeVersion: string, artifact: ArtifactText): Promise<void>
  /** Null where it was never put. */
  getArtifact(codeVersion: string): Promise<ArtifactText | null>
  /** The storage that the runs of this store keep their files on; null before the first process has named one. */
  getStorage(): Promise<StorageRow | null>
  /**
   * Names the storage, in place of the one with id `instead` (null: in place of none). Changes nothing where another one
   * stands by now, a worker is alive, or, unless it is the same id in another place, a run is unfinished. Answers with the
   * one that stands.
   */
  nameStorage(storage: NewStorage, instead: string | null): Promise<StorageRow>
  /** Every open step of runs that are neither paused nor ended: how much is left, and how long its tasks take. */
  fleetLoad(): Promise<readonly OpenStep[]>
  /** Tasks that are leased, the longest held first; at most `limit` (default 1000). */
  listHeld(limit?: number): Promise<readonly HeldTask[]>
}

export interface ArtifactText {
  /** The bundle, whole; its hash is the code version. */
  readonly code: string
  /** Its source map; null where there is none. */
  readonly map: string | null
}

export interface NewStorage {
  /** Stands in a marker file in the state folder, too: who sees that file sees the storage. */
  readonly id: string
  /** Absolute paths, the same on all hosts: those of parts are kept in the store. */
  readonly stateFolder: string
  readonly projectFolder: string
  /** The host that named it, for people. */
  readonly host: string
}

export interface StorageRow extends NewStorage {
  /** Store's clock, milliseconds since the epoch. */
  readonly namedAt: number
}

export interface OpenStep {
  readonly runId: string
  readonly job: string
  readonly step: string
  readonly kind: TaskKind
  /** Tasks that have not ended, those under way included. */
  readonly remaining: number
  readonly leased: number
  /** Of a sample of its tasks that have succeeded, milliseconds from the start to the end; null where there is none. */
  readonly meanMs: number | null
}

export interface HeldTask {
  readonly workerId: string
  readonly runId: string
  readonly job: string
  readonly window: WindowValue | null
  readonly step: string
  readonly kind: TaskKind
  /** Partition index; null for the others. */
  readonly index: number | null
  /** Store's clock, milliseconds since the epoch. */
  readonly leasedAt: number
}
