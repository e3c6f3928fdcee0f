/**
 * data/: where records come from and where they go. Sources and their planning (snapshots, partitions), readers and
 * writers of formats, staged sinks, blocks between steps, publication of datasets. No store, no engine, no user code other
 * than the functions that definitions carry.
 */
export type * from './contract.ts'

// Sources
export { givenBatch, type GivenBatchOptions } from './sources/given-batch.ts'
export { planDataset } from './sources/plan-dataset.ts'
export { planFiles, type FilesPlanRequest } from './sources/plan-files.ts'
export { readLetters } from './sources/letters.ts'
export { readLetterText } from './sources/mending.ts'
export { RAW_LIMIT_BYTES } from './sources/block-batch.ts'
export { readHandedOn, replaceHandedOn, type HandedOn } from './sources/handed-on.ts'
export { planUpstream, type UpstreamPlanRequest } from './sources/plan-upstream.ts'
export { partitionOpener, wholeOpener, type PartitionOpenerOptions } from './sources/open-partition.ts'

// Samples
export { samplePartition } from './sample/sample-partition.ts'
export { copyFirstRecords, type CopiedRecords } from './sample/copy-first-records.ts'
export { samplePublished, type PublishedSampleRequest } from './sample/sample-published.ts'
export { pathInProject, resolvePaths, type InputFile, type ResolvedPaths } from './snapshot/resolve-paths.ts'

// Records by their contract
export { objectReader } from './formats/upcast.ts'

// Plan files
export { writePlanFile } from './snapshot/block-index.ts'

// Sinks and the blocks between steps
export { makeFolder, syncFolder } from './sinks/folders.ts'
export { openDatasetSink, outputCheck } from './sinks/dataset-sink.ts'
export { filesOf, readFileIndex, type IndexedFile } from './files/file-index.ts'
export { checkFileName, foldedName } from './files/file-name.ts'
export { FileSink, type FileContent } from './files/file-sink.ts'
export { openDeadLetterSink, type DeadLetterSink } from './sinks/dead-letter-sink.ts'
export { openBlockSink } from './blocks/block-sink.ts'

// Tables
export { tableName, type Databases } from './tables/connection.ts'
export { isConnectionLost } from './tables/faults.ts'
export { inspectTable, type TableInspection, type WrittenRows } from './tables/inspect-table.ts'
export type { TableAccess } from './tables/open.ts'
export { prepareTable } from './tables/prepare.ts'
export { publishTable } from './tables/publish-table.ts'
export { openTableSink, type TableSinkOptions } from './tables/table-sink.ts'
export { readBlocks } from './blocks/read-blocks.ts'

// DuckDB
export { openDuckDb, type DuckDb, type DuckDbOptions, type SqlChunk, type SqlColumn, type SqlResult } from './duckdb.ts'
export { viewOverParts } from './sql-views.ts'
export { copyTo, type CopyRequest } from './sql-output.ts'

// Published versions
export { datasetFolder, stagingFolder } from './publication/layout.ts'
export {
  currentManifest,
  listManifests,
  listWindows,
  manifestNumbers,
  partPaths,
  readManifest,
  type Manifest,
  type PublishedPart,
} from './publication/manifest.ts'
export {
  publishIntent,
  rollbackManifest,
  tableNotRolledBack,
  type PublishRequest,
  type RollbackRequest,
} from './publication/publish.ts'
export { isThere, restoreStaged } from './publication/restore.ts'
export { readPublished, readPublishedFile, type ReadPublishedRequest } from './publication/read-published.ts'
export { readPart } from './read-part.ts'

// Cleaning up
export { findAbandoned, removeAbandoned, type AbandonedRequest, type AttemptPlace } from './abandoned.ts'
export { cleanRun, sweepStaging, type CleanResult, type CleanRunRequest } from './cleaner.ts'
