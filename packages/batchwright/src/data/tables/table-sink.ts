import type { DatasetDefinition, Fault } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { Checkpoint, Part, SinkState } from '../../protocol/index.ts'
import type { TransactionalSink } from '../contract.ts'
import { outputInvalid } from '../sinks/output-invalid.ts'
import { makeBookkeeping } from './bookkeeping.ts'
import { placeOf, qualified, tableName, type TableConnection } from './connection.ts'
import { fitTable } from './fit.ts'
import { openTable, type TableAccess } from './open.ts'
import { ProgressRow, type Progress, type ProgressKey } from './progress.ts'
import { rowWriter, type RowWriter } from './row-writer.ts'
import { makeStaging, partPath, stagingName, TASK_COLUMN } from './staging.ts'

export interface TableSinkOptions {
  readonly key: ProgressKey
  /** The attempt's. */
  readonly fence: number
  readonly codeVersion: string
  /** Sequence of the last checkpoint that the run knows of; 0 for none. */
  readonly known: number
  /** Why the task has to begin again: what its checkpoint needs beside the table is gone. Null where it goes on. */
  readonly lost: BatchwrightError | null
}

/**
 * Opens the table of a dataset for one attempt: raises the fence and reads where the task stands, in one transaction of the
 * table's database. Errors: FENCED, TABLE_MISSING, TABLE_DIFFERS, TABLE_BOOKKEEPING, TABLE_PROGRESS_BEHIND, TABLE_BUSY, TABLE_UNREACHABLE, those of secrets.
 */
export async function openTableSink(
  dataset: DatasetDefinition,
  access: TableAccess,
  options: TableSinkOptions,
): Promise<TransactionalSink> {
  const { job, step } = options.key
  const connection = await openTable(dataset, access, `${job}/${step}`)
  try {
    return await open(connection, dataset, options)
  } catch (thrown) {
    await connection.close()
    throw thrown
  }
}

async function open(
  connection: TableConnection,
  dataset: DatasetDefinition,
  options: TableSinkOptions,
): Promise<TransactionalSink> {
  const { key, fence, known, lost } = options
  const { table, mode } = placeOf(dataset)
  const fitted = await fitTable(connection, dataset, 'write')
  const staged = mode === 'replaceWindow'
  const staging = stagingName(key.runId, key.step, dataset.name)
  await makeBookkeeping(connection, table)
  const progress = new ProgressRow(connection, table, key)
  const opened = await progress.open(fence)
  const emptied = staged && (await makeStaging(connection, dataset, staging))
  failPoint('table.opened')
  const writer = rowWriter(connection, {
    table: qualified(table, staged ? staging : table.table),
    fields: fitted.fields,
    types: fitted.columns.map((column) => column.type),
    key: fitted.key,
    mode: mode ?? 'insert',
    taskId: staged ? key.taskId : null,
  })
  const { codeVersion } = options
  const sink = new TableSink({ connection, dataset, progress, writer, codeVersion, taskId: key.taskId }, opened)
  const begins = emptied || lost !== null
  if (opened.sequence >= known && (!begins || opened.sequence === 0)) return sink
  if (!staged) throw lost === null ? behind(dataset, known, opened.sequence) : inPlace(dataset, lost)
  // Nobody has seen staged rows: the task can begin again.
  await sink.startOver(qualified(table, staging), key.taskId)
  return sink
}

interface SinkParts {
  readonly connection: TableConnection
  readonly dataset: DatasetDefinition
  readonly progress: ProgressRow
  readonly writer: RowWriter
  readonly codeVersion: string
  readonly taskId: number
}

/**
 * Rows of one task on their way into a table. A transaction begins with the first row after a commit and ends with the next
 * one, together with the position; a call's rows are written or refused as a whole inside it.
 */
class TableSink implements TransactionalSink {
  readonly #parts: SinkParts
  readonly #check: (record: object) => Fault | null
  /** As it stands in the database; counts are those of the last commit. */
  #committed: Progress
  #sent: number
  #changed: number
  #writing = false

  constructor(parts: SinkParts, opened: Progress) {
    const { schema } = parts.dataset.contract
    this.#parts = parts
    this.#check = (record) => schema.check(record)
    this.#committed = opened
    this.#sent = opened.sent
    this.#changed = opened.changed
  }

  get checkpoint(): Checkpoint | null {
    const { checkpoint } = this.#committed
    // What a sink of ours has written there.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    return checkpoint === null ? null : (JSON.parse(checkpoint) as Checkpoint)
  }

  /** The table's rows are counted in the database; how many bytes they take there nobody says. */
  get bytesWritten(): number {
    return 0
  }

  refuse(records: readonly object[]): ReadonlyMap<number, unknown> {
    const refused = new Map<number, unknown>()
    for (const [index, record] of records.entries()) {
      const fault = this.#check(record)
      if (fault !== null) refused.set(index, outputInvalid(fault, index))
    }
    return refused
  }

  async write(records: readonly object[]): Promise<void> {
    for (let index = 0; index < records.length; index += 1) {
      const fault = this.#check(records[index] ?? {})
      if (fault !== null) throw outputInvalid(fault, index)
    }
    if (records.length === 0) return
    await this.#begin()
    this.#changed += await this.#parts.writer.write(records)
    this.#sent += records.length
    failPoint('table.rows-written')
  }

  /** Nothing is made durable here: `seal` does that, once everything else that the checkpoint names is. */
  commit(): Promise<SinkState> {
    return Promise.resolve({ sealed: this.#asParts(), open: null })
  }

  async seal(checkpoint: Checkpoint): Promise<void> {
    await this.#begin()
    const { connection, progress } = this.#parts
    const next: Progress = {
      sequence: checkpoint.sequence,
      checkpoint: JSON.stringify(checkpoint),
      sent: this.#sent,
      changed: this.#changed,
    }
    await progress.advance(next)
    failPoint('table.before-commit')
    await connection.commit()
    this.#writing = false
    this.#committed = next
    failPoint('table.committed')
  }

  async finish(): Promise<readonly Part[]> {
    await this.#parts.connection.close()
    return this.#asParts()
  }

  async abort(): Promise<void> {
    await this.#parts.connection.rollback()
    await this.#parts.connection.close()
  }

  /** Takes away what the task has staged, and its position. */
  async startOver(staging: string, taskId: number): Promise<void> {
    await this.#begin()
    const { connection, progress } = this.#parts
    await connection.run(`delete from ${staging} where ${TASK_COLUMN} = $1`, [taskId])
    const none: Progress = { sequence: 0, checkpoint: null, sent: 0, changed: 0 }
    await progress.advance(none)
    await connection.commit()
    this.#writing = false
    this.#committed = none
    this.#sent = 0
    this.#changed = 0
  }

  async #begin(): Promise<void> {
    if (this.#writing) return
    await this.#parts.connection.begin()
    this.#writing = true
    await this.#parts.progress.hold()
  }

  #asParts(): readonly Part[] {
    if (this.#sent === 0) return []
    const { dataset, codeVersion, taskId } = this.#parts
    const path = partPath(tableName(placeOf(dataset).table), taskId)
    return [{ path, format: 'table', bytes: 0, records: this.#sent, sha256: '', codeVersion }]
  }
}

function behind({ name, location }: DatasetDefinition, known: number, found: number): BatchwrightError {
  const table = location.kind === 'table' ? tableName(location.table) : name
  return new BatchwrightError({
    code: 'TABLE_PROGRESS_BEHIND',
    message: `dataset ${name}: expected ${table} to stand at commit ${known} of this task or after it, found ${found === 0 ? 'no commit' : `commit ${found}`}: its database was set back, or another one is meant`,
    hint: 'Rows that were committed are missing there. Bring the database back, or make the rows anew: `batchwright rerun JOB --window WINDOW`.',
    details: { dataset: name, table, expected: known, found },
  })
}

function inPlace({ name, location }: DatasetDefinition, lost: BatchwrightError): BatchwrightError {
  const table = location.kind === 'table' ? tableName(location.table) : name
  return new BatchwrightError({
    code: 'TABLE_PROGRESS_LOST',
    message: `dataset ${name}: rows of this task are in ${table}, and what was kept beside them to go on is gone: ${lost.message}`,
    hint: "Bring the files back, then `batchwright retry RUN`; or make the rows anew with `batchwright rerun JOB --window WINDOW`, which needs mode: 'upsert' or 'replaceWindow'.",
    details: { dataset: name, table },
    cause: lost,
  })
}
