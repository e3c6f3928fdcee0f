import type { ContractDefinition, DatasetDefinition, PartitionPolicy } from '../../job/model.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import type { Folders } from '../../protocol/index.ts'
import type { BatchReader, OpenPartition } from '../contract.ts'
import { layoutRows } from '../formats/columns.ts'
import { CsvParser } from '../formats/csv-parser.ts'
import { lineFormatOf, type LineFormat } from '../formats/line-format.ts'
import { JsonLinesParser } from '../formats/json-parser.ts'
import type { BlockParser } from '../formats/parsed-block.ts'
import { readUpcast } from '../formats/upcast.ts'
import { openDeadLetters } from './dead-letter-reader.ts'
import { openParquet } from './parquet-reader.ts'
import {
  readDeadLettersSlice,
  readFileSlice,
  readLinePosition,
  readParquetSlice,
  readUpstreamPosition,
  readUpstreamSlice,
  type FileSlice,
} from './payload.ts'
import { BLOCK_BYTES } from './plan-files.ts'
import { SliceReader } from './slice-reader.ts'
import { openUpstream } from './upstream-reader.ts'

export interface PartitionOpenerOptions {
  /** The dataset that the step reads; null for a step that reads another step. */
  readonly dataset: DatasetDefinition | null
  readonly policy: PartitionPolicy
  readonly folders: Folders
}

/** The way into the partitions of a step, whatever source they were planned from. */
export function partitionOpener(options: PartitionOpenerOptions): OpenPartition {
  return async (partition, position) => {
    const slice = readFileSlice(partition.payload)
    if (slice !== null) return openSlice(slice, position, options)
    const upstream = readUpstreamSlice(partition.payload)
    if (upstream !== null) {
      const { folders, policy } = options
      const start = readUpstreamPosition(position)
      return openUpstream({ slice: upstream, runFolder: folders.run, key: policy.key, position: start })
    }
    const letters = readDeadLettersSlice(partition.payload)
    if (letters !== null) {
      return openDeadLetters({ slice: letters, dataset: options.dataset, runFolder: options.folders.run, position })
    }
    const parquet = readParquetSlice(partition.payload)
    if (parquet !== null && options.dataset !== null) {
      const { dataset, folders, policy } = options
      return openParquet({ slice: parquet, dataset, project: folders.project, key: policy.key, position })
    }
    throw payloadUnknown(partition.payload)
  }
}

function openSlice(slice: FileSlice, position: JsonValue, options: PartitionOpenerOptions): Promise<BatchReader> {
  const { dataset, folders, policy } = options
  if (dataset === null) throw payloadUnknown(slice.path)
  const format = lineFormatOf(slice.format, dataset.format)
  return SliceReader.open({
    slice,
    project: folders.project,
    runFolder: folders.run,
    parser: sliceParser(slice, format, dataset.contract),
    maxRecordBytes: format.maxRecordBytes,
    blockBytes: BLOCK_BYTES,
    key: policy.key,
    position: readLinePosition(position),
  })
}

function sliceParser(slice: FileSlice, format: LineFormat, contract: ContractDefinition): BlockParser {
  const { contractVersion } = slice
  if (format.format === 'csv') return new CsvParser(format, layoutRows(slice.columns ?? [], contract, contractVersion))
  const read =
    contractVersion < contract.version
      ? (value: object) => readUpcast(value, contract, contractVersion)
      : (value: object) => contract.schema.readObject(value)
  return new JsonLinesParser(read, format.maxRecordBytes)
}

function payloadUnknown(payload: JsonValue): BatchwrightError {
  return new BatchwrightError({
    code: 'PARTITION_UNKNOWN',
    message: `expected a partition that this version can open, found ${JSON.stringify(payload).slice(0, 200)}`,
    hint: 'Plan the step again with the code that runs it: batchwright retry RUN --from STEP.',
  })
}
