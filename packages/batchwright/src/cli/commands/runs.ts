/** `runs`, and what other commands show of a run: what has run, and how it went. */
import type { RunRow, RunState, Store } from '../../store/index.ts'
import { runLines } from '../render/lists.ts'
import type { SlowPartition } from '../render/live.ts'
import { summaryLines, titleLines } from '../render/summary.ts'
import { runFailureLines } from '../run-failure.ts'
import type { Session } from '../session.ts'
import type { RunView } from '../view.ts'
import { runJson, runView } from '../view.ts'

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

/** The end of a run as text: its title, the cause where it failed, and its summary, with sections about its `times`. */
export async function printRun(
  session: Session,
  view: RunView,
  slow: readonly SlowPartition[] = [],
  times: readonly string[] = [],
): Promise<void> {
  const { terminal } = session
  if (terminal.json) return
  // What it reads artifacts and manifests with is most of the package: a list of runs needs none of it.
  const { gatherFacts } = await import('../run-facts.ts')
  const style = { ...terminal, now: session.clock.now() }
  terminal.print(titleLines(view, style))
  printFailure(session, view)
  terminal.print(summaryLines(view, { ...(await gatherFacts(session, view, slow)), times }, style))
}

/** Why a run failed; nothing where it did not. */
export function printFailure(session: Session, view: RunView): void {
  const { terminal } = session
  const lines = runFailureLines(view.run, {
    paint: terminal.paintNotes,
    width: terminal.liveWidth,
    verbose: terminal.verbose,
    projectFolder: session.project.folder,
  })
  if (lines.length > 0) terminal.note(['', ...lines])
}
