import path from 'node:path'
import type { DatasetDefinition } from '../../job/model.ts'
import { placeOf, type Databases, type TableConnection } from './connection.ts'
import { openPostgres } from './postgres-connection.ts'
import { openSqlite } from './sqlite-connection.ts'

/** How to get at the database of a dataset's table. */
export interface TableAccess {
  readonly databases: Databases
  /** Absolute path of the project folder, which SQLite files start from. */
  readonly project: string
}

/**
 * Opens a connection to the database of a dataset's table. Errors: POSTGRES_CLIENT_MISSING, TABLE_UNREACHABLE, SECRET_MISSING,
 * SECRET_AMBIGUOUS, SECRET_UNREADABLE. `purpose` is what the database's administrator sees: `job/step`.
 */
export async function openTable(
  dataset: DatasetDefinition,
  { databases, project }: TableAccess,
  purpose: string,
): Promise<TableConnection> {
  const { table } = placeOf(dataset)
  if (table.database === 'sqlite') return openSqlite(path.resolve(project, table.file), table)
  const url = await databases.urlOf(table.url, `dataset ${dataset.name}`)
  return await openPostgres(url, table, purpose)
}
