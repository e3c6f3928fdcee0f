/**
 * What the records loop asks of sources and sinks, and what it is promised. Third parties implement these too.
 */
import type { DatasetDefinition, Fault, RecordPosition } from '../job/model.ts'
import type { JsonValue } from '../kernel/errors.ts'
import type { BlockEntry, Checkpoint, Part, PartitionPlan, SinkState, SnapshotFile } from '../protocol/index.ts'

/** Some records in order, as one read gave them: about a quarter of a megabyte of input, all of one file. */
export interface Batch {
  /** SHA-256 of the snapshot file they come from (for records of a step: a digest of the upstream parts). Names dead letters. */
  readonly digest: string
  /** Records, and Faults where the source or the contract refused one. */
  readonly records: readonly (object | Fault)[]
  /** Position just after `records[index]`: opening there yields `records[index + 1]`. */
  positionAfter(index: number): JsonValue
  /** For dead letters and messages. */
  locate(index: number): RecordPosition
  /** The record as it stood in the source, cut to 64 KiB: for dead letters. */
  raw(index: number): string
  /** Bytes of input this batch stands for. */
  readonly bytes: number
  /**
   * Those of them that come before `records[index]`, so that counts of bytes are the same wherever a reader went on. Absent
   * where the source cannot tell: then records count as of one size.
   */
  bytesBefore?(index: number): number
}

/** One partition, opened. */
export interface BatchReader {
  /**
   * The next batch; null at the end of the partition. Checks the blocks' digests on the way: INPUT_CHANGED names the file.
   * A reader fetches bytes ahead of the calls, and makes records of them when it is called: records made early live longer.
   */
  read(): Promise<Batch | null>
  close(): Promise<void>
  /**
   * Where what is left of the partition could be cut, so that others take the rest while this reader goes on with the
   * beginning. Asked between `read` calls; nothing changes until the answer's `take` is called. Every cut is just before a
   * record, and records keep the numbers and places that they have in the whole partition. Absent: the source cannot be cut.
   */
  cut?(request: CutRequest): Promise<PartitionCut | CutRefused>
}

/** What is left of a partition, to be shared out. */
export interface CutRequest {
  /** The batch that the reader gave last. */
  readonly batch: Batch
  /** Records of it that are worked through, at least one. They, and all before them, stay with this reader. */
  readonly taken: number
  /** Pieces of about equal size that are wanted, the reader's own among them; from 2. Fewer come where fewer records are left. */
  readonly pieces: number
}

/** A piece of a partition: what `OpenPartition` is given of it, but for its index. */
export type PartitionPiece = Omit<PartitionPlan, 'index' | 'lookups'>

export interface PartitionCut {
  /** The reader's partition from now on: it begins where it began and ends where the rest begins. */
  readonly own: PartitionPiece
  /** What it gives away, in order, without a gap: opened at position null, each yields its records and no others. */
  readonly rest: readonly PartitionPiece[]
  /** Records of the request's batch that stay with this reader: at least `taken`. */
  readonly keep: number
  /** Called when the cut is durable: from then on the reader ends where `own` ends. */
  take(): void
}

/** Why a partition cannot be cut, or not any more: a clause for people, `a compressed file is read from its beginning`. */
export interface CutRefused {
  readonly refused: string
}

/** Opens a partition at a position that an earlier reader gave; null for its beginning. */
export type OpenPartition = (partition: PartitionPlan, position: JsonValue) => Promise<BatchReader>

/** A planned input: what was found, and how it is cut. */
export interface PlannedInput {
  readonly files: readonly SnapshotFile[]
  readonly partitions: readonly PartitionPlan[]
  readonly notes: readonly string[]
}

/** A staged output of one attempt. Writes are private to the attempt until its task has finished. */
export interface StagedSink {
  /**
   * Appends output records. May hold them back in memory (bounded); throws on the first record that cannot be written,
   * having written none of this call's.
   */
  write(records: readonly object[]): void | Promise<void>
  /**
   * The records of a call that `write` would refuse, by index, with what it would throw. Writes nothing. Absent where a sink
   * cannot tell before it writes.
   */
  refuse?(records: readonly object[]): ReadonlyMap<number, unknown>
  /** Everything written so far is on disk (fsync) when this resolves; the state says how to go on from here. */
  commit(): Promise<SinkState>
  /** Seals the open part and returns all parts, in order. Empty when no record was written. */
  finish(): Promise<readonly Part[]>
  /** Closes files without sealing. Staged files stay for the cleaner. */
  abort(): Promise<void>
  readonly bytesWritten: number
}

/**
 * A sink whose rows and position are committed in one transaction of its own database. `commit` says what a checkpoint is to
 * say of it; `seal` is handed that checkpoint, when all other outputs are durable, and commits it with the rows.
 */
export interface TransactionalSink extends StagedSink {
  /** The checkpoint that was committed last, of whatever attempt: where this one goes on. Null where there is none. */
  readonly checkpoint: Checkpoint | null
  /** Commits rows and position. Throws FENCED where a later attempt has opened the sink. */
  seal(checkpoint: Checkpoint): Promise<void>
}

export interface StagedSinkOptions {
  /** Folder private to the attempt: made when first needed. */
  readonly folder: string
  /** File names start with it: `main`, `dead`, `shuffle-invoice`. */
  readonly name: string
  readonly codeVersion: string
  /** State of an earlier attempt to go on from: sealed parts are adopted, the open one's durable prefix is copied and checked. */
  readonly resume: SinkState | null
}

export type OpenDatasetSink = (
  dataset: DatasetDefinition,
  options: StagedSinkOptions & { readonly recordsPerPart: number },
) => Promise<StagedSink>

/** Between steps: msgpack blocks; with `bucketOf`, each record goes to the block of its bucket. */
export type OpenBlockSink = (
  options: StagedSinkOptions & { readonly buckets: number; readonly bucketOf: ((record: object) => number) | null },
) => Promise<StagedSink>

/** Reads the records of chosen blocks, in order; verifies each part's digest before the first record of it is handed out. */
export type ReadBlocks = (part: Part, choose: (block: BlockEntry) => boolean) => AsyncIterable<readonly object[]>

/** A record set aside. One line of a dead-letter part. */
export interface DeadLetter {
  /** Same on every replay: from the snapshot file's digest, the record's number and the step. */
  readonly id: string
  readonly cause: 'rule' | 'contract' | 'error'
  /** Rule name, contract reason, or error code. */
  readonly reason: string
  readonly message: string
  readonly stack: string | null
  readonly position: RecordPosition
  /** As it stood in the source: CSV or JSON text, cut to 64 KiB. */
  readonly raw: string
}
