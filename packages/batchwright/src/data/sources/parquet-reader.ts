import path from 'node:path'
import type { DatasetDefinition, Fault, FieldDefinition } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { openDuckDb } from '../duckdb.ts'
import type { Batch, BatchReader } from '../contract.ts'
import { exactJson } from '../formats/exact-json.ts'
import { verifyPublished } from '../publication/verify-file.ts'
import { fieldsForSql, sqlName } from '../sql-types.ts'
import { viewOverParts } from '../sql-views.ts'
import { RAW_LIMIT_BYTES } from './block-batch.ts'
import { GeneratedReader } from './generated-reader.ts'
import { ObjectBatch } from './object-batch.ts'
import { cutParquet } from './cut-parquet.ts'
import { number, isObject, type ParquetSlice } from './payload.ts'
import { keepShare } from './share.ts'

const MEMORY_BYTES = 256 * 1024 * 1024

export interface ParquetReaderOptions {
  readonly slice: ParquetSlice
  readonly dataset: DatasetDefinition
  readonly project: string
  readonly key: ((record: object) => string) | null
  /** Records taken before: `{ record }`; null for none. */
  readonly position: JsonValue
}

/** Opens a part in Parquet: verified whole, then read in its own order, about 2,000 records a batch. */
export async function openParquet(options: ParquetReaderOptions): Promise<BatchReader> {
  const file = path.resolve(options.project, options.slice.path)
  await verifyPublished(file, options.slice, null)
  const reading = { slice: options.slice }
  return new GeneratedReader(batches(file, options, reading), (request) => {
    const pieces = cutParquet(reading.slice, request)
    if ('refused' in pieces) return pieces
    return {
      ...pieces,
      take: () => {
        reading.slice = pieces.slice
      },
    }
  })
}

/** `reading`: the slice as it is now; a cut ends it earlier. */
async function* batches(
  file: string,
  options: ParquetReaderOptions,
  reading: { readonly slice: ParquetSlice },
): AsyncGenerator<Batch, void, undefined> {
  const { slice, dataset, key, position } = options
  const fields = fieldsForSql(dataset)
  const db = await openDuckDb({ memoryBytes: MEMORY_BYTES, threads: 1, spillFolder: null })
  try {
    await viewOverParts(db, 'part', dataset, [{ path: file }])
    let taken = isObject(position) ? number(position['record']) : slice.since
    const columns = fields.map(outside).join(', ')
    const { chunks } = await db.query(`SELECT ${columns} FROM part LIMIT ${slice.until - taken} OFFSET ${taken}`)
    for await (const { values, rows: found } of chunks) {
      const rows = Math.min(found, reading.slice.until - taken)
      if (rows <= 0) return
      const objects = Array.from({ length: rows }, (_, row) => jsonObject(fields, values, row))
      const records = objects.map((object): object | Fault => dataset.contract.schema.readObject(object))
      const kept = slice.share === null ? null : keepShare(records, taken + 1, slice.share, key)
      if (kept === null || kept.length > 0) yield new ObjectBatch(records, kept, placesOf(slice, objects, taken))
      taken += rows
    }
  } finally {
    db.close()
  }
}

/** A column as JSON would write it: exact decimals and times as text. */
function outside(field: FieldDefinition): string {
  const column = sqlName(field.name)
  switch (field.type.type) {
    case 'decimal':
    case 'date':
    case 'json':
      return `CAST(${column} AS VARCHAR)`
    case 'timestamp':
      return field.type.local
        ? `replace(CAST(${column} AS VARCHAR), ' ', 'T')`
        : `replace(replace(CAST(${column} AS VARCHAR), ' ', 'T'), '+00', 'Z')`
    case 'text':
    case 'integer':
    case 'number':
    case 'boolean':
    case 'oneOf':
      return column
  }
}

function jsonObject(
  fields: readonly FieldDefinition[],
  values: readonly (readonly unknown[])[],
  row: number,
): Readonly<Record<string, unknown>> {
  const object: Record<string, unknown> = {}
  for (const [index, field] of fields.entries()) object[field.column] = jsonValue(field, values[index]?.[row])
  return object
}

function jsonValue(field: FieldDefinition, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (field.type.type === 'json' && typeof value === 'string') return JSON.parse(value)
  return value ?? null
}

function placesOf(
  slice: ParquetSlice,
  objects: readonly object[],
  taken: number,
): ConstructorParameters<typeof ObjectBatch>[2] {
  // The records' share of all: the same sum however they are cut.
  const before = (record: number): number => Math.ceil((slice.bytes * record) / slice.records)
  const bytesBefore = (row: number): number => before(taken + row) - before(taken)
  return {
    digest: slice.sha256,
    bytes: bytesBefore(objects.length),
    bytesBefore,
    positionAfter: (row) => ({ record: taken + row + 1 }),
    locate: (row) => ({ source: slice.path, windowKey: slice.windowKey, record: taken + row + 1, offset: null }),
    raw: (row) => exactJson(objects[row] ?? {}).slice(0, RAW_LIMIT_BYTES),
  }
}
