/** `run` and `rerun`: one window or a range of them, each to its end. */
import { submitRun } from '../../engine/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { WindowValue } from '../../protocol/index.ts'
import type { RunRow, Store } from '../../store/contract.ts'
import { calledAs } from '../called.ts'
import { cleanAfter } from '../clean.ts'
import { reopenWithCurrentCode } from '../code.ts'
import { loadJob } from '../definitions.ts'
import type { LoadedJob } from '../definitions.ts'
import type { Execution, ExecutionOptions } from '../execute.ts'
import { execute } from '../execute.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT } from '../failure.ts'
import type { SlowPartition } from '../render/live.ts'
import { rangeLines, rangeTitle } from '../render/range.ts'
import { displayWidth, wrap } from '../render/text.ts'
import { gatherFacts } from '../run-facts.ts'
import { joinFleet } from '../fleet/about.ts'
import { requester } from '../requester.ts'
import { readParameters, selectWindows } from '../select.ts'
import type { Session } from '../session.ts'
import type { RunView } from '../view.ts'
import { runTitle, runViewJson } from '../view.ts'
import type { WatchOptions } from '../watch.ts'
import { gatherRun, printFailure, printRun } from './runs.ts'

export interface RunOptions extends ExecutionOptions {
  readonly job: string
  readonly window?: string
  readonly param?: readonly string[]
  readonly tenant?: string
  readonly priority?: number
}

/** What `run` did for one window. */
type Outcome = 'ran' | 'resumed' | 'already-succeeded' | 'interrupted' | 'detached'

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
  const range = isRange(options.window)
  const results: WindowResult[] = []
  const began = session.clock.monotonic()
  for (const window of windows) {
    const done = results.length
    const worked = results.filter((result) => result.outcome !== 'already-succeeded').length
    const progress = { job: job.definition.name, done, windows: windows.length }
    const leftMs = timeLeft(windows.length - done, worked, session.clock.monotonic() - began)
    const request = { ...options, window, parameters, revision }
    const result = await runWindow(session, job, range ? { ...request, range: { ...progress, leftMs } } : request)
    results.push(result)
    // On a terminal the block says how far the range is, and the table at its end what became of each window.
    if (range && session.terminal.liveHeight === null) session.terminal.note([briefLine(result)])
    if (result.view.run.state !== 'succeeded') break
  }
  const last = results.at(-1)
  if (last === undefined) return EXIT.succeeded
  if (range) await printRange(session, job, windows.length, results, againCommand(session, options))
  else {
    session.terminal.printJson(outcomeJson(last))
    await printResult(session, last, againCommand(session, options))
  }
  return last.code
}

/** How long the rest of a range takes, if each window takes as long as those that were worked on so far. */
function timeLeft(windows: number, worked: number, tookMs: number): (elapsedMs: number) => number | null {
  return (elapsedMs) => (worked === 0 ? null : Math.max(0, (windows * tookMs) / worked - elapsedMs))
}

/** What became of one window. */
export interface WindowResult {
  readonly view: RunView
  /** Partitions that took much longer than their siblings. */
  readonly slow: readonly SlowPartition[]
  readonly outcome: Outcome
  readonly code: ExitCode
}

async function printRange(
  session: Session,
  job: LoadedJob,
  windows: number,
  results: readonly WindowResult[],
  again: string,
): Promise<void> {
  const { terminal, clock } = session
  terminal.printJson({ total: windows, items: results.map(outcomeJson) })
  const last = results.at(-1)
  if (last === undefined || terminal.json) return
  const runs = results.map(({ view, outcome }) => ({ view, earlier: outcome === 'already-succeeded' }))
  const range = { job: job.definition.name, windows, runs }
  const style = { ...terminal, now: clock.now() }
  terminal.print(rangeTitle(range, style))
  printFailure(session, last.view)
  terminal.print(rangeLines(range, await gatherFacts(session, last.view), style))
  if (last.outcome === 'interrupted') terminal.note(howToGoOn(session, again))
}

function briefLine({ view, outcome }: WindowResult): string {
  const title = runTitle(view.run)
  if (outcome === 'already-succeeded') return `${title}  has succeeded already`
  return `${title}  ${view.run.state}`
}

function isRange(window: string | undefined): boolean {
  return window?.includes('..') === true
}

interface WindowRequest extends ExecutionOptions {
  readonly window: WindowValue | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly revision: 'same' | 'next'
  readonly range?: WatchOptions['range']
  readonly tenant?: string
  readonly priority?: number
}

async function runWindow(session: Session, job: LoadedJob, request: WindowRequest): Promise<WindowResult> {
  const store = await session.store()
  await joinFleet(session, store, job.artifact)
  const submitted = await submitRun(
    store,
    job.definition,
    {
      ...(request.window === null ? {} : { window: request.window.key }),
      parameters: request.parameters,
      artifact: job.artifact,
      revision: request.revision,
      requestedBy: requester(),
      ...(request.tenant === undefined ? {} : { tenant: request.tenant }),
      ...(request.priority === undefined ? {} : { priority: request.priority }),
    },
    session,
  )
  if (!submitted.created && submitted.run.state === 'succeeded') {
    // The process that ended it may have been killed before it had cleaned up.
    await cleanAfter({ project: session.project, store, run: submitted.run, job: job.definition }, (lines) => {
      session.terminal.note(lines)
    })
    const view = await gatherRun(store, submitted.run)
    return { view, slow: [], outcome: 'already-succeeded', code: EXIT.succeeded }
  }
  const begun = submitted.created ? submitted.run : await takeUp(session, store, submitted.run, job)
  const execution = await execute(session, begun, request, request.range)
  return conclude(store, execution, submitted.created ? 'ran' : 'resumed')
}

/** Goes on with a run that was begun earlier. */
async function takeUp(session: Session, store: Store, run: RunRow, job: LoadedJob): Promise<RunRow> {
  if (run.paused) throw pausedError(run)
  if (run.state === 'failed' || run.state === 'cancelled') {
    const reopened = await reopenWithCurrentCode(store, run, job, {})
    tell(session, `${runTitle(run)} ${run.state} before: going on from its checkpoints (run ${run.runId})`)
    return reopened
  }
  tell(session, `${runTitle(run)} was begun before: going on from its checkpoints (run ${run.runId})`)
  if (run.codeVersion !== job.artifact.codeVersion) {
    tell(
      session,
      `${job.file} has changed since: this run goes on with the code it was begun with; \`rerun\` makes a new one with the new code`,
    )
  }
  return run
}

/** A sentence on the way, in lines that fit. */
function tell({ terminal }: Session, sentence: string): void {
  terminal.note(wrap(sentence, terminal.liveWidth))
}

export function pausedError(run: RunRow): BatchwrightError {
  return new BatchwrightError({
    code: 'RUN_PAUSED',
    message: `${runTitle(run)} is paused (run ${run.runId})`,
    hint: `\`batchwright resume ${run.runId}\` goes on`,
    details: { runId: run.runId },
  })
}

/** How a run stands after this process has worked on it. */
export async function conclude(store: Store, execution: Execution, outcome: Outcome): Promise<WindowResult> {
  const { run, interrupted, detached, slow } = execution
  const view = await gatherRun(store, run)
  if (detached) return { view, slow, outcome: 'detached', code: interrupted ? EXIT.interrupted : EXIT.succeeded }
  if (interrupted) return { view, slow, outcome: 'interrupted', code: EXIT.interrupted }
  const fine = run.state === 'succeeded' || (run.paused && run.endedAt === null)
  return { view, slow, outcome, code: fine ? EXIT.succeeded : EXIT.failed }
}

/** The end of one run, as text. */
export async function printResult(
  session: Session,
  { view, outcome, slow }: WindowResult,
  again?: string,
): Promise<void> {
  const { terminal } = session
  const { run } = view
  if (outcome === 'already-succeeded') {
    const title = runTitle(run)
    const nothing = `nothing to do. \`rerun\` makes it anew on a new snapshot.`
    terminal.print(wrap(`${title} has succeeded already (run ${run.runId}); ${nothing}`, terminal.width))
    return
  }
  if (outcome === 'detached') {
    terminal.print(leftLines(session, run, again))
    return
  }
  await printRun(session, view, slow)
  if (outcome === 'interrupted')
    terminal.note(howToGoOn(session, again ?? `${calledAs(session.environment)} retry ${run.runId}`))
  else if (run.endedAt === null && run.paused) tell(session, `paused; \`batchwright resume ${run.runId}\` goes on`)
}

/** A run that workers elsewhere go on with. */
function leftLines({ terminal, environment }: Session, run: RunRow, again: string | undefined): readonly string[] {
  const called = calledAs(environment)
  return [
    ...wrap(`${runTitle(run)} goes on without this command (run ${run.runId})`, terminal.width),
    `  ${again ?? `${called} resume ${run.runId}`}    looks on again`,
    `  ${called} show ${run.runId}    shows it`,
    `  ${called} cancel ${run.runId}    ends it`,
  ]
}

function howToGoOn({ terminal }: Session, command: string): readonly string[] {
  const kept = 'interrupted; everything up to the last checkpoint is kept. To go on:'
  // On a line of its own where it does not fit, so that it can be copied.
  const beside = displayWidth(`${kept} ${command}`) <= terminal.liveWidth
  return ['', ...(beside ? [`${kept} ${command}`] : [...wrap(kept, terminal.liveWidth), `  ${command}`])]
}

/** The command that goes on: the same again; after a `rerun`, which would make one more revision, \`run\`. */
function againCommand({ environment }: Session, { job, window, param, tenant, priority }: RunOptions): string {
  const parts = [`${calledAs(environment)} run ${job}`, ...(window === undefined ? [] : [`--window ${window}`])]
  if (tenant !== undefined) parts.push(`--tenant ${tenant}`)
  if (priority !== undefined) parts.push(`--priority ${priority}`)
  return [...parts, ...(param ?? []).map((pair) => `--param ${quoted(pair)}`)].join(' ')
}

/** As a shell needs it. */
function quoted(text: string): string {
  return /^[\w=.,:/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** A run with what was done for it, as \`run --json\` prints it. */
export function outcomeJson({ view, outcome }: WindowResult): JsonValue {
  return { outcome, ...runViewJson(view) }
}
