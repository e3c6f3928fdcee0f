/** `show`: one run, how it went, and where its time went. */
import { pictureColumns, timelineLines } from '../render/timeline.ts'
import type { RunChoice } from '../select.ts'
import { selectRun, selectStep } from '../select.ts'
import type { Session } from '../session.ts'
import { criticalPath } from '../times/critical-path.ts'
import { gatherTimes } from '../times/gather.ts'
import { timesJson } from '../times/json.ts'
import { whereTime } from '../times/where.ts'
import { runTitle, runViewJson } from '../view.ts'
import { gatherRun, printRun } from './runs.ts'

export interface ShowOptions extends RunChoice {
  /** Draw partitions too: the longest so many. */
  readonly tasks?: number | true
  readonly step?: string
}

const TASKS_DRAWN = 20
const LONGEST_LISTED = 5

/** `batchwright show RUN`: the run with its steps, what it published, `timeline`, `criticalPath`, `time` and `longest`. */
export async function show(session: Session, options: ShowOptions): Promise<void> {
  const { terminal } = session
  const store = await session.store()
  const view = await gatherRun(store, await selectRun(store, options))
  const names = view.steps.map(({ name }) => name)
  if (options.step !== undefined) selectStep(options.step, names, runTitle(view.run))
  const drawn = options.tasks === true ? TASKS_DRAWN : options.tasks
  const times = await gatherTimes(store, {
    run: view.run,
    steps: view.steps,
    buckets: pictureColumns(terminal.width, names),
    longest: drawn ?? LONGEST_LISTED,
    ...(options.step === undefined ? {} : { step: options.step }),
  })
  const [path, where] = [criticalPath(times), whereTime(times)]
  terminal.printJson({ ...runViewJson(view), ...timesJson(times, path, where) })
  const sections = timelineLines({ times, path, where, tasks: drawn !== undefined }, terminal)
  await printRun(session, view, [], sections)
}
