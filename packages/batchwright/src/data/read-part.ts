import { createReadStream } from 'node:fs'
import type { DatasetDefinition, FieldDefinition, FormatDefinition } from '../job/model.ts'
import { Fault } from '../job/model.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { openDuckDb } from './duckdb.ts'
import { cellsOf } from './sinks/csv-text.ts'
import { systemCode, finishedPartLost } from './sinks/storage-errors.ts'
import { recordsOf } from './sql-rows.ts'
import { fieldsForSql } from './sql-types.ts'
import { viewOverParts } from './sql-views.ts'

const READ_BYTES = 256 * 1024
const PARQUET_MEMORY = 256 * 1024 * 1024

/** Text of a CSV file, as our sinks write it. */
type CsvFormat = Extract<FormatDefinition, { format: 'csv' }>

/**
 * The records of one part that a sink of this dataset wrote, in order, through the dataset's contract: a list for every
 * quarter of a megabyte. In constant memory. Errors: OUTPUT_LOST where there is no such file, PART_INVALID where a record
 * does not meet the contract (it was written under another), DUCKDB_MISSING for Parquet.
 */
export async function* readPart(path: string, dataset: DatasetDefinition): AsyncGenerator<readonly object[]> {
  switch (dataset.format.format) {
    case 'jsonl':
      for await (const lines of linesOf(path)) yield lines.filter((line) => line !== '').map(jsonReader(path, dataset))
      return
    case 'csv':
      yield* csvRecords(path, dataset, dataset.format)
      return
    case 'parquet':
      yield* parquetRecords(path, dataset)
      return
    case 'files':
      throw finishedPartLost(path, 'a part of rows', 'a dataset of whole files')
    case 'table':
      throw finishedPartLost(path, 'a part of rows', 'a table of a database')
  }
}

function jsonReader(path: string, dataset: DatasetDefinition): (line: string) => object {
  return (line) => accepted(dataset.contract.schema.readObject(JSON.parse(line)), path)
}

async function* csvRecords(
  path: string,
  dataset: DatasetDefinition,
  format: CsvFormat,
): AsyncGenerator<readonly object[]> {
  const fields = fieldsForSql(dataset)
  let read = format.header ? null : dataset.contract.schema.compileRow(fields.map((_, index) => index))
  for await (const rows of csvRows(path, format)) {
    const records: object[] = []
    for (const cells of rows) {
      if (read === null) read = dataset.contract.schema.compileRow(placesOf(fields, cells))
      else records.push(accepted(read(cells), path))
    }
    yield records
  }
}

function placesOf(fields: readonly FieldDefinition[], header: readonly string[]): readonly number[] {
  return fields.map((field) => header.indexOf(field.column))
}

async function* parquetRecords(path: string, dataset: DatasetDefinition): AsyncGenerator<readonly object[]> {
  const db = await openDuckDb({ memoryBytes: PARQUET_MEMORY, threads: 1, spillFolder: null })
  try {
    await viewOverParts(db, 'part', dataset, [{ path }])
    yield* recordsOf(await db.query('SELECT * FROM part'), dataset)
  } finally {
    db.close()
  }
}

function accepted(record: object | Fault, path: string): object {
  if (!(record instanceof Fault)) return record
  throw new BatchwrightError({
    code: 'PART_INVALID',
    message: `${path}: a record does not meet the contract of its dataset: ${record.message}`,
    hint: 'it was written under another contract: run the step again under this one with `rerun`',
    details: { path, reason: record.reason, column: record.column },
  })
}

/** Lines without their newlines, a list for every read. */
async function* linesOf(path: string): AsyncGenerator<readonly string[]> {
  let rest = ''
  try {
    const stream: AsyncIterable<unknown> = createReadStream(path, { encoding: 'utf8', highWaterMark: READ_BYTES })
    for await (const text of stream) {
      const lines = (rest + String(text)).split('\n')
      rest = lines.pop() ?? ''
      yield lines
    }
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') throw finishedPartLost(path, 'a staged part', 'no such file')
    throw thrown
  }
  if (rest !== '') yield [rest]
}

async function* csvRows(path: string, format: CsvFormat): AsyncGenerator<readonly (readonly string[])[]> {
  let row = ''
  for await (const lines of linesOf(path)) {
    const rows: (readonly string[])[] = []
    for (const line of lines) {
      row = row === '' ? line : `${row}\n${line}`
      // An odd number of quotes: the newline stands inside a cell, and the row goes on.
      if (occurrences(row, format.quote) % 2 === 1) continue
      if (row !== '') rows.push(cellsOf(row, format))
      row = ''
    }
    yield rows
  }
}

function occurrences(text: string, character: string): number {
  let count = 0
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) count += 1
  return count
}
