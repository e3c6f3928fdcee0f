import type { ContractDefinition, DatasetDefinition, PartitionPolicy } from '../../job/model.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import type { Folders } from '../../protocol/index.ts'
import type { BatchReader, OpenPartition } from '../contract.ts'
import { layoutRows } from '../formats/columns.ts'
import { CsvParser } from '../formats/csv-parser.ts'
import { lineFormatOf, type LineFormat } from '../formats/line-format.ts'
import { JsonLinesParser } from '../formats/json-parser.ts'
import type { BlockParser } from '../formats/parsed-block.ts'
import { objectReader } from '../formats/upcast.ts'
import { MendedReader } from './mended-reader.ts'
import { readMending } from './mending.ts'
import { openParquet } from './parquet-reader.ts'
import {
  isObject,
  readFileSlice,
  readLinePosition,
  readParquetSlice,
  readShare,
  readUpstreamPosition,
  readUpstreamSlice,
  type FileSlice,
} from './payload.ts'
import { BLOCK_BYTES } from './plan-files.ts'
import { SliceReader } from './slice-reader.ts'
import { openUpstream } from './upstream-reader.ts'
import type { Databases } from '../tables/connection.ts'
import { readTableSlice } from '../tables/slice.ts'
import { openTableReader } from '../tables/table-reader.ts'

export interface PartitionOpenerOptions {
  /** The dataset that the step reads; null for a step that reads another step. */
  readonly dataset: DatasetDefinition | null
  readonly policy: PartitionPolicy
  readonly folders: Folders
  /** The way to the databases of tables; absent where none can be read. */
  readonly databases?: Databases
  /** Absolute path of mended dead letters, whose text stands in for the source's; default none. */
  readonly mended?: string | null
}

/** The way into the partitions of a step, whatever source they were planned from. */
export function partitionOpener(options: PartitionOpenerOptions): OpenPartition {
  const { mended = null } = options
  if (mended === null) return ({ payload }, position) => open(payload, position, options)
  return async ({ payload }, position) => {
    if (readTableSlice(payload) !== null) throw liveNotMended()
    const mending = await readMending(mended, payload, options.dataset)
    const share = isObject(payload) ? readShare(payload['share']) : null
    // A mended record may belong to another share than it did: shares are taken after the mending.
    const whole = share !== null && isObject(payload) ? { ...payload, share: null } : payload
    const reader = await open(whole, position, options)
    return new MendedReader(reader, mending, { share, key: options.policy.key })
  }
}

/** The same, but partitions by key are opened with the records of all shares. */
export function wholeOpener(options: PartitionOpenerOptions): OpenPartition {
  return ({ payload }, position) => open(isObject(payload) ? { ...payload, share: null } : payload, position, options)
}

async function open(payload: JsonValue, position: JsonValue, options: PartitionOpenerOptions): Promise<BatchReader> {
  const { dataset, folders, policy } = options
  const slice = readFileSlice(payload)
  if (slice !== null) return openSlice(slice, position, options)
  const upstream = readUpstreamSlice(payload)
  if (upstream !== null) {
    const start = readUpstreamPosition(position)
    return openUpstream({ slice: upstream, runFolder: folders.run, key: policy.key, position: start })
  }
  const table = readTableSlice(payload)
  if (table !== null && dataset !== null && options.databases !== undefined) {
    const access = { databases: options.databases, project: folders.project }
    return openTableReader({ slice: table, dataset, access, key: policy.key, position })
  }
  const parquet = readParquetSlice(payload)
  if (parquet === null || dataset === null) throw payloadUnknown(payload)
  return openParquet({ slice: parquet, dataset, project: folders.project, key: policy.key, position })
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
  return new JsonLinesParser(objectReader(contract, contractVersion), format.maxRecordBytes)
}

function payloadUnknown(payload: JsonValue): BatchwrightError {
  return new BatchwrightError({
    code: 'PARTITION_UNKNOWN',
    message: `expected a partition that this version can open, found ${JSON.stringify(payload).slice(0, 200)}`,
    hint: 'Plan the step again with the code that runs it: `batchwright retry RUN --from STEP`.',
  })
}

/** The rows of a live table may stand in other places by now: mended text could take the place of another row. */
function liveNotMended(): BatchwrightError {
  return new BatchwrightError({
    code: 'TABLE_LETTERS_LIVE',
    message:
      'expected mended dead letters of a snapshot, found letters of a table that is read live, whose rows may have moved since',
    hint: "Mend the rows in the table and run again; or read the table with read: { consistency: 'snapshot' }, whose letters can be replayed.",
  })
}
