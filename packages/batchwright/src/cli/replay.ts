/** Replays dead letters: makes the revision that stands on a run and works through some of its records once more. */
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { newRun } from '../engine/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { DeadLetterReplay, RunRow, Store } from '../store/contract.ts'
import { decideAdoption } from './adoption.ts'
import { reopenWithCurrentCode, requireSamePlans } from './code.ts'
import { conclude, outcomeJson, pausedError, printResult } from './commands/run.ts'
import { loadJob } from './definitions.ts'
import type { LoadedJob } from './definitions.ts'
import { execute } from './execute.ts'
import type { ExecutionOptions } from './execute.ts'
import type { ExitCode } from './failure.ts'
import { usageError } from './failure.ts'
import { DISCARDED_FILE } from './letters.ts'
import { keepMended } from './mended.ts'
import type { ChosenLetter } from './mended.ts'
import { runFolder } from './project.ts'
import { joinFleet } from './fleet/about.ts'
import { requester } from './requester.ts'
import type { Session } from './session.ts'
import { runTitle } from './view.ts'

/** The run whose letters are meant, and the revision that replays letters of it and has not ended well; null for none. */
export interface ReplayBase {
  readonly run: RunRow
  readonly begun: RunRow | null
}

/**
 * Letters are replayed on top of the newest revision that has succeeded: on an older one, what the newer ones brought would
 * be lost. A replay that was begun stands for the run that it replays. Throws RUN_NOT_REPLAYABLE, RUN_SUPERSEDED.
 */
export async function replayBase(store: Store, selected: RunRow): Promise<ReplayBase> {
  const { items } = await store.listRuns({ job: selected.job, identity: selected.identity, limit: 1000 })
  const ofRun = selected.state !== 'succeeded' && selected.replay !== null ? selected.replay.ofRunId : selected.runId
  const run = items.find((each) => each.runId === ofRun) ?? selected
  if (run.state !== 'succeeded') throw notReplayable(run)
  const newer = items.filter((each) => each.revision > run.revision)
  const current = newer.find((each) => each.state === 'succeeded')
  if (current !== undefined) throw superseded(run, current)
  const begun = newer.find((each) => each.replay?.ofRunId === run.runId) ?? null
  const underWay = newer.find((each) => each.endedAt === null && each.runId !== begun?.runId)
  if (underWay !== undefined) throw superseded(run, underWay)
  return { run, begun }
}

/** Makes the revision, or goes on with it where it was begun, and works on it to its end. The letters must be of one step. */
export async function startReplay(
  session: Session,
  chosen: { readonly store: Store; readonly base: ReplayBase; readonly letters: readonly ChosenLetter[] },
  options: ExecutionOptions,
): Promise<ExitCode> {
  const { store, base, letters } = chosen
  const step = onlyStep(letters)
  const job = await loadJob(session.project, base.run.job)
  const file = await keepMended(store, base.run, runFolder(session.project, base.run.runId), step, letters)
  const wanted = { step, file, deadLetters: letters.map(({ letter }) => letter.id).toSorted() }
  const begun = await goOn(session, store, base, job, wanted)
  const run = begun ?? (await beginReplay(session, { ...chosen, ...wanted, job }))
  const result = await conclude(store, await execute(session, run, options), begun === null ? 'ran' : 'resumed')
  session.terminal.printJson(outcomeJson(result))
  await printResult(session, result, `batchwright retry ${run.runId}`)
  return result.code
}

type Wanted = Pick<DeadLetterReplay, 'step' | 'file' | 'deadLetters'>

/** The replay that was begun, opened again, where it is of the same letters with the same text; null where there is none. */
async function goOn(
  session: Session,
  store: Store,
  { begun }: ReplayBase,
  job: LoadedJob,
  wanted: Wanted,
): Promise<RunRow | null> {
  if (begun?.replay === undefined || begun.replay === null) return null
  const { step, file, deadLetters } = begun.replay
  const same = step === wanted.step && file === wanted.file && deadLetters.join() === wanted.deadLetters.join()
  if (!same) {
    if (begun.endedAt === null) throw otherUnderWay(begun)
    return null
  }
  if (begun.paused) throw pausedError(begun)
  session.terminal.note([`${runTitle(begun)} was begun before: going on from its checkpoints (run ${begun.runId})`])
  return begun.endedAt === null ? begun : reopenWithCurrentCode(store, begun, job, {})
}

async function beginReplay(
  session: Session,
  replay: Wanted & {
    readonly store: Store
    readonly base: ReplayBase
    readonly letters: readonly ChosenLetter[]
    readonly job: LoadedJob
  },
): Promise<RunRow> {
  const { store, job, step, file, deadLetters } = replay
  const { run } = replay.base
  await requireSamePlans(store, run, job)
  await joinFleet(session, store, job.artifact)
  const from = runFolder(session.project, run.runId)
  const adoption = await decideAdoption({
    project: session.project,
    store,
    run,
    job: job.definition,
    step,
    partitions: new Set(replay.letters.map(({ partition }) => partition)),
    hasPlan: existsSync(planFolder(from, step)),
  })
  // The same identity as the run that is replayed: its parameters hold the defaults by now, so it is not computed again.
  const { identity, seed, parameters, logicalTime } = run
  const made = {
    ...newRun(
      job.definition,
      {
        ...(run.window === null ? {} : { window: run.window.key }),
        parameters,
        artifact: job.artifact,
        requestedBy: requester(),
        revision: 'next',
        replay: { ofRunId: run.runId, step, file, deadLetters, ...adoption },
      },
      session,
    ),
    identity,
    seed,
    parameters,
    logicalTime,
  }
  await inherit(from, runFolder(session.project, made.runId), adoption.partitions === null ? null : step)
  return (await store.createRun(made)).run
}

/** What lies beside the store and goes over to the new run: the plan of the step, and what was decided about letters. */
async function inherit(from: string, to: string, planned: string | null): Promise<void> {
  await mkdir(to, { recursive: true })
  if (planned !== null) await cp(planFolder(from, planned), planFolder(to, planned), { recursive: true })
  const discarded = path.join(from, DISCARDED_FILE)
  if (existsSync(discarded)) await copyFile(discarded, path.join(to, DISCARDED_FILE))
}

function planFolder(folder: string, step: string): string {
  return path.join(folder, step, 'plan')
}

function onlyStep(letters: readonly ChosenLetter[]): string {
  const steps = [...new Set(letters.map((found) => found.step))]
  const [only, other] = steps
  if (only !== undefined && other === undefined) return only
  throw usageError({
    code: 'USAGE',
    message: `these dead letters are of more than one step: ${steps.join(', ')}`,
    hint: 'choose one with --step; the steps after it run again, so begin with the first',
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

function superseded(run: RunRow, newer: RunRow): BatchwrightError {
  const stands = newer.state === 'succeeded' ? 'has succeeded' : `is ${newer.state}`
  return new BatchwrightError({
    code: 'RUN_SUPERSEDED',
    message: `${runTitle(run)}: a newer revision ${stands} (r${newer.revision}, run ${newer.runId}); a replay on top of run ${run.runId} would lose what that one brought`,
    hint:
      newer.state === 'succeeded'
        ? `replay the letters that it still has: \`batchwright dead-letters list ${newer.runId}\``
        : `let it end first: \`batchwright retry ${newer.runId}\`, or \`batchwright cancel ${newer.runId}\``,
    details: { runId: run.runId, newer: newer.runId },
  })
}

function otherUnderWay(begun: RunRow): BatchwrightError {
  return new BatchwrightError({
    code: 'REPLAY_UNDER_WAY',
    message: `${runTitle(begun)} replays other dead letters, and has not ended (run ${begun.runId})`,
    hint: `\`batchwright retry ${begun.runId}\` goes on with it, \`batchwright cancel ${begun.runId}\` ends it`,
    details: { runId: begun.runId },
  })
}
