/** Replays dead letters: writes the chosen ones as a file of the run, and makes the revision that works through it. */
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { DeadLetter } from '../data/contract.ts'
import { newRun } from '../engine/index.ts'
import { sha256 } from '../kernel/digest.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { RunRow, Store } from '../store/contract.ts'
import { requireSamePlans } from './code.ts'
import { conclude, outcomeJson, printResult } from './commands/run.ts'
import { loadJob } from './definitions.ts'
import { execute } from './execute.ts'
import type { ExecutionOptions } from './execute.ts'
import type { ExitCode } from './failure.ts'
import { usageError } from './failure.ts'
import { decodeLetter } from './letters.ts'
import type { FoundLetter } from './letters.ts'
import { runFolder } from './project.ts'
import type { Session } from './session.ts'
import { runTitle } from './view.ts'

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
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    if (line.trim() === '') continue
    const letter = decodeLetter(line, file)
    letters.set(letter.id, letter)
  }
  return letters
}

/** Makes the revision and works on it to its end. All letters must be of one step: each step's readers are run again once. */
export async function startReplay(
  session: Session,
  chosen: { readonly store: Store; readonly run: RunRow; readonly letters: readonly FoundLetter[] },
  options: ExecutionOptions,
): Promise<ExitCode> {
  const { store, run, letters } = chosen
  if (store.adoptsReplayed !== true) throw cannotAdopt(run)
  if (run.state !== 'succeeded') throw notReplayable(run)
  const step = onlyStep(letters)
  const job = await loadJob(session.project, run.job)
  await requireSamePlans(store, run, job)
  const file = await keepLetters(runFolder(session.project, run.runId), letters)
  const request = {
    ...(run.window === null ? {} : { window: run.window.key }),
    parameters: run.parameters,
    artifact: job.artifact,
    requestedBy: 'cli',
    revision: 'next' as const,
    replay: { ofRunId: run.runId, step, file, deadLetters: letters.map(({ letter }) => letter.id) },
  }
  // The same identity as the run that is replayed: its parameters hold the defaults by now, so it is not computed again.
  const { identity, seed, parameters, logicalTime } = run
  const made = await store.createRun({
    ...newRun(job.definition, request, session),
    identity,
    seed,
    parameters,
    logicalTime,
  })
  const result = await conclude(store, await execute(session, made.run, options), 'ran')
  session.terminal.printJson(outcomeJson(result))
  printResult(session, result)
  return result.code
}

/** Without adoption the revision would publish the replayed records alone, in place of all the others. */
function cannotAdopt(run: RunRow): BatchwrightError {
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  return new BatchwrightError({
    code: 'REPLAY_UNAVAILABLE',
    message: `this store cannot yet take over what ${runTitle(run)} has made, so its dead letters cannot be replayed alone`,
    hint: `mend the rule or the data, and make the window anew: \`batchwright rerun ${run.job}${window}\``,
    details: { runId: run.runId },
  })
}

function onlyStep(letters: readonly FoundLetter[]): string {
  const steps = [...new Set(letters.map((found) => found.step))]
  const [only, other] = steps
  if (only !== undefined && other === undefined) return only
  throw usageError({
    code: 'USAGE',
    message: `these dead letters are of more than one step: ${steps.join(', ')}`,
    hint: 'choose one with --step',
    details: { steps },
  })
}

function notReplayable(run: RunRow): BatchwrightError {
  return new BatchwrightError({
    code: 'RUN_NOT_REPLAYABLE',
    message: `${runTitle(run)} is ${run.state}: dead letters are replayed on top of what succeeded (run ${run.runId})`,
    hint: `let it succeed first: \`batchwright run ${run.job}${run.window === null ? '' : ` --window ${run.window.key}`}\``,
    details: { runId: run.runId, state: run.state },
  })
}

/** Named by its content, so that the same replay asked twice has one file. On disk when it resolves. */
async function keepLetters(folder: string, letters: readonly FoundLetter[]): Promise<string> {
  const text = letters.map(({ letter }) => `${JSON.stringify(letter)}\n`).join('')
  const target = path.join(folder, 'replays')
  await mkdir(target, { recursive: true })
  const file = path.join(target, `dead-${sha256(text).slice(0, 16)}.jsonl`)
  const handle = await open(file, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return file
}
