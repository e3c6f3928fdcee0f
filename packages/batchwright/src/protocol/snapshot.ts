import type { WindowValue } from './window.ts'

/**
 * One file of a run's exact input, as the planning pass found it. The digests of its blocks and the record boundaries are
 * kept in a sidecar file (`index`), not in the store.
 */
export interface SnapshotFile {
  readonly dataset: string
  /** The dataset's own window that the file belongs to; null for a dataset without one. */
  readonly window: WindowValue | null
  /** As the dataset's location gave it, relative to the project folder where it lies inside it. */
  readonly path: string
  /** Size on disk in bytes. */
  readonly bytes: number
  /** SHA-256 of the bytes on disk, hex. */
  readonly sha256: string
  /** Data records in it: headers and blank lines not counted, faulty records counted. */
  readonly records: number
  /** Modification time, milliseconds since the epoch: a cheap first look, never the proof. */
  readonly modifiedMs: number
  /** For a file of a published dataset: the number of the manifest that named it. */
  readonly publishedVersion?: number
  /**
   * Rows of a table that is read live: they were counted at planning, and may be others when they are read. `path` is the
   * table's name, `sha256` a digest of row count and bounds. Absent for files.
   */
  readonly live?: true
  /** Of a live table: the highest value of its growing column that is read. Absent where there is no such bound. */
  readonly asOf?: string | number
  /** Name of the step's lookup that holds it in memory; absent for what the step reads record by record. */
  readonly lookup?: string
}

/** The exact input of a step, as its plan fixed it. */
export interface Snapshot {
  readonly files: readonly SnapshotFile[]
  /** SHA-256 over the canonical JSON of dataset, window, path and sha256 of every file, in order. */
  readonly digest: string
}
