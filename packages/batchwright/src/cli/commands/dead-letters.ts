/** `dead-letters list|show|discard|replay|export`: records that were set aside, and what is done about them. */
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { userInfo } from 'node:os'
import type { DeadLetter } from '../../data/contract.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { RunRow, Store } from '../../store/contract.ts'
import type { ExecutionOptions } from '../execute.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT, usageError } from '../failure.ts'
import { keepDiscards, readLetters } from '../letters.ts'
import type { ChosenLetter } from '../mended.ts'
import type { FoundLetter, LetterFilter } from '../letters.ts'
import { runFolder } from '../project.ts'
import { csvLine } from '../render/csv.ts'
import { deadLetterLines } from '../render/lists.ts'
import { letterLines } from '../render/letter.ts'
import { plural } from '../render/text.ts'
import { selectRun, selectStep } from '../select.ts'
import type { RunChoice } from '../select.ts'
import type { Session } from '../session.ts'
import { sourcesOf } from '../sources.ts'
import { runTitle } from '../view.ts'

/** Which dead letters a command is about. */
export interface LetterOptions extends RunChoice {
  readonly step?: string
  readonly reason?: string
  readonly cause?: DeadLetter['cause']
  readonly discarded?: boolean
}

interface Chosen {
  readonly store: Store
  readonly run: RunRow
  readonly letters: AsyncGenerator<FoundLetter>
}

async function choose(session: Session, options: LetterOptions, filter: LetterFilter = {}): Promise<Chosen> {
  const store = await session.store()
  const run = await selectRun(store, options)
  if (options.step !== undefined) {
    const steps = await store.listSteps(run.runId)
    selectStep(
      options.step,
      steps.map((step) => step.name),
      runTitle(run),
    )
  }
  const letters = readLetters(store, run.runId, runFolder(session.project, run.runId), {
    ...filter,
    ...(options.step === undefined ? {} : { step: options.step }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.cause === undefined ? {} : { cause: options.cause }),
    ...(options.discarded === true ? { withDiscarded: true } : {}),
  })
  return { store, run, letters }
}

/** `batchwright dead-letters list`: `{ total, items: [letter] }` without stacks and raw records. */
export async function list(session: Session, options: LetterOptions & { readonly limit: number }): Promise<void> {
  const { terminal } = session
  const { run, letters } = await choose(session, options)
  const shown: FoundLetter[] = []
  let total = 0
  for await (const found of letters) {
    total += 1
    if (shown.length < options.limit) shown.push(found)
  }
  terminal.printJson({ total, runId: run.runId, items: shown.map(listJson) })
  if (total === 0) {
    terminal.print([`${runTitle(run)} has no such dead letters (run ${run.runId})`])
    return
  }
  const rows = shown.map(({ step, letter, discarded }) => ({
    ...letter,
    step,
    source: relativeTo(session.project.folder, letter.position.source),
    record: letter.position.record,
    discarded: discarded !== null,
  }))
  terminal.print(deadLetterLines(rows, total, terminal))
}

/** Paths inside the project are shown from its folder. */
function relativeTo(folder: string, source: string): string {
  return source.startsWith(`${folder}/`) ? source.slice(folder.length + 1) : source
}

function listJson({ step, partition, letter, discarded }: FoundLetter): Record<string, JsonValue> {
  const { id, cause, reason, message, position } = letter
  return {
    id,
    step,
    partition,
    cause,
    reason,
    message,
    source: position.source,
    window: position.windowKey,
    record: position.record,
    offset: position.offset,
    discarded: discarded === null ? null : { at: discarded.at, by: discarded.by, why: discarded.why },
  }
}

function wholeJson(found: FoundLetter): Record<string, JsonValue> {
  const { stack, raw } = found.letter
  return { ...listJson(found), stack, raw }
}

/** `batchwright dead-letters show ID`: one, whole. */
export async function show(session: Session, id: string, options: RunChoice): Promise<void> {
  const { run, found } = await oneLetter(session, id, options)
  const { terminal, project } = session
  terminal.printJson(wholeJson(found))
  terminal.print(
    letterLines(found, {
      ...terminal,
      projectFolder: project.folder,
      source: sourcesOf(run.artifactPath),
      runId: run.runId,
    }),
  )
}

/** The letter whose id begins so. Throws DEAD_LETTER_UNKNOWN, DEAD_LETTER_AMBIGUOUS. */
export async function oneLetter(
  session: Session,
  id: string,
  options: RunChoice,
): Promise<{ readonly run: RunRow; readonly found: FoundLetter }> {
  const { run, letters } = await choose(session, { ...options, discarded: true })
  const found: FoundLetter[] = []
  for await (const each of letters) if (each.letter.id.startsWith(id)) found.push(each)
  const [only] = found
  if (only === undefined) throw unknownLetters(run, [id])
  if (found.length > 1) {
    throw usageError({
      code: 'DEAD_LETTER_AMBIGUOUS',
      message: `${JSON.stringify(id)} is the beginning of ${found.length} dead letters' ids`,
      hint: 'type more of the id',
      details: { given: id, ids: found.slice(0, 20).map((each) => each.letter.id) },
    })
  }
  return { run, found: only }
}

function unknownLetters(run: RunRow, ids: readonly string[]): Error {
  return usageError({
    code: 'DEAD_LETTER_UNKNOWN',
    message: `${runTitle(run)} has no dead letter ${ids.map((id) => JSON.stringify(id)).join(', ')} (run ${run.runId})`,
    hint: `\`batchwright dead-letters list ${run.runId}\` lists them; --run names another run`,
    details: { runId: run.runId, ids: [...ids] },
  })
}

/** The letters named by ids, or all that the filter lets through. Refuses to take all without being told so. */
async function collect(
  session: Session,
  ids: readonly string[],
  options: LetterOptions,
): Promise<{ readonly store: Store; readonly run: RunRow; readonly letters: readonly FoundLetter[] }> {
  const filtered = [options.step, options.reason, options.cause].some((each) => each !== undefined)
  if (ids.length === 0 && !filtered) {
    throw usageError({
      code: 'USAGE',
      message: 'which dead letters? neither ids nor a filter are given',
      hint: 'name ids, or choose with --reason, --cause or --step',
    })
  }
  const { store, run, letters } = await choose(session, options, ids.length === 0 ? {} : { ids: new Set(ids) })
  const found: FoundLetter[] = []
  for await (const each of letters) found.push(each)
  const missing = ids.filter((id) => !found.some((each) => each.letter.id === id))
  if (missing.length > 0) throw unknownLetters(run, missing)
  return { store, run, letters: found }
}

export interface DiscardOptions extends LetterOptions {
  readonly why: string
}

/** `batchwright dead-letters discard`: `{ runId, discarded }`. They stay in the run's files and counts, and leave the list. */
export async function discard(session: Session, ids: readonly string[], options: DiscardOptions): Promise<void> {
  const { run, letters } = await collect(session, ids, options)
  const at = new Date(session.clock.now()).toISOString()
  const by = userInfo().username
  const discards = letters.map(({ letter }) => ({ id: letter.id, at, by, why: options.why }))
  if (discards.length > 0) await keepDiscards(runFolder(session.project, run.runId), discards)
  session.terminal.printJson({ runId: run.runId, discarded: discards.length })
  session.terminal.print([`${plural(discards.length, 'dead letter')} of ${runTitle(run)} discarded`])
}

export interface ExportOptions extends LetterOptions {
  readonly format: 'jsonl' | 'csv'
  readonly output?: string
}

const CSV_COLUMNS = ['id', 'step', 'cause', 'reason', 'message', 'source', 'window', 'record', 'offset', 'raw']

/** `batchwright dead-letters export`: with `--json`, `{ runId, exported, output }`, and --output is needed. */
export async function exportLetters(session: Session, options: ExportOptions): Promise<void> {
  const { terminal } = session
  if (terminal.json && options.output === undefined) {
    throw usageError({
      code: 'USAGE',
      message: '--json puts one object on stdout, and so does the export itself',
      hint: 'add --output FILE, or leave --json out',
    })
  }
  const { run, letters } = await choose(session, options)
  const target: Writable = options.output === undefined ? process.stdout : createWriteStream(options.output)
  let exported = 0
  if (options.format === 'csv') await put(target, csvLine(CSV_COLUMNS))
  for await (const found of letters) {
    exported += 1
    await put(target, options.format === 'csv' ? csvRow(found) : JSON.stringify({ ...found.letter, step: found.step }))
  }
  if (options.output !== undefined) {
    target.end()
    await once(target, 'close')
  }
  terminal.printJson({ runId: run.runId, exported, output: options.output ?? null })
  if (options.output === undefined) return
  terminal.print([
    `${plural(exported, 'dead letter')} written to ${options.output}`,
    ...(exported > 0 && options.format === 'jsonl'
      ? [`mend what stands in "raw", then: batchwright dead-letters replay --run ${run.runId} --file ${options.output}`]
      : []),
  ])
}

function csvRow({ step, letter }: FoundLetter): string {
  const { id, cause, reason, message, position, raw } = letter
  const { source, windowKey, record, offset } = position
  return csvLine([
    id,
    step,
    cause,
    reason,
    message,
    source,
    windowKey ?? '',
    String(record),
    offset === null ? '' : String(offset),
    raw,
  ])
}

/** Writes a line, at the reader's pace. */
async function put(target: Writable, line: string): Promise<void> {
  if (!target.write(`${line}\n`)) await once(target, 'drain')
}

export interface ReplayOptions extends LetterOptions, ExecutionOptions {
  readonly file?: string
}

/** `batchwright dead-letters replay`: a revision that keeps what succeeded and works through these records once more. */
export async function replay(session: Session, ids: readonly string[], options: ReplayOptions): Promise<ExitCode> {
  const { replayBase, startReplay } = await import('../replay.ts')
  const store = await session.store()
  const base = await replayBase(store, await selectRun(store, options))
  const ofBase: LetterOptions = { ...options, run: base.run.runId, window: undefined }
  const letters =
    options.file === undefined
      ? (await collect(session, ids, ofBase)).letters.map((found) => ({ ...found, mended: null }))
      : await fromFile(session, ids, options.file, ofBase, base.run)
  if (letters.length > 0) return startReplay(session, { store, base, letters }, options)
  session.terminal.printJson({ runId: base.run.runId, replayed: 0 })
  session.terminal.print(['no such dead letters: nothing to replay'])
  return EXIT.succeeded
}

/**
 * Letters of an edited export: their ids say which are meant, the file says what they now hold. Those that an earlier
 * replay has taken in are left out, so that one export can be mended and replayed until nothing is left of it.
 */
async function fromFile(
  session: Session,
  ids: readonly string[],
  file: string,
  options: LetterOptions,
  run: RunRow,
): Promise<readonly ChosenLetter[]> {
  if (ids.length > 0)
    throw usageError({ code: 'USAGE', message: '--file and ids are given', hint: 'give one of the two' })
  const { chooseLetter, lineage, readExport } = await import('../mended.ts')
  const edited = await readExport(file)
  const { letters: all } = await choose(session, { ...options, discarded: true }, { ids: new Set(edited.keys()) })
  const found: FoundLetter[] = []
  for await (const each of all) found.push(each)
  const known = new Set(found.map(({ letter }) => letter.id))
  const replayed = new Set<string>()
  const store = await session.store()
  for await (const each of lineage(store, run)) for (const id of each.replay?.deadLetters ?? []) replayed.add(id)
  const missing = [...edited.keys()].filter((id) => !known.has(id))
  const unknown = missing.filter((id) => !replayed.has(id))
  if (unknown.length > 0 && options.step === undefined && options.reason === undefined && options.cause === undefined)
    throw unknownLetters(run, unknown)
  const left = found.filter((each) => each.discarded === null)
  const notes = [
    ...(missing.length > unknown.length
      ? [
          `${plural(missing.length - unknown.length, 'letter')} of ${file} left out: replayed before, and not dead any more`,
        ]
      : []),
    ...(left.length < found.length
      ? [`${plural(found.length - left.length, 'letter')} of ${file} left out: discarded`]
      : []),
  ]
  if (notes.length > 0) session.terminal.note(notes)
  return left.map((each) => chooseLetter(each, edited.get(each.letter.id)))
}
