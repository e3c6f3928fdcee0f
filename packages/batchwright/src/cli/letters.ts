/** Dead letters of a run: read from its sealed parts, and what was decided about them. */
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { DeadLetter } from '../data/contract.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { SinkState } from '../protocol/index.ts'
import type { Store, TaskRow } from '../store/contract.ts'

/** A dead letter and where it comes from. */
export interface FoundLetter {
  readonly step: string
  readonly partition: number
  readonly letter: DeadLetter
  readonly discarded: Discard | null
}

/** A dead letter that somebody dealt with. One line of `discarded.jsonl` in the run's folder. */
export interface Discard {
  readonly id: string
  readonly at: string
  readonly by: string
  readonly why: string
}

export interface LetterFilter {
  readonly step?: string
  readonly reason?: string
  readonly cause?: DeadLetter['cause']
  readonly ids?: ReadonlySet<string>
  /** Default `false`: those that were discarded are left out. */
  readonly withDiscarded?: boolean
}

/** Beside a run's parts: what was decided about its dead letters. */
export const DISCARDED_FILE = 'discarded.jsonl'

/**
 * The dead letters of a run in order of step, partition and record. Of finished tasks those of the winner's parts; of
 * unfinished ones those that its last checkpoint made durable, so that a run that failed on too many can be looked into.
 */
export async function* readLetters(
  store: Store,
  runId: string,
  folder: string,
  filter: LetterFilter,
): AsyncGenerator<FoundLetter> {
  const discards = await readDiscards(folder)
  const steps = await store.listSteps(runId)
  for (const { name: step } of [...steps].sort((left, right) => left.order - right.order)) {
    if (filter.step !== undefined && filter.step !== step) continue
    for await (const task of partitionTasks(store, runId, step)) {
      for await (const letter of lettersOf(task)) {
        const discarded = discards.get(letter.id) ?? null
        if (!wanted(letter, discarded, filter)) continue
        yield { step, partition: task.index ?? 0, letter, discarded }
      }
    }
  }
}

function wanted(letter: DeadLetter, discarded: Discard | null, filter: LetterFilter): boolean {
  if (discarded !== null && filter.withDiscarded !== true) return false
  if (filter.reason !== undefined && filter.reason !== letter.reason) return false
  if (filter.cause !== undefined && filter.cause !== letter.cause) return false
  return filter.ids === undefined || filter.ids.has(letter.id)
}

const TASKS_AT_ONCE = 500

/** The partition tasks of a step, in pages. */
export async function* partitionTasks(store: Store, runId: string, step: string): AsyncGenerator<TaskRow> {
  let afterTaskId = 0
  for (;;) {
    const tasks = await store.listTasks(runId, { step, kind: 'partition', limit: TASKS_AT_ONCE, afterTaskId })
    yield* tasks
    const last = tasks.at(-1)
    if (last === undefined || tasks.length < TASKS_AT_ONCE) return
    afterTaskId = last.taskId
  }
}

/** The dead letters of one task. */
export async function* lettersOf(task: TaskRow): AsyncGenerator<DeadLetter> {
  if (task.output !== null) {
    for (const part of task.output.deadLetters) yield* linesOf(part.path, part.bytes)
    return
  }
  const durable: SinkState | undefined = task.checkpoint?.deadLetters
  if (durable === undefined) return
  for (const part of durable.sealed) yield* linesOf(part.path, part.bytes)
  if (durable.open !== null) yield* linesOf(durable.open.path, durable.open.durableBytes)
}

async function* linesOf(file: string, bytes: number): AsyncGenerator<DeadLetter> {
  if (bytes === 0) return
  if (!existsSync(file)) {
    throw new BatchwrightError({
      code: 'DEAD_LETTERS_MISSING',
      message: `expected dead letters in ${file}, and the file is not there`,
      hint: 'the folder .batchwright/runs belongs to the store beside it: bring it back, or make the run anew with `rerun`',
      details: { file },
    })
  }
  const lines = createInterface({ input: createReadStream(file, { end: bytes - 1 }), crlfDelay: Infinity })
  for await (const line of lines) if (line !== '') yield decodeLetter(line, file)
}

/** Reads one line of a dead-letter part or of an export. Throws DEAD_LETTER_INVALID. */
function decodeLetter(line: string, file: string): DeadLetter {
  try {
    const value: unknown = JSON.parse(line)
    if (isLetter(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new BatchwrightError({
    code: 'DEAD_LETTER_INVALID',
    message: `${file}: expected a dead letter as JSON, found ${JSON.stringify(line.slice(0, 80))}`,
    hint: 'export them again with `batchwright dead-letters export`',
    details: { file },
  })
}

/** The members that tell a dead letter; the rest was written together with them. */
function isLetter(value: unknown): value is DeadLetter {
  if (typeof value !== 'object' || value === null) return false
  const { id, cause, reason, raw, position }: Partial<Record<string, unknown>> = { ...value }
  const texts = [id, cause, reason, raw].every((member) => typeof member === 'string')
  return texts && typeof position === 'object' && position !== null
}

async function readDiscards(folder: string): Promise<ReadonlyMap<string, Discard>> {
  const file = path.join(folder, DISCARDED_FILE)
  const discards = new Map<string, Discard>()
  if (!existsSync(file)) return discards
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const discard = decodeDiscard(line)
    if (discard !== null) discards.set(discard.id, discard)
  }
  return discards
}

/** Null for a line that a crash cut short: that discard was never acknowledged. */
function decodeDiscard(line: string): Discard | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { id, at, by, why }: Partial<Record<string, unknown>> = { ...value }
  if (typeof id !== 'string' || typeof at !== 'string') return null
  return { id, at, by: String(by), why: String(why) }
}

/** Keeps decisions about dead letters with the run. On disk when it resolves. */
export async function keepDiscards(folder: string, discards: readonly Discard[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  const file = await open(path.join(folder, DISCARDED_FILE), 'a')
  try {
    // A line end first: what a crash cut short stays a line of its own.
    await file.appendFile(`\n${discards.map((discard) => JSON.stringify(discard)).join('\n')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}
