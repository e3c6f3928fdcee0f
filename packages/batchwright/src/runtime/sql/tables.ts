import { open, stat } from 'node:fs/promises'
import path from 'node:path'
import { writePlanFile } from '../../data/index.ts'
import {
  datasetKey,
  datasetOfOutput,
  type DatasetDefinition,
  type JobDefinition,
  type SqlStep,
  type StepInput,
} from '../../job/index.ts'
import { sha256 } from '../../kernel/digest.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import type { Folders, SnapshotFile, StepOutput } from '../../protocol/index.ts'
import { isJsonObject, readOwnJson } from '../json.ts'
import { findStep } from '../find-step.ts'

/** One file under a table. */
interface TableFile {
  /** Absolute. */
  readonly path: string
  readonly bytes: number
  readonly records: number
}

/** The files under each table of a query, by name. */
export type TableFiles = Readonly<Record<string, readonly TableFile[]>>

interface Sources {
  readonly ofStep: (name: string) => StepOutput
  readonly ofDataset: (input: Extract<StepInput, { readonly from: 'dataset' }>) => Promise<readonly SnapshotFile[]>
  readonly folders: Folders
}

/** Finds the files under each table and keeps the list as a plan file. */
export async function planTables(
  step: SqlStep,
  job: JobDefinition,
  sources: Sources,
): Promise<{ readonly payload: JsonValue; readonly records: number; readonly bytes: number }> {
  const tables: Record<string, readonly TableFile[]> = {}
  for (const [name, input] of step.tables) {
    tables[name] =
      input.from === 'step'
        ? partsOf(sources.ofStep(input.step), datasetKey(input.output), tableDataset(input, job, name))
        : (await sources.ofDataset(input)).map(({ path: file, bytes, records }) => ({
            path: path.resolve(sources.folders.project, file),
            bytes,
            records,
          }))
  }
  const text = Buffer.from(JSON.stringify(tables))
  const file = await writePlanFile(sources.folders.run, step.name, 'tables', [text])
  const all = Object.values(tables).flat()
  return {
    payload: { kind: 'sql', path: file, sha256: sha256(text) },
    records: all.reduce((sum, each) => sum + each.records, 0),
    bytes: all.reduce((sum, each) => sum + each.bytes, 0),
  }
}

/** Parts of the dataset that a step wrote, in order. */
function partsOf(output: StepOutput, key: string, dataset: DatasetDefinition): readonly TableFile[] {
  const tasks = [...output.tasks].sort((a, b) => a.index - b.index)
  return tasks.flatMap(({ index, output: { outputs } }) => {
    const parts = outputs[key]
    if (parts !== undefined) return parts.map(({ path: file, bytes, records }) => ({ path: file, bytes, records }))
    throw new BatchwrightError({
      code: 'OUTPUT_MISSING',
      message: `expected task ${index} of step ${output.step} to have written dataset ${dataset.name}, found nothing`,
      hint: `Make its records anew: \`batchwright retry RUN --from ${output.step}\`.`,
      details: { step: output.step, task: index },
    })
  })
}

/** The dataset whose contract types a table. Throws SQL_NEEDS_DATASET for a step that writes none. */
export function tableDataset(input: StepInput, job: JobDefinition, table: string): DatasetDefinition {
  if (input.from === 'dataset') return input.dataset
  const output = datasetOfOutput(findStep(job, input.step), input.output)
  if (output !== null) return output.dataset
  throw new BatchwrightError({
    code: 'SQL_NEEDS_DATASET',
    message: `table ${table}: expected step ${input.step} to write a dataset, found none`,
    hint: `Let ${input.step} write a dataset (publish: 'none' keeps it inside the run).`,
    details: { table, step: input.step },
  })
}

/** Reads the plan file of a partition, and checks that the files are there as they were. Throws PLAN_DAMAGED, INPUT_CHANGED. */
export async function readTables(payload: JsonValue, folders: Folders): Promise<TableFiles> {
  if (!isJsonObject(payload)) throw unknownPayload(payload)
  const { path: relative, sha256: expected } = payload
  if (typeof relative !== 'string' || typeof expected !== 'string') throw unknownPayload(payload)
  const handle = await open(path.join(folders.run, relative), 'r')
  try {
    const text = await handle.readFile('utf8')
    if (sha256(text) !== expected) throw unknownPayload(payload)
    const tables = readOwnJson<TableFiles>(text)
    for (const file of Object.values(tables).flat()) await checkFile(file)
    return tables
  } finally {
    await handle.close()
  }
}

async function checkFile({ path: file, bytes }: TableFile): Promise<void> {
  const found = await sizeOf(file)
  if (found === bytes) return
  throw new BatchwrightError({
    code: 'INPUT_CHANGED',
    message: `expected ${file} with ${bytes} bytes, as it was planned, found ${found === null ? 'no file' : `${found} bytes`}`,
    hint: 'Bring the old content back and `batchwright retry RUN`, or make a new revision on what is there now: `batchwright rerun JOB --window WINDOW`.',
    details: { path: file, expected: bytes, found },
  })
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

function unknownPayload(payload: JsonValue): BatchwrightError {
  return new BatchwrightError({
    code: 'PLAN_DAMAGED',
    message: `expected the plan of a sql step, found ${JSON.stringify(payload).slice(0, 200)}`,
    hint: 'Plan the step again: `batchwright retry RUN --from STEP`.',
  })
}
