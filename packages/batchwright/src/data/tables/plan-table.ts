import { open, rename } from 'node:fs/promises'
import path from 'node:path'
import type { DatasetDefinition } from '../../job/model.ts'
import { canonicalJson, hashKey, sha256 } from '../../kernel/digest.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { systemRandom } from '../../kernel/random.ts'
import type { PartitionPlan, SnapshotFile, WindowValue } from '../../protocol/index.ts'
import type { PlannedInput } from '../contract.ts'
import { makeFolder, syncFolder } from '../sinks/folders.ts'
import { pathInProject } from '../snapshot/resolve-paths.ts'
import { sharesOf } from '../sources/share.ts'
import { planCopies, type FilesPlanRequest } from '../sources/plan-files.ts'
import { placeOf, qualified, tableName, type TableConnection } from './connection.ts'
import { fitTable, type FittedTable } from './fit.ts'
import { openTable } from './open.ts'
import { Pages } from './pages.ts'
import { Conditions, windowRange, type RowRange, type SqlKey } from './range.ts'
import { columnList } from './shape.ts'
import { tablePayload } from './slice.ts'
import { SqliteConnection } from './sqlite-connection.ts'

/** Rows of a partition, where the step does not say. */
const AUTO_ROWS = 250_000
/** Up to so many rows bounds are found by a pass over the key's index, beyond by a sample. */
const EXACT_ROWS = 5_000_000
/** Rows of the sample for each partition that is wanted. */
const SAMPLE_ROWS = 500
const PAGE = 5_000

/**
 * Fixes the input of a step that reads a table: key ranges of the live table, or a copy of it that one transaction makes in the
 * run's folder. Errors: TABLE_MISSING, TABLE_DIFFERS, TABLE_UNREACHABLE, INPUT_CHANGED, those of secrets.
 */
export async function planTable(request: FilesPlanRequest): Promise<PlannedInput> {
  const { dataset, databases, folders, step } = request
  if (databases === undefined) throw new TypeError(`no way to the database of dataset ${dataset.name}`)
  const connection = await openTable(dataset, { databases, project: folders.project }, `plan/${step}`)
  try {
    const table = await fitTable(connection, dataset, 'read')
    return placeOf(dataset).read.consistency === 'snapshot'
      ? await planCopy(connection, table, request)
      : await planLive(connection, table, request)
  } finally {
    await connection.close()
  }
}

// ---------------------------------------------------------------- key ranges of the live table

async function planLive(
  connection: TableConnection,
  table: FittedTable,
  request: FilesPlanRequest,
): Promise<PlannedInput> {
  const { dataset, windows, expected } = request
  const pages = new Pages(connection, dataset, table)
  const files: SnapshotFile[] = []
  const partitions: PartitionPlan[] = []
  const notes: string[] = []
  for (const window of windows) {
    const known = expected?.files.find((file) => file.dataset === dataset.name && file.window?.key === window?.key)
    const range = await rangeOf(pages, dataset, window, known)
    const found = await lookAt(connection, pages, table, dataset, range)
    const file = snapshotOf(dataset, window, range, found)
    if (known !== undefined && known.sha256 !== file.sha256) throw changed(dataset, known, file)
    files.push(file)
    if (found.rows === 0) continue
    const bounds = await boundsOf(pages, table, request, range, found.rows)
    partitions.push(...partitionsOf({ request, window, range, found, file, bounds, before: partitions.length }))
  }
  const rows = files.reduce((sum, file) => sum + file.records, 0)
  notes.push(
    `${tableName(placeOf(dataset).table)}: ${rows} rows, read live in ${partitions.length} ${partitions.length === 1 ? 'range' : 'ranges'} of ${(dataset.key ?? []).join(', ')}`,
  )
  if (request.policy.by === 'bytes') notes.push('a table is cut by rows, not by bytes')
  return { files, partitions, notes }
}

/** What is found of a window's rows at planning. */
interface Found {
  readonly rows: number
  readonly first: readonly SqlKey[] | null
  readonly last: readonly SqlKey[] | null
  readonly checksum: string | null
}

/** The mark that was recorded is taken again: what came since is for a later run. */
async function rangeOf(
  pages: Pages,
  dataset: DatasetDefinition,
  window: WindowValue | null,
  known: SnapshotFile | undefined,
): Promise<RowRange> {
  const { asOf } = placeOf(dataset).read
  const rows: RowRange = { window: windowRange(dataset, window), asOf: null }
  const column = dataset.contract.schema.fields?.find((field) => field.name === asOf)?.column
  if (column === undefined) return rows
  const mark = known?.asOf ?? (await pages.highest(rows, column))
  return mark === null ? rows : { ...rows, asOf: { column, mark } }
}

async function lookAt(
  connection: TableConnection,
  pages: Pages,
  table: FittedTable,
  dataset: DatasetDefinition,
  range: RowRange,
): Promise<Found> {
  const [first, last] = [await pages.edge(range, 'first'), await pages.edge(range, 'last')]
  const rows = first === null ? 0 : await pages.count(range, null, last)
  const checksum = placeOf(dataset).read.checksum ? await checksumOf(connection, table, dataset, range) : null
  return { rows, first, last, checksum }
}

/** The same whatever the order of the rows: a sum over each row's own digest. */
async function checksumOf(
  connection: TableConnection,
  table: FittedTable,
  dataset: DatasetDefinition,
  range: RowRange,
): Promise<string> {
  const columns = columnList(table.fields.map((field) => field.column))
  const conditions = new Conditions(table, connection.database).inRange(range)
  const from = `${qualified(placeOf(dataset).table)}${conditions.where}`
  if (connection instanceof SqliteConnection) {
    connection.teach('batchwright_row', (...values) => hashKey(JSON.stringify(values.map(String))))
    const [row] = await connection.rows(
      `select coalesce(sum(batchwright_row(${columns})), 0) from ${from}`,
      conditions.values,
    )
    return String(row?.[0])
  }
  const digest = `('x' || substr(md5(chosen::text), 1, 15))::bit(60)::bigint::numeric`
  const [row] = await connection.rows(
    `select coalesce(sum(${digest}), 0) from (select ${columns} from ${from}) as chosen`,
    conditions.values,
  )
  return String(row?.[0])
}

function snapshotOf(
  dataset: DatasetDefinition,
  window: WindowValue | null,
  range: RowRange,
  found: Found,
): SnapshotFile {
  const name = tableName(placeOf(dataset).table)
  const { rows, first, last, checksum } = found
  const seen = {
    table: name,
    window: window?.key ?? null,
    asOf: range.asOf?.mark ?? null,
    rows,
    first: first === null ? null : [...first],
    last: last === null ? null : [...last],
    checksum,
  }
  return {
    dataset: dataset.name,
    window,
    path: name,
    bytes: 0,
    sha256: sha256(canonicalJson(seen)),
    records: rows,
    modifiedMs: 0,
    live: true,
    ...(range.asOf === null ? {} : { asOf: range.asOf.mark }),
  }
}

async function boundsOf(
  pages: Pages,
  { shape }: FittedTable,
  { policy }: FilesPlanRequest,
  range: RowRange,
  rows: number,
): Promise<readonly (readonly SqlKey[])[]> {
  if (policy.by === 'file' || policy.by === 'keyHash') return []
  const size = policy.by === 'rows' ? (policy.size ?? AUTO_ROWS) : AUTO_ROWS
  if (rows <= size) return []
  if (rows <= EXACT_ROWS || shape.estimate === null || shape.kind === 'view') return await pages.everyNth(range, size)
  const pieces = Math.ceil(rows / size)
  const percent = Math.min(100, Math.max(0.01, (100 * pieces * SAMPLE_ROWS) / Math.max(rows, shape.estimate)))
  return await pages.sampled(range, pieces, percent)
}

interface Cutting {
  readonly request: FilesPlanRequest
  readonly window: WindowValue | null
  readonly range: RowRange
  readonly found: Found
  readonly file: SnapshotFile
  readonly bounds: readonly (readonly SqlKey[])[]
  /** Partitions of earlier windows. */
  readonly before: number
}

function partitionsOf({ request, window, range, found, file, bounds, before }: Cutting): readonly PartitionPlan[] {
  const last = JSON.stringify(found.last)
  const inner = bounds.filter((key) => JSON.stringify(key) !== last)
  const cuts = [...inner, found.last]
  const records = Math.ceil(found.rows / cuts.length)
  const partitions: PartitionPlan[] = []
  for (const [place, until] of cuts.entries()) {
    const after = place === 0 ? null : (cuts[place - 1] ?? null)
    for (const share of sharesOf(request.policy)) {
      const index = before + partitions.length
      partitions.push({
        index,
        payload: tablePayload({
          kind: 'table',
          source: `${file.path}[${before + place}]`,
          windowKey: window?.key ?? null,
          digest: file.sha256,
          range,
          after,
          until,
          first: 0,
          share,
        }),
        label: label(file, window, after, until, share),
        records: share === null ? records : null,
        bytes: null,
      })
    }
  }
  return partitions
}

function label(
  file: SnapshotFile,
  window: WindowValue | null,
  after: readonly SqlKey[] | null,
  until: readonly SqlKey[] | null,
  share: { readonly share: number; readonly of: number } | null,
): string {
  const name = `${file.path}${window === null ? '' : ` ${window.key}`}`
  if (share !== null) return `${name} key ${share.share + 1}/${share.of}`
  return after === null ? `${name} to ${shown(until)}` : `${name} ${shown(after)} to ${shown(until)}`
}

function shown(key: readonly SqlKey[] | null): string {
  return (key ?? []).map((value) => String(value).slice(0, 40)).join(', ')
}

function changed({ name }: DatasetDefinition, was: SnapshotFile, is: SnapshotFile): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_CHANGED',
    message: `expected ${is.path} as the run's snapshot has it (${was.records} rows, digest ${was.sha256.slice(0, 12)}), found ${is.records} rows, digest ${is.sha256.slice(0, 12)}`,
    hint: "Take what is there now: `batchwright rerun JOB --window WINDOW` makes a new revision. Where a run has to be made again on the same rows, read the table with read: { consistency: 'snapshot' }.",
    details: { dataset: name, path: is.path, expected: was.sha256, found: is.sha256 },
  })
}

// ---------------------------------------------------------------- a copy that one transaction makes

async function planCopy(
  connection: TableConnection,
  table: FittedTable,
  request: FilesPlanRequest,
): Promise<PlannedInput> {
  const { dataset, windows, expected, folders, step } = request
  const folder = path.join(folders.run, step, 'plan')
  await makeFolder(folder)
  const pages = new Pages(connection, dataset, table)
  const copies: { readonly window: WindowValue | null; readonly path: string; readonly absolute: string }[] = []
  // What was copied for this run is the snapshot: it is never copied again.
  if (expected !== null) {
    const known = expected.files.filter((file) => file.dataset === dataset.name)
    copies.push(
      ...known.map(({ window, path: name }) => ({ window, path: name, absolute: path.resolve(folders.project, name) })),
    )
    return await planCopies(copies, request)
  }
  await connection.rows(
    connection.database === 'postgres' ? 'begin transaction isolation level repeatable read, read only' : 'begin',
  )
  for (const window of windows) {
    const range = await rangeOf(pages, dataset, window, undefined)
    const absolute = path.join(folder, `table-${sha256(`${dataset.name} ${window?.key ?? ''}`).slice(0, 16)}.jsonl`)
    await copyRows(pages, range, absolute)
    copies.push({ window, path: pathInProject(folders.project, absolute), absolute })
  }
  await connection.rows('commit')
  await syncFolder(folder)
  const planned = await planCopies(copies, request)
  const rows = planned.files.reduce((sum, file) => sum + file.records, 0)
  const note = `${tableName(placeOf(dataset).table)}: ${rows} rows, copied as one transaction saw them`
  return { ...planned, notes: [...planned.notes, note] }
}

async function copyRows(pages: Pages, range: RowRange, target: string): Promise<void> {
  // Threads of one process may plan the same step at once: a zombie, and the attempt after it.
  const temporary = `${target}.${process.pid}-${systemRandom.integer(2 ** 32).toString(36)}.part`
  const file = await open(temporary, 'wx')
  try {
    let after: readonly SqlKey[] | null = null
    for (;;) {
      const { objects, keys } = await pages.read(range, after, null, PAGE)
      await file.writeFile(objects.map((object) => `${JSON.stringify(object)}\n`).join(''))
      after = keys.at(-1) ?? after
      if (keys.length < PAGE) break
    }
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, target)
}
