import type { DatasetDefinition } from '../../job/model.ts'
import type { Part, WindowValue } from '../../protocol/index.ts'
import { PROGRESS } from './bookkeeping.ts'
import { placeOf, qualified, quoted, type SqlRow, type SqlValue } from './connection.ts'
import { fitTable, type FittedTable } from './fit.ts'
import { openTable, type TableAccess } from './open.ts'
import { Conditions, windowRange, type RowRange } from './range.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { stagedRows, stagingName, tasksOf } from './staging.ts'

/** What a step has written into a table, to be judged before it is published. */
export interface WrittenRows {
  readonly runId: string
  readonly step: string
  readonly window: WindowValue | null
  readonly parts: readonly Part[]
}

/** The rows that a dataset's checks look at, where they are. */
export interface TableInspection {
  readonly database: 'postgres' | 'sqlite'
  /**
   * A subquery with a column for each field, by the field's name: the staged rows; where rows are written in place, the
   * table's rows of the window, or all.
   */
  readonly output: string
  /** Rows that the step's tasks have written, as the table's database counts them. */
  readonly counted: number
  /** Staged rows that belong to another window; 0 where rows are written in place. */
  readonly strayed: number
  rows(sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** SQLite only: lets queries call a function of one value that says yes or no. */
  teach(name: string, body: (value: SqlValue) => boolean): void
  close(): Promise<void>
}

/** Opens a table for its checks. Errors: those of opening, TABLE_DIFFERS. */
export async function inspectTable(
  dataset: DatasetDefinition,
  access: TableAccess,
  written: WrittenRows,
): Promise<TableInspection> {
  const { table, mode } = placeOf(dataset)
  const connection = await openTable(dataset, access, `verify/${written.step}`)
  try {
    const fitted = await fitTable(connection, dataset, 'write')
    const fields = fitted.fields.map(({ column, name }) => `${quoted(column)} as ${quoted(name)}`).join(', ')
    const range = { window: windowRange(dataset, written.window), asOf: null }
    const staging = qualified(table, stagingName(written.runId, written.step, dataset.name))
    const staged = mode === 'replaceWindow'
    const where = staged ? ` where ${stagedRows(written.parts)}` : literalWhere(fitted, connection.database, range)
    const output = `(select ${fields} from ${staged ? staging : qualified(table)}${where})`
    const tasks = tasksOf(written.parts)
    const [counted] = staged
      ? await connection.rows(`select count(*) from ${staging} where ${stagedRows(written.parts)}`)
      : await connection.rows(
          `select coalesce(sum(sent), 0) from ${qualified(table, PROGRESS)}
           where run = $1 and step = $2 and task in (${tasks.length === 0 ? 'null' : tasks.join(', ')})`,
          [written.runId, written.step],
        )
    const inside = staged ? literalWhere(fitted, connection.database, range).replace(' where ', ' and ') : ''
    const [within] = staged
      ? await connection.rows(`select count(*) from ${staging} where ${stagedRows(written.parts)}${inside}`)
      : [counted]
    return {
      database: connection.database,
      output,
      counted: Number(counted?.[0]),
      strayed: Number(counted?.[0]) - Number(within?.[0]),
      rows: (sql, values) => connection.rows(sql, values),
      teach: (name, body) => {
        if (connection instanceof SqliteConnection)
          connection.teach(name, (value) => (body(value instanceof Uint8Array ? null : (value ?? null)) ? 1 : 0))
      },
      close: () => connection.close(),
    }
  } catch (thrown) {
    await connection.close()
    throw thrown
  }
}

/** The condition with its values written into it: dates, instants and window keys, quoted. */
function literalWhere(fitted: FittedTable, database: 'postgres' | 'sqlite', range: RowRange): string {
  const { where, values } = new Conditions(fitted, database).inRange(range)
  const literal = (place: string): string => `'${String(values[Number(place) - 1]).replaceAll("'", "''")}'`
  return where.replaceAll(/\$(\d+)/g, (_, place: string) => literal(place))
}
