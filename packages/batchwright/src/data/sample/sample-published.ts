import { createHash } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { DatasetDefinition } from '../../job/model.ts'
import { openDuckDb } from '../duckdb.ts'
import { lineFormatOf } from '../formats/line-format.ts'
import { manifestName, manifestsFolder, windowFolder } from '../publication/layout.ts'
import { partPaths, type Manifest, type PublishedPart } from '../publication/manifest.ts'
import { copyFirstRecords } from './copy-first-records.ts'

export interface PublishedSampleRequest {
  /** The dataset's folder, absolute. */
  readonly folder: string
  readonly manifest: Manifest
  readonly dataset: DatasetDefinition
  /** Folder of a dataset that gets the sample as its version of this window: the same number, contract version and run. */
  readonly target: string
  readonly limit: number
}

const PARQUET_MEMORY = 128 * 1024 * 1024

/** The first records of a published version, as a published version of another folder. Errors: those of reading, DUCKDB_MISSING. */
export async function samplePublished(
  request: PublishedSampleRequest,
): Promise<{ readonly records: number; readonly whole: boolean }> {
  const { folder, manifest, target } = request
  const windowKey = manifest.window?.key ?? null
  const version = path.join(windowFolder(target, windowKey), manifest.folder)
  await mkdir(version, { recursive: true })
  const parts: PublishedPart[] = []
  let records = 0
  for (const part of partPaths(folder, manifest)) {
    if (records >= request.limit) break
    const { path: source, ...listed } = part
    const copy = path.join(version, part.file)
    const copied = await samplePart(source, copy, request, Math.min(part.records, request.limit - records))
    records += copied
    parts.push({ ...listed, records: copied, bytes: (await stat(copy)).size, sha256: await digestOf(copy) })
  }
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const manifests = manifestsFolder(target, windowKey)
  await mkdir(manifests, { recursive: true })
  await writeFile(
    path.join(manifests, manifestName(manifest.number)),
    JSON.stringify({ ...manifest, parts, records, bytes }),
  )
  return { records, whole: records === manifest.records }
}

async function samplePart(
  source: string,
  copy: string,
  { dataset }: PublishedSampleRequest,
  limit: number,
): Promise<number> {
  if (path.extname(source) === '.parquet') {
    const db = await openDuckDb({ memoryBytes: PARQUET_MEMORY, threads: 1, spillFolder: null })
    try {
      const rows = `select * from read_parquet(${quoted(source)}) limit ${limit}`
      await db.run(`copy (${rows}) to ${quoted(copy)} (format parquet)`)
    } finally {
      db.close()
    }
    return limit
  }
  const kind = path.extname(source) === '.csv' ? 'csv' : 'jsonl'
  if (limit === 0) return (await copyFirstRecords(source, copy, lineFormatOf(kind, dataset.format), 1)).records
  return (await copyFirstRecords(source, copy, lineFormatOf(kind, dataset.format), limit)).records
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

async function digestOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
