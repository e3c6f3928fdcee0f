/**
 * What the records loop asks of sources and sinks, and what it is promised. Third parties implement these too.
 */
import type { DatasetDefinition, Fault, RecordPosition } from '../job/model.ts'
import type { JsonValue } from '../kernel/errors.ts'
import type { BlockEntry, Part, PartitionPlan, SinkState, SnapshotFile } from '../protocol/index.ts'

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
