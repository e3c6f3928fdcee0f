import { createReadStream } from 'node:fs'
import type { DatasetDefinition, FormatDefinition } from '../../job/model.ts'
import { didYouMean, FILE_LIST } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { readPart } from '../read-part.ts'
import { csvHeader } from '../sinks/csv-text.ts'
import { fieldsForSql } from '../sql-types.ts'
import { partPaths, type Manifest } from './manifest.ts'
import { verifyPublished } from './verify-file.ts'

export interface ReadPublishedRequest {
  /** The dataset's folder, absolute. */
  readonly folder: string
  readonly manifest: Manifest
  /** Its contract and format, as the job defines them. */
  readonly dataset: DatasetDefinition
  readonly as: 'csv' | 'jsonl'
}

/**
 * A published version as text, in pieces: CSV with one header, or JSON Lines. Each part is verified against its SHA-256
 * before the first piece of it. A part that has the asked format already is passed on byte by byte. Errors:
 * CHECKSUM_MISMATCH, PUBLISHED_PART_MISSING, PART_INVALID, and DUCKDB_MISSING for Parquet.
 */
export async function* readPublished(request: ReadPublishedRequest): AsyncGenerator<Uint8Array> {
  const { manifest, as } = request
  const dataset = asStored(request.dataset, manifest)
  if (manifest.format === 'files') {
    yield* listedFiles(request)
    return
  }
  const header = as === 'csv' ? Buffer.from(csvHeader(fieldsForSql(dataset), outputFormat(dataset))) : Buffer.alloc(0)
  let headed = header.length === 0
  for (const part of partPaths(request.folder, manifest)) {
    await verifyPublished(part.path, part, manifest)
    // Not before the first part is known to be whole: nothing is printed of a version that cannot be read.
    if (!headed) yield header
    headed = true
    if (dataset.format.format === as) {
      const start = dataset.format.format === 'csv' ? header.length : 0
      const stream: AsyncIterable<unknown> = createReadStream(part.path, { start })
      for await (const piece of stream) if (piece instanceof Uint8Array) yield piece
    } else {
      yield* converted(part.path, dataset, as)
    }
  }
  if (!headed) yield header
}

const PLAIN_CSV = { delimiter: ',', quote: '"', header: true }

/** The dataset's own dialect where it is CSV, with the header that it has; plain CSV else. */
function outputFormat(dataset: DatasetDefinition): Extract<FormatDefinition, { format: 'csv' }> {
  if (dataset.format.format === 'csv') return dataset.format
  return { format: 'csv', ...PLAIN_CSV, compression: 'none', maxRecordBytes: Number.MAX_SAFE_INTEGER }
}

/** The dataset in the format that this version has: an earlier one may be stored in another than the job names now. */
function asStored(dataset: DatasetDefinition, { format }: Manifest): DatasetDefinition {
  if (dataset.format.format === format) return dataset
  const stored: Readonly<Record<Manifest['format'], FormatDefinition>> = {
    csv: outputFormat(dataset),
    jsonl: { format: 'jsonl', compression: 'none', maxRecordBytes: Number.MAX_SAFE_INTEGER },
    parquet: { format: 'parquet' },
    files: { format: 'files' },
    table: { format: 'table' },
  }
  return { ...dataset, format: stored[format] }
}

/** A version of whole files has no rows: its list of files stands for them. */
function* listedFiles({ manifest, as }: ReadPublishedRequest): Generator<Uint8Array> {
  const { schema } = FILE_LIST
  const line = as === 'csv' ? schema.compileCsv() : schema.compileJson()
  if (as === 'csv')
    yield Buffer.from(
      csvHeader(schema.fields ?? [], { ...PLAIN_CSV, format: 'csv', compression: 'none', maxRecordBytes: 0 }),
    )
  for (const { file, bytes, sha256 } of manifest.parts) yield Buffer.from(`${line({ file, bytes, sha256 })}\n`)
}

/**
 * One file of a version of whole files, verified against its SHA-256 before the first piece of it. Errors: FILE_UNKNOWN,
 * CHECKSUM_MISMATCH, PUBLISHED_PART_MISSING.
 */
export async function* readPublishedFile(folder: string, manifest: Manifest, name: string): AsyncGenerator<Uint8Array> {
  const part = partPaths(folder, manifest).find((each) => each.file === name)
  if (part === undefined || manifest.format !== 'files') throw fileUnknown(manifest, name)
  await verifyPublished(part.path, part, manifest)
  const stream: AsyncIterable<unknown> = createReadStream(part.path)
  for await (const piece of stream) if (piece instanceof Uint8Array) yield piece
}

function fileUnknown({ dataset, number, format, parts }: Manifest, name: string): BatchwrightError {
  const known = format === 'files' ? parts.map((part) => part.file) : []
  return new BatchwrightError({
    code: 'FILE_UNKNOWN',
    message:
      format === 'files'
        ? `dataset ${dataset}, version ${number}: there is no file ${JSON.stringify(name)} among its ${known.length}`
        : `dataset ${dataset}, version ${number}: expected whole files, found rows (${format})`,
    hint: `${didYouMean(name, known)}\`batchwright datasets cat ${dataset}\` prints what there is.`,
    details: { dataset, version: number, file: name },
  })
}

async function* converted(path: string, dataset: DatasetDefinition, as: 'csv' | 'jsonl'): AsyncGenerator<Uint8Array> {
  const { schema } = dataset.contract
  const line = as === 'csv' ? schema.compileCsv(outputFormat(dataset)) : schema.compileJson()
  for await (const records of readPart(path, dataset)) {
    let text = ''
    for (const record of records) text += line(record) + '\n'
    yield Buffer.from(text)
  }
}
