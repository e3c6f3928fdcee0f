import type { JsonValue } from '../kernel/errors.ts'
import type { ControlTotals, Counters } from './counters.ts'

/**
 * File formats that a sink can stage. `blocks` is the format between steps: msgpack blocks, cut by shuffle bucket. `files`: an
 * index of whole files, which lie beside it; its records are the files. `table`: rows of a table, counted; there is no file.
 */
export type PartFormat = 'jsonl' | 'csv' | 'parquet' | 'blocks' | 'files' | 'table'

/** A sealed file: closed, flushed to disk, hashed; never written again. */
export interface Part {
  /** Absolute path; for `table` its name: `postgres:public.accounts`. */
  readonly path: string
  readonly format: PartFormat
  readonly bytes: number
  readonly records: number
  /** SHA-256 of the whole file, hex. */
  readonly sha256: string
  /** For `blocks`: where each block lies. Absent otherwise. */
  readonly blocks?: readonly BlockEntry[]
  /** Code version that wrote it. */
  readonly codeVersion: string
}

/** One block of a `blocks` file. */
export interface BlockEntry {
  /** Shuffle bucket whose records it holds; 0 where the output is not shuffled. */
  readonly bucket: number
  readonly offset: number
  readonly bytes: number
  readonly records: number
}

/** A sink's durable state inside a checkpoint: sealed parts by reference, and how far the open part is safe. */
export interface SinkState {
  readonly sealed: readonly Part[]
  readonly open: OpenPart | null
}

/** A part that is still being written. On resume its durable prefix is copied into a file of the new attempt's own. */
export interface OpenPart {
  readonly path: string
  /** Bytes that were on disk when the checkpoint was made. */
  readonly durableBytes: number
  readonly records: number
  readonly blocks?: readonly BlockEntry[]
  /** SHA-256 of the durable prefix, hex; checked as it is copied. */
  readonly sha256: string
}

/**
 * Where one attempt stands, by value. Restarting from it repeats nothing before it and loses nothing after it.
 * `engine`, `source` and `state` carry the versions of what they describe.
 */
export interface Checkpoint {
  /** Version of this shape. A newer one than the code knows is refused. */
  readonly engine: 1
  /** Grows by one with each checkpoint of the task, over all its attempts. */
  readonly sequence: number
  /** Where the source stands: opaque to the engine. */
  readonly position: JsonValue
  readonly counters: Counters
  readonly controls: ControlTotals
  /**
   * By output: `main` (the dataset), `inside` (for readers in the run), `output:<name>` and `inside:<name>` for named outputs,
   * `files:<name>` for file outputs, `shuffle:<step>` for each reduce step that reads this one, `state:...` for what the step remembers.
   */
  readonly outputs: Readonly<Record<string, SinkState>>
  readonly deadLetters: SinkState
  /** What `distinct`, keyed state or a function step's progress needs to go on; null where there is none. */
  readonly state: JsonValue
  readonly codeVersion: string
}

/** What a finished task leaves behind. Only the winner's enters the step's output. */
export interface TaskOutput {
  readonly counters: Counters
  /** By control; those of a named output as `<output>.<control>`. */
  readonly controls: ControlTotals
  readonly outputs: Readonly<Record<string, readonly Part[]>>
  readonly deadLetters: readonly Part[]
  /** Small JSON result: a function step's return value, a plan's summary, a verification's findings. */
  readonly result: JsonValue
}
