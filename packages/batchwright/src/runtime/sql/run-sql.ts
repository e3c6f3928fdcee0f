import path from 'node:path'
import { copyTo, openDuckDb, viewOverParts } from '../../data/index.ts'
import type { JobDefinition, SqlStep } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { AttemptEnd, AttemptPort, PartitionAssignment } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import { attemptFolders } from '../folders.ts'
import { Stops } from '../stop.ts'
import { readTables, tableDataset } from './tables.ts'

/**
 * A query over the datasets a step reads, its result staged as its dataset. There is no half of a query to go on from: a
 * later attempt runs it again. One thread keeps the order of rows, and sums, the same on every run.
 */
export async function runSql(
  assignment: PartitionAssignment,
  step: SqlStep,
  job: JobDefinition,
  port: AttemptPort,
): Promise<AttemptEnd> {
  const { output } = step
  if (output === null) throw outputNeeded(step)
  const folders = attemptFolders(assignment, 0)
  const stops = new Stops(port.signal)
  const db = await openDuckDb({
    memoryBytes: step.memoryBytes,
    threads: 1,
    spillFolder: path.join(folders.private, 'spill'),
  })
  try {
    const tables = await readTables(assignment.partition.payload, assignment.folders)
    for (const [name, input] of step.tables) {
      await viewOverParts(db, name, tableDataset(input, job, name), tables[name] ?? [])
    }
    if (stops.asked()) return { kind: 'givenBack', counters: null }
    const { parts, records, bytes } = await copyTo(db, {
      query: step.query,
      dataset: output.dataset,
      sink: {
        folder: folders.staging(output.dataset),
        name: 'main',
        codeVersion: assignment.artifact.codeVersion,
        resume: null,
        recordsPerPart: output.recordsPerPart,
      },
      signal: stops.hard,
      onRows: (rows) => {
        port.progress({ counters: { ...NO_COUNTERS, written: rows }, fraction: null })
      },
    })
    failPoint('loop.finished')
    const files = Object.values(tables).flat()
    const read = files.reduce((sum, file) => sum + file.records, 0)
    const bytesRead = files.reduce((sum, file) => sum + file.bytes, 0)
    return {
      kind: 'finished',
      output: {
        counters: { ...NO_COUNTERS, read, accepted: read, written: records, bytesRead, bytesWritten: bytes },
        controls: {},
        outputs: { main: parts },
        deadLetters: [],
        result: null,
      },
    }
  } finally {
    db.close()
    stops.release()
  }
}

function outputNeeded(step: SqlStep): BatchwrightError {
  return new BatchwrightError({
    code: 'SQL_NEEDS_DATASET',
    message: `sql ${step.name}: expected a dataset to write the result to, found none`,
    hint: 'End the step with .write(dataset).',
    details: { step: step.name },
  })
}
