import path from 'node:path'
import { openDuckDb, readPart, viewOverParts } from '../data/index.ts'
import type { CheckDefinition, DatasetDefinition } from '../job/index.ts'
import type { JsonValue } from '../kernel/errors.ts'
import type { Part } from '../protocol/index.ts'
import {
  asText,
  compileColumnCheck,
  describeColumnCheck,
  isColumnCheck,
  type Breaks,
  type ColumnCheck,
} from './column-checks.ts'
import { checkBase, SAMPLES, type Finding } from './finding.ts'
import { median } from './history.ts'
import { UniqueKeys } from './unique.ts'

const SQL_MEMORY = 256 * 1024 * 1024

export interface ChecksRequest {
  readonly dataset: DatasetDefinition
  /** The staged parts, in order. */
  readonly parts: readonly Part[]
  /** Record counts of former versions, newest last: `recordCountHistory`. */
  readonly history: readonly number[]
  /** For keys and queries that do not fit in memory; private to the attempt. */
  readonly spillFolder: string
}

type UniqueCheck = Extract<CheckDefinition, { readonly check: 'unique' }>
type RowCountCheck = Extract<CheckDefinition, { readonly check: 'rowCount' }>
type SqlCheck = Extract<CheckDefinition, { readonly check: 'sql' }>

/**
 * Makes a dataset's checks over its staged parts: one pass for all that look at records, DuckDB for queries alone, the parts'
 * own counts for the rest. Findings stand in the order of the checks. Errors: those of reading, SQL_FAILED, DUCKDB_MISSING.
 */
export async function runChecks(request: ChecksRequest): Promise<readonly Finding[]> {
  const { checks } = request.dataset
  const records = request.parts.reduce((sum, part) => sum + part.records, 0)
  const found = new Map<CheckDefinition, Finding>()
  const inPass = await lookAtRecords(request, records)
  for (const check of checks) {
    if (check.check === 'rowCount') found.set(check, judgeRowCount(check, records, request.history))
    if (check.check === 'sql') found.set(check, await runSqlCheck(check, request))
  }
  return checks.flatMap((check) => inPass.get(check) ?? found.get(check) ?? [])
}

interface ColumnTally {
  readonly check: ColumnCheck
  readonly breaks: Breaks
  count: number
  readonly samples: JsonValue[]
}

async function lookAtRecords(
  { dataset, parts, spillFolder }: ChecksRequest,
  records: number,
): Promise<ReadonlyMap<CheckDefinition, Finding>> {
  const columns = dataset.checks
    .filter(isColumnCheck)
    .map((check): ColumnTally => ({ check, breaks: compileColumnCheck(check), count: 0, samples: [] }))
  const uniques = dataset.checks
    .filter((check): check is UniqueCheck => check.check === 'unique')
    .map((check, index) => ({
      check,
      keys: new UniqueKeys(check.columns, records, path.join(spillFolder, `unique-${index}`)),
    }))
  if (columns.length === 0 && uniques.length === 0) return new Map()
  for (const part of parts) {
    for await (const list of readPart(part.path, dataset)) {
      for (const record of list) {
        // Looked at by column name: the names were checked when the job was defined.
        // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
        const values = record as Readonly<Record<string, unknown>>
        for (const tally of columns) if (tally.breaks(values)) note(tally, values)
        for (const { keys } of uniques) {
          const spilling = keys.add(values)
          if (spilling !== undefined) await spilling
        }
      }
    }
  }
  const findings = new Map<CheckDefinition, Finding>()
  for (const { check, count, samples } of columns) {
    findings.set(check, checkFinding(check, describeColumnCheck(check), count, records, samples))
  }
  for (const { check, keys } of uniques) {
    const repeats = await keys.finish()
    const expected = `no two records with the same ${check.columns.join(', ')}`
    findings.set(check, checkFinding(check, expected, repeats.records, records, repeats.samples))
  }
  return findings
}

function note(tally: ColumnTally, record: Readonly<Record<string, unknown>>): void {
  tally.count += 1
  if (tally.samples.length < SAMPLES) tally.samples.push(printable(record))
}

/** Holds a count against its bounds and against former ones. */
export function judgeRowCount(check: RowCountCheck, records: number, history: readonly number[]): Finding {
  const usual = check.withinOfHistory === null ? null : median(history)
  const slack = usual === null || check.withinOfHistory === null ? 0 : usual * check.withinOfHistory
  const lowest = Math.max(check.min ?? 0, usual === null ? 0 : Math.ceil(usual - slack))
  const highest = Math.min(check.max ?? Infinity, usual === null ? Infinity : Math.floor(usual + slack))
  const why =
    check.withinOfHistory === null
      ? ''
      : usual === null
        ? ' (nothing published before to compare with)'
        : ` (within ${check.withinOfHistory * 100} % of ${usual}, the median of the last ${history.length} published)`
  const passed = records >= lowest && records <= highest
  return {
    ...checkBase(check, passed),
    expected: `${highest === Infinity ? `at least ${lowest}` : `${lowest} to ${highest}`} records${why}`,
    found: `${records} records`,
    samples: [],
  }
}

async function runSqlCheck(check: SqlCheck, { dataset, parts, spillFolder }: ChecksRequest): Promise<Finding> {
  const db = await openDuckDb({ memoryBytes: SQL_MEMORY, threads: 1, spillFolder: path.join(spillFolder, 'sql') })
  try {
    await viewOverParts(db, 'output', dataset, parts)
    const result = await db.query(check.query)
    let violations = 0
    const samples: JsonValue[] = []
    for await (const chunk of result.chunks) {
      violations += chunk.rows
      for (let row = 0; row < chunk.rows && samples.length < SAMPLES; row += 1) {
        const values = result.columns.map(({ name }, column) => [name, chunk.values[column]?.[row]] as const)
        samples.push(printable(Object.fromEntries(values)))
      }
    }
    return {
      ...checkBase(check, violations === 0),
      expected: 'a query without a row',
      found: `${violations} rows`,
      samples,
    }
  } finally {
    db.close()
  }
}

function checkFinding(
  check: CheckDefinition,
  expected: string,
  count: number,
  records: number,
  samples: readonly JsonValue[],
): Finding {
  return { ...checkBase(check, count === 0), expected, found: `${count} of ${records} records against it`, samples }
}

/** A record for people: decimals and database values as text. */
function printable(record: Readonly<Record<string, unknown>>): JsonValue {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, printableValue(value)]))
}

function printableValue(value: unknown): JsonValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value)
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  if (typeof value !== 'object' || isPlain) return asText(value)
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- decimals and DuckDB's values print themselves
  return String(value)
}
