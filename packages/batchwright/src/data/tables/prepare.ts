import type { DatasetDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { makeBookkeeping, PROGRESS } from './bookkeeping.ts'
import { placeOf, qualified, tableName, type TableConnection } from './connection.ts'
import { fitTable } from './fit.ts'
import { openTable, type TableAccess } from './open.ts'
import type { ProgressKey } from './progress.ts'
import { makeStaging, stagingName } from './staging.ts'

/** The step that is about to write a table. */
export type TableWork = Pick<ProgressKey, 'runId' | 'step' | 'job' | 'windowKey' | 'revision'>

/**
 * Makes ready what a step writes: holds the table against the contract, makes the tables that stand beside it, and refuses to
 * insert rows that are there already. Throws TABLE_MISSING, TABLE_DIFFERS, TABLE_BOOKKEEPING, TABLE_ROWS_WRITTEN.
 */
export async function prepareTable(dataset: DatasetDefinition, access: TableAccess, work: TableWork): Promise<void> {
  const { table, mode } = placeOf(dataset)
  const connection = await openTable(dataset, access, `plan/${work.step}`)
  try {
    await fitTable(connection, dataset, 'write')
    await makeBookkeeping(connection, table)
    if (mode === 'insert') await refuseTwice(connection, dataset, work)
    if (mode === 'replaceWindow')
      await makeStaging(connection, dataset, stagingName(work.runId, work.step, dataset.name))
  } finally {
    await connection.close()
  }
}

/** Rows that were inserted cannot be told apart later: a step that begins anew would insert them again. */
async function refuseTwice(connection: TableConnection, dataset: DatasetDefinition, work: TableWork): Promise<void> {
  const { table } = placeOf(dataset)
  const [row] = await connection.rows(
    `select coalesce(sum(changed), 0) from ${qualified(table, PROGRESS)}
     where step = $1 and target = $2 and dataset = $3 and (run = $4 or (job = $5 and window_key = $6 and revision < $7))`,
    [work.step, tableName(table), dataset.name, work.runId, work.job, work.windowKey, work.revision],
  )
  const rows = Number(row?.[0])
  if (rows === 0) return
  throw new BatchwrightError({
    code: 'TABLE_ROWS_WRITTEN',
    message: `step ${work.step}: expected to insert into ${tableName(table)} for the first time, found ${rows} rows of this work in it, of an earlier revision or an earlier plan: they would be there twice`,
    hint: `Use mode: 'upsert' or 'replaceWindow', which can be made again. Or delete those rows, and what ${PROGRESS} says of the step, then \`batchwright retry RUN\`.`,
    details: { step: work.step, table: tableName(table), rows },
  })
}
