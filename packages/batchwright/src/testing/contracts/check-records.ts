import { AssertionError } from 'node:assert'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { partitionOpener, planDataset, readPart } from '../../data/index.ts'
import { Fault, type DatasetDefinition, type PartitionPolicy } from '../../job/index.ts'
import type { Folders } from '../../protocol/index.ts'
import { readGiven } from '../step/read-given.ts'
import { asDataset } from './subject.ts'
import type { ContractSubject } from './subject.ts'

/** Records to hold against a contract: given one by one, or a file in the dataset's format (.gz too). */
export type ContractSample = readonly object[] | { readonly file: string | URL }

export interface ContractCheckOptions {
  /**
   * Contract version that given records were written under: older ones are upcast. Default the present one. The header of a
   * CSV file tells by itself.
   */
  readonly version?: number
}

/** A record that breaks the contract. */
export interface ContractFault {
  /** From 1. */
  readonly record: number
  readonly reason: string
  readonly message: string
  /** The column that is wrong; null where the whole record is. */
  readonly column: string | null
}

export interface ContractReport<Row> {
  /** Records that meet the contract, as a step would get them. */
  readonly accepted: readonly Row[]
  readonly faults: readonly ContractFault[]
}

/**
 * Reads a sample as a source of the dataset would, and tells which records meet the contract and why others do not. Throws
 * what a step would stop with before its first record: COLUMN_MISSING, FILE_MISSING.
 */
export async function checkRecords<Row extends object>(
  subject: ContractSubject<Row>,
  sample: ContractSample,
  options: ContractCheckOptions = {},
): Promise<ContractReport<Row>> {
  const dataset = asDataset(subject)
  const read = isList(sample) ? readAll(dataset, sample, options) : await readFile(dataset, pathOf(sample.file))
  const faults: ContractFault[] = []
  const accepted: Row[] = []
  for (const [index, record] of read.entries()) {
    // What the contract has accepted is of its type.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    if (!(record instanceof Fault)) accepted.push(record as Row)
    else faults.push({ record: index + 1, reason: record.reason, message: record.message, column: record.column })
  }
  return { accepted, faults }
}

/** Faults that an assertion names one by one. */
const SHOWN = 10

/** Throws an AssertionError unless every record of a sample meets the contract; it names records, columns and why. */
export async function assertContract<Row extends object>(
  subject: ContractSubject<Row>,
  sample: ContractSample,
  options: ContractCheckOptions = {},
): Promise<void> {
  const { accepted, faults } = await checkRecords(subject, sample, options)
  if (faults.length === 0) return
  const total = accepted.length + faults.length
  const lines = faults
    .slice(0, SHOWN)
    .map(({ record, reason, message }) => `record ${String(record)}: ${reason}: ${message}`)
  const more = faults.length - SHOWN
  throw new AssertionError({
    message: [
      `${String(faults.length)} of ${String(total)} records do not meet ${asDataset(subject).name}:`,
      ...lines.map((line) => `  ${line}`),
      ...(more > 0 ? [`  ... and ${String(more)} more`] : []),
    ].join('\n'),
    actual: faults,
    expected: [],
    operator: 'assertContract',
    stackStartFn: assertContract,
  })
}

function isList(sample: ContractSample): sample is readonly object[] {
  return Array.isArray(sample)
}

function pathOf(file: string | URL): string {
  return file instanceof URL ? fileURLToPath(file) : path.resolve(file)
}

function readAll(
  { contract, format, name }: DatasetDefinition,
  records: readonly object[],
  { version }: ContractCheckOptions,
): readonly (object | Fault)[] {
  const text = format.format === 'csv'
  return records.map((record) =>
    readGiven(record, { contract, text, source: `dataset ${name}`, ...(version === undefined ? {} : { version }) }),
  )
}

const WHOLE: PartitionPolicy = { by: 'file', size: null, count: null, key: null }

async function readFile(dataset: DatasetDefinition, file: string): Promise<readonly (object | Fault)[]> {
  if (dataset.format.format === 'parquet') {
    const records: object[] = []
    for await (const list of readPart(file, dataset)) records.push(...list)
    return records
  }
  const scratch = await mkdtemp(path.join(tmpdir(), 'batchwright-contract-'))
  try {
    const folders: Folders = { project: path.dirname(file), state: scratch, run: scratch }
    const placed: DatasetDefinition = { ...dataset, window: null, location: { kind: 'files', paths: () => [file] } }
    const request = {
      dataset: placed,
      windows: [null],
      parameters: {},
      policy: WHOLE,
      step: 'contract',
      folders,
      expected: null,
    }
    const { partitions } = await planDataset(request)
    const open = partitionOpener({ dataset: placed, policy: WHOLE, folders })
    const records: (object | Fault)[] = []
    for (const partition of partitions) {
      const reader = await open(partition, null)
      try {
        for (let batch = await reader.read(); batch !== null; batch = await reader.read())
          records.push(...batch.records)
      } finally {
        await reader.close()
      }
    }
    return records
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
