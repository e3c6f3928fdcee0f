/** `RUN`, `RUN/STEP`, `RUN/STEP/3`: which run, step or task a word on the command line means. */
import type { TaskKind } from '../protocol/index.ts'
import type { RunRow, StepRow, Store } from '../store/contract.ts'
import { usageError } from './failure.ts'
import { plural } from './render/text.ts'
import { selectRun, selectStep } from './select.ts'
import { nearest } from './suggest.ts'
import { runTitle } from './view.ts'

/** A task by its place: a partition, or the one plan, verify or publish task of a step. */
export interface TaskPlace {
  readonly kind: TaskKind
  /** Partition index; null for the others. */
  readonly index: number | null
}

export interface Place {
  readonly run: RunRow
  /** Null where the whole run is meant. */
  readonly step: StepRow | null
  /** Null where the whole step is meant. */
  readonly task: TaskPlace | null
}

const OTHER_TASKS = ['plan', 'verify', 'publish'] as const

/**
 * Reads `RUN`, `RUN/STEP`, `RUN/STEP/PARTITION` (a number from 0) or `RUN/STEP/plan|verify|publish`. RUN is whatever
 * `selectRun` knows: `latest`, a job's name, the beginning of an id. STEP may be the beginning of one step's name. Throws RUN_UNKNOWN, RUN_AMBIGUOUS, STEP_UNKNOWN,
 * TASK_UNKNOWN.
 */
export async function selectPlace(store: Store, given: string): Promise<Place> {
  const [runText = '', stepText, taskText, ...rest] = given.split('/')
  if (rest.length > 0) throw unknownTask(given, 'a task is named RUN/STEP/PARTITION', 'for example latest/rate/0')
  const run = await selectRun(store, { run: runText })
  if (stepText === undefined) return { run, step: null, task: null }
  const steps = await store.listSteps(run.runId)
  const names = steps.map((step) => step.name)
  const name = selectStep(onlyBeginning(stepText, names) ?? stepText, names, runTitle(run))
  const step = steps.find((candidate) => candidate.name === name) ?? null
  if (taskText === undefined || step === null) return { run, step, task: null }
  return { run, step, task: taskOf(run, step, taskText) }
}

/** The one name that begins so; null where there are several, or none. */
function onlyBeginning(given: string, names: readonly string[]): string | null {
  const [only, another] = names.filter((name) => name.startsWith(given))
  if (given === '' || names.includes(given) || another !== undefined) return null
  return only ?? null
}

function taskOf(run: RunRow, step: StepRow, given: string): TaskPlace {
  const kind = OTHER_TASKS.find((known) => known === given)
  if (kind !== undefined) return { kind, index: null }
  if (/^\d+$/.test(given)) {
    const index = Number(given)
    if (index < step.tasks) return { kind: 'partition', index }
    const range =
      step.tasks === 0 ? 'it has none yet' : `it has ${plural(step.tasks, 'partition')}, from 0 to ${step.tasks - 1}`
    throw unknownTask(
      given,
      `step ${JSON.stringify(step.name)} of ${runTitle(run)} has no partition ${given}: ${range}`,
      `\`batchwright explain ${run.runId}/${step.name}\` tells of all of them`,
    )
  }
  const near = nearest(given, OTHER_TASKS)
  throw unknownTask(
    given,
    `${JSON.stringify(given)} names no task of step ${JSON.stringify(step.name)}: expected the number of a partition, or ${OTHER_TASKS.join(', ')}`,
    near === null ? `for example ${run.runId}/${step.name}/0` : `did you mean ${run.runId}/${step.name}/${near}?`,
  )
}

function unknownTask(given: string, message: string, hint: string): Error {
  return usageError({ code: 'TASK_UNKNOWN', message, hint, details: { given } })
}
