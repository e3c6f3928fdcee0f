import type { DatasetDefinition } from '../../job/model.ts'
import { systemClock } from '../../kernel/clock.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { Part, WindowValue } from '../../protocol/index.ts'
import { makeBookkeeping, PROGRESS, PUBLICATIONS } from './bookkeeping.ts'
import { placeOf, qualified, tableName, type SqlValue, type TableConnection } from './connection.ts'
import { fitTable, type FittedTable } from './fit.ts'
import { openTable, type TableAccess } from './open.ts'
import { Conditions, windowRange } from './range.ts'
import { columnList } from './shape.ts'
import { stagedRows, stagingName } from './staging.ts'

export interface TablePublication {
  /** Null for a dataset without a window. */
  readonly window: WindowValue | null
  /** Allocated by the store. */
  readonly number: number
  readonly job: string
  readonly runId: string
  readonly step: string
  /** What the step's tasks have left, in order. */
  readonly parts: readonly Part[]
}

/** Waits between tries for a lock, and how many there are before the task gives up and is tried again later. */
const WAIT_MS = 250
const TRIES = 20
/** Positions of tasks are kept this long: until then a zombie finds its fence. */
const KEPT_DAYS = 90

/**
 * Publishes what a step has written into a table. `replaceWindow`: the staged rows take the place of the window's in one
 * transaction, with a lock time-out. Rows that were written in place are visible already; that is recorded. May be called again
 * at any time and by anyone: what is done already is done, and a publication that a later one has overtaken changes nothing.
 * Errors: PUBLICATION_CONFLICT, TABLE_MISCOUNTED, TABLE_BUSY, TABLE_ROW_REFUSED, those of opening.
 */
export async function publishTable(
  dataset: DatasetDefinition,
  access: TableAccess,
  publication: TablePublication,
): Promise<void> {
  const { table } = placeOf(dataset)
  const connection = await openTable(dataset, access, `publish/${publication.step}`)
  try {
    const fitted = await fitTable(connection, dataset, 'write')
    await makeBookkeeping(connection, table)
    await patiently(connection, () => publishOnce(connection, dataset, fitted, publication))
    failPoint('table.swapped')
  } finally {
    await connection.close()
  }
}

/** Lets go of everything while it waits, so that nobody queues behind a publication that cannot begin. */
async function patiently(connection: TableConnection, work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work()
      return
    } catch (thrown) {
      await connection.rollback()
      if (tries >= TRIES || !(thrown instanceof BatchwrightError) || thrown.code !== 'TABLE_BUSY') throw thrown
      await systemClock.sleep(WAIT_MS)
    }
  }
}

async function publishOnce(
  connection: TableConnection,
  dataset: DatasetDefinition,
  fitted: FittedTable,
  publication: TablePublication,
): Promise<void> {
  const { mode } = placeOf(dataset)
  const { parts } = publication
  await connection.begin()
  await lockPublications(connection, dataset)
  const { known, newest } = await publishedBefore(connection, dataset, publication)
  if (known !== null && known !== publication.runId) throw conflict(dataset, publication, known)
  const rows = parts.reduce((sum, part) => sum + part.records, 0)
  // A publisher that was held up must not put older rows over newer ones.
  const overtaken = newest > publication.number
  if (known === null && mode === 'replaceWindow' && !overtaken)
    await swap(connection, dataset, fitted, publication, rows)
  if (known === null) await record(connection, dataset, publication, rows)
  if (mode === 'replaceWindow') {
    const { table } = placeOf(dataset)
    const staging = stagingName(publication.runId, publication.step, dataset.name)
    await connection.run(`drop table if exists ${qualified(table, staging)}`)
  }
  await forgetOld(connection, dataset)
  await connection.commit()
}

/** Publications of a table come one after the other; a lock that is not had in time is given up. */
async function lockPublications(connection: TableConnection, dataset: DatasetDefinition): Promise<void> {
  if (connection.database === 'sqlite') return
  const { table, lockTimeoutMs } = placeOf(dataset)
  await connection.rows(`select set_config('lock_timeout', $1, true)`, [`${lockTimeoutMs}ms`])
  await connection.run(`lock table ${qualified(table, PUBLICATIONS)} in share row exclusive mode`)
}

async function publishedBefore(
  connection: TableConnection,
  dataset: DatasetDefinition,
  { number, window }: TablePublication,
): Promise<{ readonly known: string | null; readonly newest: number }> {
  const { table } = placeOf(dataset)
  const rows = await connection.rows(
    `select number, run from ${qualified(table, PUBLICATIONS)} where target = $1 and window_key = $2 and dataset = $3`,
    [tableName(table), window?.key ?? '', dataset.name],
  )
  const known = rows.find((row) => Number(row[0]) === number)
  return {
    known: known === undefined ? null : String(known[1]),
    newest: rows.reduce((most, row) => Math.max(most, Number(row[0])), 0),
  }
}

async function swap(
  connection: TableConnection,
  dataset: DatasetDefinition,
  fitted: FittedTable,
  publication: TablePublication,
  rows: number,
): Promise<void> {
  const { table } = placeOf(dataset)
  const target = qualified(table)
  const range = { window: windowRange(dataset, publication.window), asOf: null }
  const conditions = new Conditions(fitted, connection.database).inRange(range)
  await connection.run(`delete from ${target}${conditions.where}`, conditions.values)
  const columns = columnList(fitted.fields.map((field) => field.column))
  const staging = qualified(table, stagingName(publication.runId, publication.step, dataset.name))
  const moved =
    rows === 0
      ? 0
      : await connection.run(
          `insert into ${target} (${columns}) select ${columns} from ${staging} where ${stagedRows(publication.parts)}`,
        )
  if (moved === rows) return
  throw new BatchwrightError({
    code: 'TABLE_MISCOUNTED',
    message: `dataset ${dataset.name}: expected ${rows} staged rows to be published into ${tableName(table)}, found ${moved}`,
    hint: `Somebody has changed the staging table. Make the rows anew: \`batchwright retry RUN --from ${publication.step}\`.`,
    details: { dataset: dataset.name, table: tableName(table), expected: rows, found: moved },
  })
}

async function record(
  connection: TableConnection,
  dataset: DatasetDefinition,
  { window, number, job, runId, step }: TablePublication,
  rows: number,
): Promise<void> {
  const { table, mode } = placeOf(dataset)
  const values: readonly SqlValue[] = [
    tableName(table),
    window?.key ?? '',
    number,
    dataset.name,
    job,
    runId,
    step,
    mode ?? 'insert',
    rows,
  ]
  await connection.run(
    `insert into ${qualified(table, PUBLICATIONS)} (target, window_key, number, dataset, job, run, step, mode, rows)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values,
  )
}

async function forgetOld(connection: TableConnection, dataset: DatasetDefinition): Promise<void> {
  const { table } = placeOf(dataset)
  const old =
    connection.database === 'postgres'
      ? `current_timestamp - interval '${KEPT_DAYS} days'`
      : `datetime('now', '-${KEPT_DAYS} days')`
  await connection.run(`delete from ${qualified(table, PROGRESS)} where target = $1 and updated_at < ${old}`, [
    tableName(table),
  ])
}

function conflict(dataset: DatasetDefinition, { number, runId }: TablePublication, run: string): BatchwrightError {
  return new BatchwrightError({
    code: 'PUBLICATION_CONFLICT',
    message: `dataset ${dataset.name}: expected to publish number ${number} of run ${runId}, found that number taken by run ${run}`,
    hint: 'Use one store for all that publish this table: numbers are allocated by it.',
    details: { dataset: dataset.name, number, run },
  })
}
