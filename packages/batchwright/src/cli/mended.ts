/** Dead letters as they were mended: read from an edited export, joined with earlier mends, kept as a file of the run. */
import { existsSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import { readLetters } from '../data/index.ts'
import type { DeadLetter } from '../data/index.ts'
import { sha256 } from '../kernel/digest.ts'
import type { RunRow, Store } from '../store/contract.ts'
import { usageError } from './failure.ts'
import type { FoundLetter } from './letters.ts'

/** A letter that is to be replayed; its text where somebody mended it. */
export interface ChosenLetter extends FoundLetter {
  readonly mended: string | null
}

/** The letters of an export, by id. Throws FILE_MISSING, DEAD_LETTER_INVALID. */
export async function readExport(file: string): Promise<ReadonlyMap<string, DeadLetter>> {
  if (!existsSync(file)) {
    throw usageError({
      code: 'FILE_MISSING',
      message: `expected an export at ${file}, and there is none`,
      details: { file },
    })
  }
  const letters = new Map<string, DeadLetter>()
  for await (const letter of readLetters(file)) letters.set(letter.id, letter)
  return letters
}

/** What of a letter may be mended is its text. Everything else, its place above all, is what the run set down. */
export function chooseLetter(found: FoundLetter, edited: DeadLetter | undefined): ChosenLetter {
  const mended = edited === undefined || edited.raw === found.letter.raw ? null : edited.raw
  return { ...found, mended }
}

/**
 * Writes the mended letters of a step as a file in the folder of the run that they are of: those of earlier replays that
 * the run stands on, and over them the ones mended now. Named by its content, so that the same replay asked twice has one
 * file. On disk when it resolves.
 */
export async function keepMended(
  store: Store,
  run: RunRow,
  folder: string,
  step: string,
  chosen: readonly ChosenLetter[],
): Promise<string> {
  const letters = new Map<string, DeadLetter>()
  for (const letter of await earlierMends(store, run, step)) letters.set(placeOf(letter), letter)
  for (const { letter, mended } of chosen) {
    if (mended !== null) letters.set(placeOf(letter), { ...letter, raw: mended })
  }
  const sorted = [...letters].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return keepFile(path.join(folder, 'replays'), sorted.map(([, letter]) => `${JSON.stringify(letter)}\n`).join(''))
}

function placeOf({ position }: DeadLetter): string {
  return JSON.stringify([position.source, position.record])
}

/** What earlier replays mended in a step, and this run took over. A step that ran again since has lost its places. */
async function earlierMends(store: Store, run: RunRow, step: string): Promise<readonly DeadLetter[]> {
  const replay = await lastReplayOf(store, run, step)
  if (replay === null) return []
  const letters: DeadLetter[] = []
  for await (const letter of readLetters(replay.file)) letters.push(letter)
  return letters
}

/** The replay of a step's letters whose outcome a run stands on; null where there is none. */
export async function lastReplayOf(store: Store, run: RunRow, step: string): Promise<RunRow['replay']> {
  for await (const { replay } of lineage(store, run)) {
    if (replay === null) return null
    if (replay.step === step) return replay
    if (!replay.adopted.includes(step)) return null
  }
  return null
}

/** A run, the one it replays letters of, the one that one replays letters of, ... */
export async function* lineage(store: Store, run: RunRow): AsyncGenerator<RunRow> {
  for (let each: RunRow | null = run; each !== null;) {
    yield each
    each = each.replay === null ? null : await store.getRun(each.replay.ofRunId)
  }
}

async function keepFile(folder: string, text: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = path.join(folder, `mended-${sha256(text).slice(0, 16)}.jsonl`)
  const handle = await open(file, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return file
}
