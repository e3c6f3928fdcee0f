import { createReadStream } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { DatasetDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Folders, Snapshot } from '../../protocol/index.ts'
import type { DeadLetter, PlannedInput } from '../contract.ts'
import { impliedColumns } from '../formats/columns.ts'
import { digestOf } from '../publication/verify-file.ts'
import { writePlanFile } from '../snapshot/block-index.ts'
import { readHeader } from '../snapshot/scan-file.ts'
import { deadLettersPayload } from './payload.ts'

export interface DeadLettersPlanRequest {
  /** Absolute path of the JSON Lines of dead letters to replay. */
  readonly file: string
  /** The dataset that the step reads; null where it reads another step. */
  readonly dataset: DatasetDefinition | null
  /** Snapshot of the run that set them aside: gives the records their old names. */
  readonly snapshot: Snapshot | null
  readonly step: string
  readonly folders: Folders
}

/** What a replay needs to know of a source that its letters came from. */
export interface LetterSource {
  readonly digest: string
  /** Columns of the source; null for JSON. */
  readonly columns: readonly string[] | null
}

export type LetterSources = Readonly<Record<string, LetterSource>>

/**
 * Plans the replay of dead letters: one partition over the file. What CSV text alone cannot tell, the columns that its file
 * had, is read again from the file.
 *
 * @throws INPUT_MISSING, DEAD_LETTER_INVALID.
 */
export async function planDeadLetters(request: DeadLettersPlanRequest): Promise<PlannedInput> {
  const { file, folders, step } = request
  const digest = await digestOf(file)
  if (digest === null) throw lettersMissing(file)
  const sources: Record<string, LetterSource> = {}
  const notes: string[] = []
  let records = 0
  for await (const letter of readLetters(file)) {
    records += 1
    sources[letter.position.source] ??= await describeSource(letter.position.source, request, digest.sha256, notes)
  }
  const plan = await writePlanFile(folders.run, step, 'letters', [Buffer.from(JSON.stringify(sources))])
  const partition = {
    index: 0,
    payload: deadLettersPayload({
      kind: 'deadLetters',
      file,
      sha256: digest.sha256,
      bytes: digest.bytes,
      records,
      sources: plan,
    }),
    label: 'dead letters',
    records,
    bytes: digest.bytes,
  }
  return {
    files: [],
    partitions: records === 0 ? [] : [partition],
    notes: [`${records} dead letters to replay`, ...notes],
  }
}

async function describeSource(
  source: string,
  { dataset, snapshot, folders }: DeadLettersPlanRequest,
  fallback: string,
  notes: string[],
): Promise<LetterSource> {
  const file = snapshot?.files.find((candidate) => candidate.path === source)
  const digest = file?.sha256 ?? fallback
  if (dataset?.format.format !== 'csv' || path.extname(source) === '.parquet') return { digest, columns: null }
  const columns = dataset.format.header ? await readHeader(path.resolve(folders.project, source), dataset.format) : null
  if (columns !== null) return { digest, columns }
  if (dataset.format.header)
    notes.push(`${source}: its header cannot be read again; the contract's own columns are taken`)
  return { digest, columns: impliedColumns(dataset.contract) }
}

/** The dead letters of a file, in order. Blank lines are left out. */
export async function* readLetters(file: string): AsyncGenerator<DeadLetter, void, undefined> {
  const stream = createReadStream(file)
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  let number = 0
  try {
    for await (const line of lines) {
      number += 1
      if (line.trim() !== '') yield parseLetter(line, file, number)
    }
  } finally {
    lines.close()
    stream.destroy()
  }
}

function parseLetter(line: string, file: string, number: number): DeadLetter {
  let cause: unknown
  try {
    const value: unknown = JSON.parse(line)
    if (isLetter(value)) return value
  } catch (error) {
    cause = error
  }
  throw new BatchwrightError({
    code: 'DEAD_LETTER_INVALID',
    message: `expected a dead letter on line ${number} of ${file}, found ${JSON.stringify(line.slice(0, 100))}`,
    hint: 'Export the dead letters again, and edit only their `raw` text.',
    details: { path: file, line: number },
    cause,
  })
}

function isLetter(value: unknown): value is DeadLetter {
  if (value === null || typeof value !== 'object') return false
  if (!('raw' in value) || typeof value.raw !== 'string' || !('position' in value)) return false
  const { position } = value
  return position !== null && typeof position === 'object' && 'source' in position && 'record' in position
}

function lettersMissing(file: string): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_MISSING',
    message: `expected a file of dead letters at ${file}; there is none`,
    hint: 'Export the dead letters again and repeat the replay.',
    details: { path: file },
  })
}
