/** Finds the task that is meant: a partition of a step of a run. */
import type { RunRow, Store, TaskRow } from '../store/index.ts'
import { usageError } from './failure.ts'
import { partitionTasks } from './letters.ts'
import { plural } from './render/text.ts'
import { selectRun } from './select.ts'
import { suggestion } from './suggest.ts'
import { runTitle } from './view.ts'

/** A partition of a step of a run, found. */
export interface ChosenTask {
  readonly run: RunRow
  readonly task: TaskRow & { readonly partition: NonNullable<TaskRow['partition']> }
}

/** `RUN/STEP/PARTITION` in its parts. */
interface TaskName {
  readonly run: string | undefined
  readonly step: string
  readonly partition: number | null
}

/**
 * The task that `RUN/STEP/PARTITION` names. `RUN` is what a run is named by everywhere (`latest` where it is left out, or
 * `--run`); `STEP` may be the beginning of one step's name; `/PARTITION` may be left out where the step has one partition.
 * Throws TASK_INVALID, RUN_UNKNOWN, STEP_UNKNOWN, TASK_UNKNOWN, usage errors all.
 */
export async function selectTask(store: Store, given: string, ofRun: string | undefined): Promise<ChosenTask> {
  const name = readName(given, ofRun)
  const run = await selectRun(store, { run: name.run })
  const steps = (await store.listSteps(run.runId)).map((step) => step.name)
  const step = stepOf(name.step, steps, run)
  const tasks: TaskRow[] = []
  for await (const task of partitionTasks(store, run.runId, step)) tasks.push(task)
  const task = partitionOf(tasks, name, step, run)
  const { partition } = task
  if (partition === null) throw noPartition(run, step, name.partition ?? 0, tasks)
  return { run, task: { ...task, partition } }
}

function readName(given: string, ofRun: string | undefined): TaskName {
  const parts = given.split('/')
  const words = ofRun === undefined ? parts : [ofRun, ...parts]
  const last = words.at(-1)
  const partition = last !== undefined && /^\d+$/.test(last) && words.length > 1 ? Number(last) : null
  const rest = partition === null ? words : words.slice(0, -1)
  const [first, second, ...more] = rest
  if (first === undefined || more.length > 0 || rest.includes('')) throw invalid(given)
  return second === undefined ? { run: undefined, step: first, partition } : { run: first, step: second, partition }
}

function invalid(given: string): Error {
  return usageError({
    code: 'TASK_INVALID',
    message: `expected a task as RUN/STEP/PARTITION, found ${JSON.stringify(given)}`,
    hint: 'for example latest/clean/0, or clean/0 of the latest run; `batchwright show` lists the steps',
    details: { given },
  })
}

function stepOf(given: string, steps: readonly string[], run: RunRow): string {
  if (steps.includes(given)) return given
  const [only, another] = steps.filter((step) => step.startsWith(given))
  if (only !== undefined && another === undefined) return only
  throw usageError({
    code: 'STEP_UNKNOWN',
    message:
      another === undefined
        ? `${runTitle(run)} has no step ${JSON.stringify(given)}`
        : `${JSON.stringify(given)} is the beginning of more than one step of ${runTitle(run)}`,
    hint: suggestion(given, steps, `batchwright show ${run.runId}`),
    details: { given, steps },
  })
}

function partitionOf(tasks: readonly TaskRow[], { partition }: TaskName, step: string, run: RunRow): TaskRow {
  const [first] = tasks
  const found = partition === null ? first : tasks.find((task) => task.index === partition)
  if (found !== undefined && (partition !== null || tasks.length === 1)) return found
  throw noPartition(run, step, partition, tasks)
}

function noPartition(run: RunRow, step: string, partition: number | null, tasks: readonly TaskRow[]): Error {
  const [first] = tasks
  const example = `${run.runId}/${step}/${String(first?.index ?? 0)}`
  const planned = tasks.length === 0 ? 'it has not been planned' : `it has ${plural(tasks.length, 'partition')}`
  return usageError({
    code: 'TASK_UNKNOWN',
    message:
      partition === null
        ? `which partition of step ${step}? ${planned}`
        : `step ${step} of ${runTitle(run)} has no partition ${String(partition)}: ${planned}, numbered from 0`,
    hint: tasks.length === 0 ? `\`batchwright show ${run.runId}\` shows how far the run got` : `for example ${example}`,
    details: { runId: run.runId, step, partition, partitions: tasks.length },
  })
}
