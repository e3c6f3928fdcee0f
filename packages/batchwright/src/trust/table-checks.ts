import type { CheckDefinition, DatasetDefinition, FieldDefinition } from '../job/index.ts'
import type { JsonValue } from '../kernel/errors.ts'
import type { TableInspection } from '../data/index.ts'
import { judgeRowCount } from './checks.ts'
import { compileColumnCheck, describeColumnCheck, isColumnCheck, type ColumnCheck } from './column-checks.ts'
import { checkBase, SAMPLES, type Finding } from './finding.ts'

export interface TableChecksRequest {
  readonly dataset: DatasetDefinition
  readonly table: TableInspection
  /** Records that the step's counters say it has written into the table. */
  readonly written: number
  readonly step: string
  /** Record counts of former versions, newest last. */
  readonly history: readonly number[]
}

/**
 * Judges what a step has written into a table, by questions to the table's own database: its count against the step's, rows of
 * other windows, then the checks of the dataset. Errors: TABLE_FAILED for a query that cannot be run.
 */
export async function runTableChecks(request: TableChecksRequest): Promise<readonly Finding[]> {
  const { dataset, table } = request
  const findings = [countedFinding(request), ...strayFindings(request)]
  if (dataset.checks.length === 0) return findings
  const rows = await countOf(table, `select 1 from ${table.output} as output`)
  for (const [index, check] of dataset.checks.entries()) {
    findings.push(await judge(check, index, rows, request))
  }
  return findings
}

function countedFinding({ dataset, table, written, step }: TableChecksRequest): Finding {
  const passed = table.counted === written
  return {
    kind: 'reconciliation',
    name: `rows of ${dataset.name} = written`,
    severity: 'block',
    passed,
    expected: `${written} written`,
    found: `${table.counted} by the table's database`,
    hint: passed
      ? null
      : `Rows were changed by somebody else, or counted twice, which no data can cause: run the step again with \`retry --from ${step}\`, and report it`,
    samples: [],
  }
}

function strayFindings({ dataset, table }: TableChecksRequest): readonly Finding[] {
  if (dataset.location.kind !== 'table' || dataset.location.mode !== 'replaceWindow') return []
  const { windowBy } = dataset.location
  if (windowBy === null) return []
  const passed = table.strayed === 0
  return [
    {
      kind: 'check',
      name: `window(${windowBy})`,
      severity: 'block',
      passed,
      expected: `${windowBy} of every row inside the window that is replaced`,
      found: `${table.strayed} rows of other windows`,
      hint: passed
        ? null
        : 'They would be added each time. Reject such records in the step, or give the job another window.',
      samples: [],
    },
  ]
}

async function judge(
  check: CheckDefinition,
  index: number,
  rows: number,
  request: TableChecksRequest,
): Promise<Finding> {
  const { table, dataset, history } = request
  if (check.check === 'rowCount') return judgeRowCount(check, rows, history)
  if (check.check === 'sql') {
    const found = `with output as (select * from ${table.output} as output) select * from (${check.query}) as violations`
    const violations = await countOf(table, found)
    const samples = violations === 0 ? [] : await samplesOf(table, found, null)
    return {
      ...checkBase(check, violations === 0),
      expected: 'a query without a row',
      found: `${violations} rows`,
      samples,
    }
  }
  const from = `${table.output} as output`
  if (isColumnCheck(check)) {
    const breaks = `select * from ${from} where ${breaking(check, index, dataset, table)}`
    const count = await countOf(table, breaks)
    const names = (dataset.contract.schema.fields ?? []).map((field) => field.name)
    const samples = count === 0 ? [] : await samplesOf(table, breaks, names)
    return finding(check, describeColumnCheck(check), count, rows, samples)
  }
  const columns = check.columns.map(quoted).join(', ')
  const present = check.columns.map((column) => `${quoted(column)} is not null`).join(' and ')
  const repeats = `select ${columns}, count(*) - 1 as repeats from ${from} where ${present} group by ${columns} having count(*) > 1`
  const [sum] = await table.rows(`select coalesce(sum(repeats), 0) from (${repeats}) as repeated`)
  const count = Number(sum?.[0])
  const samples = count === 0 ? [] : await samplesOf(table, repeats, check.columns)
  return finding(check, `no two records with the same ${check.columns.join(', ')}`, count, rows, samples)
}

/** The condition that a row breaks the check by. SQLite asks our own code: its text has no exact order of decimals. */
function breaking(check: ColumnCheck, index: number, dataset: DatasetDefinition, table: TableInspection): string {
  if (check.check === 'notNull') return check.columns.map((column) => `${quoted(column)} is null`).join(' or ')
  const column = quoted(check.column)
  if (table.database === 'sqlite') {
    const field = dataset.contract.schema.fields?.find((each) => each.name === check.column)
    const breaks = compileColumnCheck(check)
    const name = `batchwright_breaks_${index}`
    table.teach(name, (value) => breaks({ [check.column]: readValue(field, value) }))
    return `${name}(${column})`
  }
  switch (check.check) {
    case 'range': {
      const bounds = [
        check.min === null ? [] : [`${column} < ${literal(check.min)}`],
        check.max === null ? [] : [`${column} > ${literal(check.max)}`],
      ]
      return bounds.flat().join(' or ')
    }
    case 'oneOf':
      return `${column}::text not in (${check.values.map(literal).join(', ')})`
    case 'pattern':
      return `${column}::text !~ ${literal(`^(?:${check.pattern})$`)}`
  }
}

function readValue(field: FieldDefinition | undefined, value: unknown): unknown {
  if (value === null || field === undefined) return value
  return field.read(typeof value === 'bigint' ? String(value) : value)
}

async function countOf(table: TableInspection, query: string): Promise<number> {
  const [row] = await table.rows(`select count(*) from (${query}) as counted`)
  return Number(row?.[0])
}

async function samplesOf(
  table: TableInspection,
  query: string,
  names: readonly string[] | null,
): Promise<readonly JsonValue[]> {
  const rows = await table.rows(`select * from (${query}) as sampled limit ${SAMPLES}`)
  return rows.map((row) => {
    const values = row.map((value) => (typeof value === 'bigint' ? String(value) : value))
    return names === null ? values : Object.fromEntries(names.map((name, index) => [name, values[index] ?? null]))
  })
}

function finding(
  check: CheckDefinition,
  expected: string,
  count: number,
  rows: number,
  samples: readonly JsonValue[],
): Finding {
  return { ...checkBase(check, count === 0), expected, found: `${count} of ${rows} records against it`, samples }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
