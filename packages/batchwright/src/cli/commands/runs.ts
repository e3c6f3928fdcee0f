/** `runs`, `show`, `logs`: what has run, and how it went. */
import type { JsonValue } from '../../kernel/errors.ts'
import { readRunLog } from '../../observe/index.ts'
import type { LogFilter, RunLogLine } from '../../observe/index.ts'
import type { RunRow, RunState, Store } from '../../store/index.ts'
import { runFolder } from '../project.ts'
import { logLines, runLines } from '../render/lists.ts'
import type { SlowPartition } from '../render/live.ts'
import { summaryLines, titleLines } from '../render/summary.ts'
import { failureLines } from '../failure.ts'
import { isoOrNull } from '../render/text.ts'
import { gatherFacts } from '../run-facts.ts'
import { selectRun, selectStep } from '../select.ts'
import type { RunChoice } from '../select.ts'
import type { Session } from '../session.ts'
import { sourcesOf } from '../sources.ts'
import type { RunView } from '../view.ts'
import { runJson, runTitle, runView, runViewJson } from '../view.ts'

export interface RunsOptions {
  readonly job?: string
  readonly state?: RunState
  readonly window?: string
  readonly limit: number
}

/** `batchwright runs`: `{ total, items: [run] }`. */
export async function runs(session: Session, options: RunsOptions): Promise<void> {
  const { terminal } = session
  const store = await session.store()
  const page = await store.listRuns({
    limit: options.limit,
    ...(options.job === undefined ? {} : { job: options.job }),
    ...(options.state === undefined ? {} : { states: [options.state] }),
    ...(options.window === undefined ? {} : { windowKey: options.window }),
  })
  terminal.printJson({ total: page.total, items: page.items.map(runJson) })
  if (page.total === 0) terminal.print(['no such runs'])
  else terminal.print(runLines(page.items, page.total, { ...terminal, now: session.clock.now() }))
}

/** Everything that is shown of one run. */
export async function gatherRun(store: Store, run: RunRow): Promise<RunView> {
  const [steps, publications] = await Promise.all([
    store.listSteps(run.runId),
    store.listPublications({ runId: run.runId }),
  ])
  return runView(run, steps, publications)
}

/** The end of a run as text: its title, the cause where it failed, and its summary. */
export async function printRun(session: Session, view: RunView, slow: readonly SlowPartition[] = []): Promise<void> {
  const { terminal } = session
  if (terminal.json) return
  const style = { ...terminal, now: session.clock.now() }
  terminal.print(titleLines(view, style))
  printFailure(session, view)
  terminal.print(summaryLines(view, await gatherFacts(session, view, slow), style))
}

/** Why a run failed; nothing where it did not. */
export function printFailure(session: Session, view: RunView): void {
  const { terminal } = session
  const { failure } = view.run
  if (failure === null) return
  const place = failure.index === null ? failure.step : `${failure.step}, partition ${failure.index}`
  terminal.note([
    '',
    ...failureLines(
      { ...failure, message: `${place}: ${failure.message}` },
      {
        paint: terminal.paintNotes,
        width: terminal.liveWidth,
        verbose: terminal.verbose,
        projectFolder: session.project.folder,
        source: sourcesOf(view.run.artifactPath),
      },
    ),
  ])
}

/** `batchwright show RUN`: the run with its steps and what it published. */
export async function show(session: Session, choice: RunChoice): Promise<void> {
  const store = await session.store()
  const view = await gatherRun(store, await selectRun(store, choice))
  session.terminal.printJson(runViewJson(view))
  await printRun(session, view)
}

export interface LogsOptions extends RunChoice {
  readonly step?: string
  readonly level?: RunLogLine['level']
  readonly limit?: number
}

/** `batchwright logs RUN`: `{ total, items: [line] }`, oldest first. */
export async function logs(session: Session, options: LogsOptions): Promise<void> {
  const { terminal } = session
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
  const filter: LogFilter = {
    ...(options.step === undefined ? {} : { step: options.step }),
    ...(options.level === undefined ? {} : { level: options.level }),
    ...(options.limit === undefined ? {} : { last: options.limit }),
  }
  const log = await readRunLog(runFolder(session.project, run.runId), filter)
  terminal.printJson({ total: log.total, items: log.items.map(logLineJson) })
  if (log.total === 0) terminal.note(['no such log lines'])
  else terminal.print(logLines(log.items, terminal))
}

function logLineJson(line: RunLogLine): JsonValue {
  const { level, step, index, attempt, message } = line
  return { at: isoOrNull(line.at), level, step, index, attempt, message, fields: line.fields ?? {} }
}
