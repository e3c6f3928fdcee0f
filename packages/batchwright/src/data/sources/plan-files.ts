import path from 'node:path'
import type { DatasetDefinition, PartitionPolicy } from '../../job/model.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import type { Folders, PartitionPlan, Snapshot, SnapshotFile, WindowValue } from '../../protocol/index.ts'
import type { PlannedInput } from '../contract.ts'
import { headerVersion, impliedColumns } from '../formats/columns.ts'
import { headerColumns } from '../formats/csv-row.ts'
import { lineFormatOf, type LineFormat } from '../formats/line-format.ts'
import { checksumMismatch, type Origin } from '../publication/verify-file.ts'
import { writePlanFile } from '../snapshot/block-index.ts'
import type { BlockLimits } from '../snapshot/block-scanner.ts'
import { inputMissing, resolvePaths, type InputFile } from '../snapshot/resolve-paths.ts'
import { scanFile, type ScannedFile } from '../snapshot/scan-file.ts'
import type { Databases } from '../tables/connection.ts'
import { cutFile, type Cut } from './cut-file.ts'
import { filePayload } from './payload.ts'
import type { PartInput } from './plan-published.ts'
import { inputUnreadable } from './unreadable.ts'

/** Bytes of input in a block, and so in a batch. */
export const BLOCK_BYTES = 256 * 1024
/** Files scanned at once: while one is hashed and counted, the next ones are read, or decompressed on other threads. */
const FILES_AT_ONCE = 3

export interface FilesPlanRequest {
  readonly dataset: DatasetDefinition
  /** The chosen windows of the dataset, in order; `[null]` for a dataset without a window. */
  readonly windows: readonly (WindowValue | null)[]
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly policy: PartitionPolicy
  readonly step: string
  readonly folders: Folders
  /** The snapshot that must be found again (resume, replay); null to take what is there. */
  readonly expected: Snapshot | null
  /** The way to the databases of tables; absent where none can be read. */
  readonly databases?: Databases
}

/** A file to scan, and what is known of it beforehand. */
interface ScanInput extends InputFile {
  readonly format: LineFormat
  /** Null for raw files: their header tells. */
  readonly contractVersion: number | null
  readonly publishedVersion: number | null
  /** The digest it must have; null where any will do. */
  readonly sha256: string | null
  /** The published version that it is a part of; null for a raw file. */
  readonly origin: Origin
}

/** A file with what one pass over it found. */
interface PlannedFile {
  readonly input: ScanInput
  readonly scanned: ScannedFile
  readonly columns: readonly string[] | null
  readonly contractVersion: number
}

/**
 * Fixes the input of a step that reads raw files, and cuts it into partitions. Each file is read once: digests, record
 * counts and record boundaries come from the same pass. Planning the same files again gives the same plan.
 *
 * @throws INPUT_MISSING, INPUT_CHANGED, COLUMN_MISSING, COLUMN_AMBIGUOUS, GZIP_DAMAGED.
 */
export async function planFiles(request: FilesPlanRequest): Promise<PlannedInput> {
  const { dataset, expected, folders } = request
  const format = lineFormat(dataset)
  const resolved =
    expected === null
      ? await resolvePaths(dataset, request.windows, request.parameters, folders.project)
      : { files: expectedFiles(expected, dataset, folders.project), notes: [] }
  const inputs = resolved.files.map((file) => ({
    ...file,
    format,
    contractVersion: null,
    publishedVersion: null,
    origin: null,
    sha256: null,
  }))
  return await partitionFiles(await scanAll(inputs, request), request, resolved.notes)
}

/** Plans parts of published versions in CSV or JSON Lines; their digests must be the manifest's. */
export async function planPartFiles(parts: readonly PartInput[], request: FilesPlanRequest): Promise<PlannedInput> {
  const inputs = parts.map(({ window, path: name, absolute, part, manifest }) => ({
    window,
    path: name,
    absolute,
    format: lineFormatOf(absolute.endsWith('.csv') ? 'csv' : 'jsonl', request.dataset.format),
    contractVersion: manifest.contractVersion,
    publishedVersion: manifest.number,
    origin: manifest,
    sha256: part.sha256,
  }))
  return await partitionFiles(await scanAll(inputs, request), request, [])
}

/** Plans copies of a table's rows, in JSON Lines: the snapshot of a step that reads it. */
export async function planCopies(copies: readonly InputFile[], request: FilesPlanRequest): Promise<PlannedInput> {
  const inputs = copies.map((copy) => ({
    ...copy,
    format: lineFormatOf('jsonl', request.dataset.format),
    contractVersion: request.dataset.contract.version,
    publishedVersion: null,
    origin: null,
    sha256: null,
  }))
  return await partitionFiles(await scanAll(inputs, request), request, [])
}

function lineFormat(dataset: DatasetDefinition): LineFormat {
  if (dataset.format.format === 'csv' || dataset.format.format === 'jsonl') return dataset.format
  throw new BatchwrightError({
    code: 'FORMAT_UNSUPPORTED',
    message: `expected dataset ${dataset.name} to be CSV or JSON Lines, found raw Parquet files`,
    hint: 'Read Parquet in a sql step, or as a published dataset.',
    details: { dataset: dataset.name },
  })
}

function expectedFiles(expected: Snapshot, dataset: DatasetDefinition, project: string): readonly InputFile[] {
  return expected.files
    .filter((file) => file.dataset === dataset.name)
    .map((file) => ({ window: file.window, path: file.path, absolute: path.resolve(project, file.path) }))
}

/** Scans files a few at a time; the answers stand in the files' order. */
async function scanAll(inputs: readonly ScanInput[], request: FilesPlanRequest): Promise<readonly PlannedFile[]> {
  const limits = blockLimits(request.policy)
  const planned: PlannedFile[] = []
  const work = inputs.entries()
  const failure = new AbortController()
  const lane = async (): Promise<void> => {
    for (const [index, input] of work) {
      if (failure.signal.aborted) return
      try {
        planned[index] = await scanOne(input, limits, request)
      } catch (error) {
        failure.abort(error)
        throw error
      }
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, lane))
  const failed = lanes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return planned
}

/** Blocks end where partitions may: so a policy finer than a block makes blocks smaller. */
function blockLimits(policy: PartitionPolicy): BlockLimits {
  if (policy.by === 'bytes') return { bytes: Math.min(BLOCK_BYTES, policy.size ?? BLOCK_BYTES), everyRecords: null }
  if (policy.by === 'rows') return { bytes: BLOCK_BYTES, everyRecords: policy.size }
  return { bytes: BLOCK_BYTES, everyRecords: null }
}

async function scanOne(input: ScanInput, limits: BlockLimits, request: FilesPlanRequest): Promise<PlannedFile> {
  const { dataset, expected } = request
  const scanned = await scanExisting(input, limits, request)
  if (input.sha256 !== null && input.sha256 !== scanned.sha256) {
    throw checksumMismatch(input.absolute, input.sha256, scanned.sha256, input.origin)
  }
  const was = expected?.files.find((file) => file.dataset === dataset.name && file.path === input.path)
  if (was !== undefined && was.sha256 !== scanned.sha256) throw inputChanged(input, was, scanned)
  return { input, scanned, ...columnsOf(input, scanned, dataset) }
}

function columnsOf(
  { format, contractVersion, path: name }: ScanInput,
  { header }: ScannedFile,
  { contract }: DatasetDefinition,
): Pick<PlannedFile, 'columns' | 'contractVersion'> {
  const present = contractVersion ?? contract.version
  if (format.format === 'jsonl') return { columns: null, contractVersion: present }
  if (!format.header) return { columns: impliedColumns(contract), contractVersion: present }
  if (header === null) return { columns: [], contractVersion: present }
  const columns = headerColumns(header, format.delimiter, format.quote)
  if (present < contract.version) return { columns, contractVersion: present }
  const found = headerVersion(columns, contract, name)
  return { columns, contractVersion: contractVersion ?? found }
}

async function scanExisting(
  { absolute, format, path: name, window }: ScanInput,
  limits: BlockLimits,
  { dataset, folders }: FilesPlanRequest,
): Promise<ScannedFile> {
  try {
    return await scanFile(absolute, format, limits)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw await inputMissing(dataset.name, window, name, folders.project)
    }
    throw inputUnreadable(error, absolute) ?? error
  }
}

async function partitionFiles(
  planned: readonly PlannedFile[],
  request: FilesPlanRequest,
  resolvedNotes: readonly string[],
): Promise<PlannedInput> {
  const { dataset, folders, policy, step } = request
  const notes = [...resolvedNotes]
  const index = await writePlanFile(
    folders.run,
    step,
    'blocks',
    planned.map(({ scanned }) => scanned.blocks.packed()),
  )
  const partitions: PartitionPlan[] = []
  let firstEntry = 0
  for (const { input, scanned, columns, contractVersion } of planned) {
    notes.push(...fileNotes(input, scanned, policy))
    for (const cut of cutFile(scanned, policy)) {
      partitions.push({
        index: partitions.length,
        payload: filePayload({
          kind: 'file',
          path: input.path,
          windowKey: input.window?.key ?? null,
          format: input.format.format,
          compression: scanned.compression,
          sha256: scanned.sha256,
          blocks: { path: index, from: firstEntry + cut.from, to: firstEntry + cut.to },
          fileBytes: scanned.diskBytes,
          dataOffset: scanned.dataOffset,
          columns,
          contractVersion,
          share: cut.share,
          since: null,
          until: null,
        }),
        label: cutLabel(input, scanned, cut),
        records: cut.share === null ? cut.records : null,
        bytes: cut.bytes,
      })
    }
    firstEntry += scanned.blocks.length
  }
  return { files: planned.map((file) => snapshotFile(dataset.name, file)), partitions, notes }
}

function snapshotFile(dataset: string, { input, scanned }: PlannedFile): SnapshotFile {
  return {
    dataset,
    window: input.window,
    path: input.path,
    bytes: scanned.diskBytes,
    sha256: scanned.sha256,
    records: scanned.records,
    modifiedMs: scanned.modifiedMs,
    ...(input.publishedVersion === null ? {} : { publishedVersion: input.publishedVersion }),
  }
}

function fileNotes(input: InputFile, scanned: ScannedFile, policy: PartitionPolicy): readonly string[] {
  const notes: string[] = []
  if (scanned.records === 0) {
    notes.push(`${input.path}: ${scanned.bytes === 0 ? 'empty file' : 'no records'}, nothing to read`)
  } else if (scanned.compression === 'gzip' && (policy.by === 'bytes' || policy.by === 'rows')) {
    notes.push(`${input.path}: gzip cannot be cut by ${policy.by}, one partition`)
  } else if (scanned.compression === 'gzip' && policy.by === 'auto') {
    notes.push(`${input.path}: gzip, one partition`)
  } else if (policy.by === 'keyHash') {
    notes.push(`${input.path}: each of ${policy.count ?? 1} partitions by key reads the whole file and keeps its share`)
  }
  return notes
}

function cutLabel(input: InputFile, scanned: ScannedFile, cut: Cut): string {
  const name = path.posix.basename(input.path)
  if (cut.share !== null) return `${name} key ${cut.share.share + 1}/${cut.share.of}`
  if (cut.from === 0 && cut.to === scanned.blocks.length) return name
  return `${name} ${megabytes(cut.offset)}-${megabytes(cut.offset + cut.bytes)} MB`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

function inputChanged(input: InputFile, was: SnapshotFile, scanned: ScannedFile): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_CHANGED',
    message: `expected ${input.path} as the run's snapshot has it (SHA-256 ${was.sha256}, ${was.bytes} bytes), found SHA-256 ${scanned.sha256}, ${scanned.diskBytes} bytes`,
    hint: 'Put the planned content back, then `batchwright retry RUN` goes on; or take what is there now: `batchwright rerun JOB --window WINDOW` makes a new revision.',
    details: { path: input.path, expected: was.sha256, found: scanned.sha256 },
  })
}
