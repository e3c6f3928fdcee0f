import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import type { FieldDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Part } from '../../protocol/index.ts'
import { openDuckDb, requireDuckDb } from '../duckdb.ts'
import { columnTypes, sqlName, sqlText, sqlType } from '../sql-types.ts'
import { syncFolder } from './folders.ts'
import { storageError } from './storage-errors.ts'

/** Rows of a row group: with one thread and a fixed count, equal rows give equal bytes. */
const ROW_GROUP_ROWS = 100_000
const MEMORY_BYTES = 512 * 1024 * 1024
const READ_BYTES = 1024 * 1024
/** Of one row as JSON, in bytes: the reader holds twice as much. */
const LARGEST_ROW = 64 * 1024 * 1024

/**
 * The converter of a Parquet sink. Rows are staged as JSON Lines, because a Parquet file cannot be gone on with at a byte;
 * each full part is turned into Parquet when it is sealed. The rows stay until no stored checkpoint can refer to them; those
 * of the last part are the cleaner's. Errors when called: DUCKDB_MISSING.
 */
export async function parquetFromRows(
  dataset: string,
  fields: readonly FieldDefinition[],
  folder: string,
): Promise<(rows: Part) => Promise<Part>> {
  await requireDuckDb()
  return async (rows) => {
    const target = rows.path.replace(/\.rows\.jsonl$/, '.parquet')
    await convert(dataset, fields, rows, target, folder)
    const { bytes, sha256 } = await settle(target)
    return { path: target, format: 'parquet', bytes, records: rows.records, sha256, codeVersion: rows.codeVersion }
  }
}

async function convert(
  dataset: string,
  fields: readonly FieldDefinition[],
  rows: Part,
  target: string,
  folder: string,
): Promise<void> {
  // A half-written file of this attempt's own that was interrupted; nobody refers to it.
  await rm(target, { force: true })
  const db = await openDuckDb({ memoryBytes: MEMORY_BYTES, threads: 1, spillFolder: path.join(folder, 'spill') })
  try {
    const columns = fields.map((field) => sqlName(field.column)).join(', ')
    const types = columnTypes(fields.map((field) => ({ name: field.column, type: sqlType(field) })))
    const source = `read_json(${sqlText(rows.path)}, format = 'newline_delimited', columns = ${types}, maximum_object_size = ${Math.min(Math.max(rows.bytes, READ_BYTES), LARGEST_ROW)})`
    const result = await db.query(
      `COPY (SELECT ${columns} FROM ${source}) TO ${sqlText(target)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
    )
    let copied: unknown = null
    for await (const chunk of result.chunks) copied = chunk.values[0]?.[0]
    if (copied !== BigInt(rows.records)) throw miscounted(dataset, target, rows.records, copied)
  } finally {
    db.close()
  }
}

function miscounted(dataset: string, target: string, expected: number, found: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_MISCOUNTED',
    message: `dataset ${dataset}: expected ${expected} rows in ${target}, found ${String(found)}`,
    hint: 'run the job again; if it happens again, write the dataset as JSON Lines',
    details: { path: target, expected, found: String(found) },
  })
}

/** Flushes a finished file to the disk, with its entry in the folder, and gives its size and digest. */
async function settle(target: string): Promise<{ bytes: number; sha256: string }> {
  try {
    const handle = await open(target, 'r+')
    try {
      await handle.datasync()
      const hash = createHash('sha256')
      const buffer = Buffer.allocUnsafe(READ_BYTES)
      let bytes = 0
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, bytes)
        if (bytesRead === 0) break
        hash.update(buffer.subarray(0, bytesRead))
        bytes += bytesRead
      }
      await syncFolder(path.dirname(target))
      return { bytes, sha256: hash.digest('hex') }
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    throw storageError(thrown, target)
  }
}
