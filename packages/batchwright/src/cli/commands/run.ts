/** `run` and `rerun`: one window or a range of them, each to its end. */
import { submitRun } from '../../engine/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { WindowValue } from '../../protocol/index.ts'
import type { RunRow, Store } from '../../store/contract.ts'
import { cleanAfter } from '../clean.ts'
import { reopenWithCurrentCode } from '../code.ts'
import { loadJob } from '../definitions.ts'
import type { LoadedJob } from '../definitions.ts'
import type { Execution, ExecutionOptions } from '../execute.ts'
import { execute } from '../execute.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT } from '../failure.ts'
import { plural } from '../render/text.ts'
import { readParameters, selectWindows } from '../select.ts'
import type { Session } from '../session.ts'
import { runTitle, runViewJson } from '../view.ts'
import { gatherRun, printRun } from './runs.ts'

export interface RunOptions extends ExecutionOptions {
  readonly job: string
  readonly window?: string
  readonly param?: readonly string[]
}

/** What `run` did for one window. */
type Outcome = 'ran' | 'resumed' | 'already-succeeded' | 'interrupted'

/** `batchwright run JOB`: makes the run of each window, or goes on with it, or says that it is done. */
export function run(session: Session, options: RunOptions): Promise<ExitCode> {
  return runWindows(session, options, 'same')
}

/** `batchwright rerun JOB`: makes the next revision of each window's run, on a new snapshot. */
export function rerun(session: Session, options: RunOptions): Promise<ExitCode> {
  return runWindows(session, options, 'next')
}

async function runWindows(session: Session, options: RunOptions, revision: 'same' | 'next'): Promise<ExitCode> {
  const job = await loadJob(session.project, options.job)
  const windows = selectWindows(job.definition, options.window)
  const parameters = readParameters(options.param ?? [])
  const done: JsonValue[] = []
  let code: ExitCode = EXIT.succeeded
  for (const [index, window] of windows.entries()) {
    const result = await runWindow(session, job, { ...options, window, parameters, revision })
    done.push(result.json)
    code = result.code
    if (code === EXIT.succeeded) continue
    const left = windows.length - index - 1
    if (left > 0) session.terminal.note([`${plural(left, 'window')} after it not begun`])
    break
  }
  session.terminal.printJson(isRange(options.window) ? { total: windows.length, items: done } : (done[0] ?? null))
  return code
}

function isRange(window: string | undefined): boolean {
  return window?.includes('..') === true
}

interface WindowRequest extends ExecutionOptions {
  readonly window: WindowValue | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly revision: 'same' | 'next'
}

async function runWindow(
  session: Session,
  job: LoadedJob,
  request: WindowRequest,
): Promise<{ readonly json: JsonValue; readonly code: ExitCode }> {
  const store = await session.store()
  const submitted = await submitRun(
    store,
    job.definition,
    {
      ...(request.window === null ? {} : { window: request.window.key }),
      parameters: request.parameters,
      artifact: job.artifact,
      revision: request.revision,
      requestedBy: 'cli',
    },
    session,
  )
  if (!submitted.created && submitted.run.state === 'succeeded') {
    // The process that ended it may have been killed before it had cleaned up.
    await cleanAfter(session.project, store, submitted.run, job.definition)
    return alreadyDone(session, store, submitted.run)
  }
  const begun = submitted.created ? submitted.run : await takeUp(session, store, submitted.run, job)
  const execution = await execute(session, begun, request)
  return conclude(session, store, execution, submitted.created ? 'ran' : 'resumed')
}

/** Goes on with a run that was begun earlier. */
async function takeUp(session: Session, store: Store, run: RunRow, job: LoadedJob): Promise<RunRow> {
  const { terminal } = session
  if (run.paused) throw pausedError(run)
  if (run.state === 'failed' || run.state === 'cancelled') {
    const reopened = await reopenWithCurrentCode(store, run, job, {})
    terminal.note([`${runTitle(run)} ${run.state} before: going on from its checkpoints (run ${run.runId})`])
    return reopened
  }
  terminal.note([`${runTitle(run)} was begun before: going on from its checkpoints (run ${run.runId})`])
  if (run.codeVersion !== job.artifact.codeVersion) {
    terminal.note([
      `${job.file} has changed since: this run goes on with the code it was begun with; \`rerun\` makes a new one with the new code`,
    ])
  }
  return run
}

export function pausedError(run: RunRow): BatchwrightError {
  return new BatchwrightError({
    code: 'RUN_PAUSED',
    message: `${runTitle(run)} is paused (run ${run.runId})`,
    hint: `\`batchwright resume ${run.runId}\` goes on`,
    details: { runId: run.runId },
  })
}

async function alreadyDone(
  session: Session,
  store: Store,
  run: RunRow,
): Promise<{ readonly json: JsonValue; readonly code: ExitCode }> {
  session.terminal.print([
    `${runTitle(run)} has succeeded already (run ${run.runId}); nothing to do. \`rerun\` makes it anew on a new snapshot.`,
  ])
  return { json: outcomeJson(await gatherRun(store, run), 'already-succeeded'), code: EXIT.succeeded }
}

/** Tells how a run stands after this process has worked on it. */
export async function conclude(
  session: Session,
  store: Store,
  execution: Execution,
  outcome: Outcome,
): Promise<{ readonly json: JsonValue; readonly code: ExitCode }> {
  const { run, interrupted } = execution
  const view = await gatherRun(store, run)
  printRun(session, view)
  if (interrupted) session.terminal.note(howToGoOn(run))
  else if (run.endedAt === null && run.paused)
    session.terminal.note([`paused; \`batchwright resume ${run.runId}\` goes on`])
  const code = interrupted ? EXIT.interrupted : run.state === 'succeeded' || run.paused ? EXIT.succeeded : EXIT.failed
  return { json: outcomeJson(view, interrupted ? 'interrupted' : outcome), code }
}

function howToGoOn(run: RunRow): readonly string[] {
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  return [
    '',
    `interrupted; everything up to the last checkpoint is kept. To go on: batchwright run ${run.job}${window}`,
  ]
}

function outcomeJson(view: Awaited<ReturnType<typeof gatherRun>>, outcome: Outcome): JsonValue {
  return { outcome, ...runViewJson(view) }
}
