import type { DatasetDefinition } from '../job/model.ts'
import { systemClock, type Timer } from '../kernel/clock.ts'
import type { Part } from '../protocol/index.ts'
import type { StagedSinkOptions } from './contract.ts'
import type { DuckDb } from './duckdb.ts'
import { openDatasetSink } from './sinks/dataset-sink.ts'
import { recordsOf } from './sql-rows.ts'

const INTERRUPT_AGAIN_MS = 50

export interface CopyRequest {
  readonly query: string
  readonly dataset: DatasetDefinition
  readonly sink: StagedSinkOptions & { readonly recordsPerPart: number }
  /** Looked at between chunks; aborting also interrupts a query that has not given its first rows yet. */
  readonly signal: AbortSignal
  /** Called after each chunk with the rows copied so far. */
  readonly onRows?: (rows: number) => void
}

/**
 * Runs a query and stages its rows as parts of a dataset, through the same sink as every other step: the same bytes, the
 * same contract. Columns may come in any order; they are written in the contract's. Errors: SQL_FAILED,
 * SQL_RESULT_MISMATCH, and those of the sink. The rows pass one by one, in constant memory.
 */
export async function copyTo(
  db: DuckDb,
  request: CopyRequest,
): Promise<{ readonly parts: readonly Part[]; readonly records: number; readonly bytes: number }> {
  const { signal, dataset } = request
  signal.throwIfAborted()
  let again: Timer | null = null
  const interrupt = (): void => {
    db.interrupt()
    // An interruption between two statements, or before the first, is lost: repeated until the query has ended.
    again = systemClock.after(INTERRUPT_AGAIN_MS, interrupt)
  }
  signal.addEventListener('abort', interrupt)
  const sink = await openDatasetSink(dataset, request.sink)
  try {
    signal.throwIfAborted()
    let copied = 0
    for await (const records of recordsOf(await db.query(request.query), dataset)) {
      signal.throwIfAborted()
      await sink.write(records)
      copied += records.length
      request.onRows?.(copied)
    }
    return { parts: await sink.finish(), records: copied, bytes: sink.bytesWritten }
  } catch (thrown) {
    await sink.abort()
    signal.throwIfAborted()
    throw thrown
  } finally {
    signal.removeEventListener('abort', interrupt)
    stopTimer(again)
  }
}

function stopTimer(timer: Timer | null): void {
  timer?.stop()
}
