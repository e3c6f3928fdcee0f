/**
 * runtime/: what runs inside a slot. Job files become artifacts; artifacts become jobs; an assignment becomes an attempt that
 * plans, works through a partition, verifies or publishes, and reports through its port. No store and no engine here: an
 * attempt never publishes its own output and never decides whether it is retried.
 */
export { artifactSources, buildArtifact, type ArtifactRequest } from './artifact.ts'
export { runAttempt } from './attempt.ts'
export type { DryFile } from './dry/dry-files.ts'
export { DryRecords, type DryFate, type DryRecord, type DryRecordsRequest } from './dry/dry-records.ts'
export { dryFunction } from './dry/dry-function.ts'
export { dryTables, type DryTablesRequest } from './dry/dry-tables.ts'
export { DryReduce, type DryKey, type DryReduceRequest } from './dry/dry-reduce.ts'
export {
  replayRecords,
  replayReduce,
  type RecordPlace,
  type RecordsReplay,
  type Replayed,
  type ReduceReplay,
} from './dry/replay-partition.ts'
export {
  handedOnKey,
  onNewParts,
  reworkPartition,
  tasksBehind,
  type ReadingStep,
  type Reworked,
  type ReworkRequest,
} from './dry/rework.ts'
export { stepFingerprint, stepShape } from './fingerprint.ts'
export { RecordContext, type ContextBase } from './context.ts'
export { CallStop } from './inspect/call-stop.ts'
export { runBatch } from './items/run-batch.ts'
export { findStep } from './find-step.ts'
export { createHost, type SlotHost, type SlotHostOptions } from './host.ts'
export { RowTable } from './lookups/table.ts'
export { storeArtifact, versionOfArtifact } from './keep-artifact.ts'
export { loadArtifact } from './load-artifact.ts'
export { readSecret } from './secrets.ts'
export { chooseWindows } from './windows.ts'
