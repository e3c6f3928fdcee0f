import { sha256 } from '../../kernel/digest.ts'
import type { DatasetDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Part } from '../../protocol/index.ts'
import { withLock } from './bookkeeping.ts'
import { placeOf, qualified, quoted, tableName, type TableConnection } from './connection.ts'

/** The column of a staging table that says which task a row is of. */
export const TASK_COLUMN = 'batchwright_task'

/** Name of a part that is rows of a table: the table, and the task that wrote them. */
export function partPath(table: string, taskId: number): string {
  return `${table}#task-${taskId}`
}

/** The tasks whose rows the parts stand for. */
export function tasksOf(parts: readonly Pick<Part, 'path'>[]): readonly number[] {
  return parts.flatMap(({ path }) => {
    const [, task] = /#task-(\d+)$/.exec(path) ?? []
    return task === undefined ? [] : [Number(task)]
  })
}

/** The condition for the staged rows of the parts: those of attempts of an earlier plan are left out. */
export function stagedRows(parts: readonly Pick<Part, 'path'>[]): string {
  const tasks = tasksOf(parts)
  return `${quoted(TASK_COLUMN)} in (${tasks.length === 0 ? 'null' : tasks.join(', ')})`
}

/** Name of the table that a step's rows wait in until they are published: one for a run and step. */
export function stagingName(runId: string, step: string, dataset: string): string {
  return `batchwright_staged_${sha256(`${runId} ${step} ${dataset}`).slice(0, 16)}`
}

/**
 * Makes the staging table, where it is not there: the columns of the target with their defaults, checks and unique keys, so
 * that a row that the target would refuse is refused when it is written. Throws TABLE_FAILED.
 */
export async function makeStaging(
  connection: TableConnection,
  dataset: DatasetDefinition,
  name: string,
): Promise<boolean> {
  if (await isThere(connection, dataset, name)) return false
  const { table } = placeOf(dataset)
  const staging = qualified(table, name)
  await withLock(connection, async () => {
    if (await isThere(connection, dataset, name)) return
    if (connection.database === 'postgres') {
      await connection.run(
        `create table ${staging} (like ${qualified(table)} including defaults including constraints including generated
          including indexes including storage, ${quoted(TASK_COLUMN)} bigint not null)`,
      )
    } else {
      await connection.run(await sqliteCopy(connection, table.table, name, tableName(table)))
      await connection.run(`alter table ${staging} add column ${quoted(TASK_COLUMN)} integer`)
    }
  })
  return true
}

async function isThere(connection: TableConnection, dataset: DatasetDefinition, name: string): Promise<boolean> {
  const { table } = placeOf(dataset)
  const [found] =
    connection.database === 'postgres'
      ? await connection.rows('select 1 where to_regclass($1) is not null', [qualified(table, name)])
      : await connection.rows(`select 1 from sqlite_schema where type = 'table' and name = $1`, [name])
  return found !== undefined
}

/** `create table NAME`, NAME as SQLite keeps it: quoted in one of four ways, or not. */
const CREATED = /^create\s+table\s+(?:"(?:[^"]|"")*"|\[[^\]]*\]|`(?:[^`]|``)*`|'(?:[^']|'')*'|[^\s("]+)\s*(?=\(|as\s)/i

/** The target's own statement under another name: SQLite has no other way to copy constraints. */
async function sqliteCopy(connection: TableConnection, target: string, name: string, table: string): Promise<string> {
  const [row] = await connection.rows(`select sql from sqlite_schema where type = 'table' and name = $1`, [target])
  const sql = String(row?.[0])
  if (CREATED.test(sql)) return sql.replace(CREATED, () => `create table ${quoted(name)} `)
  throw new BatchwrightError({
    code: 'TABLE_FAILED',
    message: `expected the statement that made ${table} to begin with create table and its name, found ${JSON.stringify(sql.slice(0, 80))}`,
    hint: "Use mode: 'upsert' for this table.",
    details: { table },
  })
}
