import type { DatasetDefinition, Fault, FieldDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { OpenDatasetSink } from '../contract.ts'
import { csvHeader } from './csv-text.ts'
import { parquetFromRows } from './parquet.ts'
import { openRowSink, type RowLayout } from './row-sink.ts'
import { fitsColumns } from './widths.ts'

/**
 * Opens the staged sink of a dataset: JSON Lines, CSV or Parquet, after its format, each record checked against its contract
 * before it is written. Files are `<folder>/<name>-00000.<extension>`, cut after `recordsPerPart` records. Errors when
 * opened: OUTPUT_LOST (start the partition again), OUTPUT_FORMAT_UNSUPPORTED, DISK_FULL, OUTPUT_UNWRITABLE, DUCKDB_MISSING; when
 * written: OUTPUT_INVALID, whose `details.index` says which record of the call.
 */
export const openDatasetSink: OpenDatasetSink = async (dataset, options) =>
  openRowSink(await layoutOf(dataset, options.folder), options)

async function layoutOf(dataset: DatasetDefinition, folder: string): Promise<RowLayout> {
  const { format, contract } = dataset
  const check = (record: object): ReturnType<typeof contract.schema.check> => contract.schema.check(record)
  if (format.format === 'files')
    throw unsupported(dataset, 'whole files', 'write them with files.<output>.write(name, content)')
  if (format.format === 'table')
    throw unsupported(dataset, 'a table', 'write it in a records or reduce step, which opens the table by itself')
  if (format.format !== 'parquet' && format.compression === 'gzip') {
    throw unsupported(
      dataset,
      'compressed output',
      'write it plain: a compressed file cannot be gone on with after a crash',
    )
  }
  switch (format.format) {
    case 'jsonl':
      return {
        format: 'jsonl',
        extension: 'jsonl',
        header: '',
        line: contract.schema.compileJson(),
        check,
        convert: null,
      }
    case 'csv': {
      const fields = fieldsOf(dataset)
      return {
        format: 'csv',
        extension: 'csv',
        header: csvHeader(fields, format),
        line: contract.schema.compileCsv(format),
        check,
        convert: null,
      }
    }
    case 'parquet':
      return {
        format: 'jsonl',
        extension: 'rows.jsonl',
        header: '',
        line: contract.schema.compileJson(),
        check: fitsColumns(fieldsOf(dataset), check),
        convert: await parquetFromRows(dataset.name, fieldsOf(dataset), folder),
      }
  }
}

/** What a sink of this dataset holds each record against before it writes it: null, or why it cannot be written. */
export function outputCheck(dataset: DatasetDefinition): (record: object) => Fault | null {
  const { format, contract } = dataset
  const check = (record: object): Fault | null => contract.schema.check(record)
  return format.format === 'parquet' ? fitsColumns(fieldsOf(dataset), check) : check
}

function fieldsOf(dataset: DatasetDefinition): readonly FieldDefinition[] {
  const fields = dataset.contract.schema.fields
  if (fields !== null) return fields
  throw unsupported(
    dataset,
    `${dataset.format.format} with a contract whose columns are not known`,
    'give the dataset a contract of fields, or write it as JSON Lines',
  )
}

function unsupported(dataset: DatasetDefinition, what: string, hint: string): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_FORMAT_UNSUPPORTED',
    message: `dataset ${dataset.name}: expected a format that can be staged, found ${what}`,
    hint,
    details: { dataset: dataset.name },
  })
}
