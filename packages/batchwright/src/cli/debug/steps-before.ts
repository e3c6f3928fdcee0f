/**
 * What a task was handed by the step before it, where that is not kept any more: the steps before are worked through again in
 * a scratch folder, from the run's own snapshot, as far as the task needs them. The store and what is published stay as they are.
 */
import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import path from 'node:path'
import { isThere } from '../../data/index.ts'
import { comparePlans } from '../../engine/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ErrorReport } from '../../kernel/errors.ts'
import type { Folders, PartitionPlan, TaskOutput } from '../../protocol/index.ts'
import {
  findStep,
  handedOnKey,
  onNewParts,
  reworkPartition,
  stepFingerprint,
  tasksBehind,
} from '../../runtime/index.ts'
import type { ReadingStep } from '../../runtime/index.ts'
import type { RunRow, TaskRow } from '../../store/index.ts'
import { usageError } from '../failure.ts'
import { partitionTasks } from '../letters.ts'
import { lastReplayOf, lineage } from '../mended.ts'
import { runFolder } from '../project.ts'
import { isGone, partitionOf, placeOf } from './replayed-task.ts'
import type { ReplayedTask } from './replayed-task.ts'
import type { Scene } from './scene.ts'

/** A step that was worked through again for what it handed on. */
export interface StepBefore {
  readonly step: string
  /** Indexes of the partitions that were needed. */
  readonly partitions: readonly number[]
  /** Records that they read in the run. */
  readonly records: number
  /** Records that they hand on now, and did in the run. */
  readonly handedOn: number
  readonly handedOnThen: number
}

/** Where the records of a task are. */
export interface TaskInput {
  readonly partition: PartitionPlan
  readonly folders: Folders
  /** In the order in which they were worked through; none where the records were still there. */
  readonly before: readonly StepBefore[]
}

/** A step that has to work again, and the one that it does so for. */
interface Again {
  readonly step: ReadingStep
  /** Its tasks whose records are not there any more. */
  readonly tasks: readonly TaskRow[]
  readonly reader: ReadingStep
  /** What the reader was handed in the run: by these tasks, and by those whose records are still there. */
  readonly handed: ReadonlyMap<number, TaskOutput>
}

/**
 * The input of a task; where its records are gone, they are made again first. Throws DEBUG_NEEDS_SERVICES, DEBUG_NOT_POSSIBLE,
 * DEBUG_STEP_BEFORE_FAILED, DEBUG_INPUT_GONE, and the errors of plan files that are not there.
 */
export async function inputOf(scene: Scene, step: ReadingStep, replayed: ReplayedTask): Promise<TaskInput> {
  const { folders } = scene
  const partition = partitionOf(replayed.task)
  const scratch = { ...folders, state: scene.scratch, run: path.join(scene.scratch, 'run') }
  const again = await stepsAgain(scene, step, replayed, scratch.run)
  if (again.length === 0) return { partition, folders, before: [] }
  await refuseWhatCannotBe(scene, replayed, again)
  const before: StepBefore[] = []
  let made: ReadonlyMap<number, TaskOutput> = new Map()
  for (const [place, each] of [...again.entries()].reverse()) {
    scene.tell(announcement(each, replayed.run))
    const onNew = place + 1 < again.length ? made : null
    made = await workThrough(scene, each, { replayed, scratch, onNew })
    before.push(summed(each, made))
  }
  return { partition: await onNewParts(step, partition, made, scratch.run), folders: scratch, before }
}

/** From the step just before the task back to the first that has to work again; their plan files are in the scratch folder then. */
async function stepsAgain(
  scene: Scene,
  step: ReadingStep,
  replayed: ReplayedTask,
  scratchRun: string,
): Promise<readonly Again[]> {
  const { store, run } = replayed
  const again: Again[] = []
  let reader = step
  let partitions = [partitionOf(replayed.task)]
  for (;;) {
    await bringPlans(scene, replayed, reader.name, scratchRun)
    const { input } = reader
    if (input.from === 'dataset') return again
    const { tasks } = await store.stepOutput(run.runId, input.step)
    const handed = new Map<number, TaskOutput>()
    for (const partition of partitions) {
      for (const { index, output } of await tasksBehind(reader, partition, tasks, scratchRun)) handed.set(index, output)
    }
    const gone = await goneTasks(reader, handed)
    if (gone.size === 0) return again
    const rows: TaskRow[] = []
    for await (const task of partitionTasks(store, run.runId, input.step))
      if (gone.has(task.index ?? 0)) rows.push(task)
    const before = findStep(scene.job, input.step)
    if (before.kind !== 'records' && before.kind !== 'reduce') throw noRecords(before.name, before.kind, replayed)
    again.push({ step: before, tasks: rows, reader, handed })
    reader = before
    partitions = rows.map(partitionOf)
  }
}

/** Plans stay with a run when its records go. What a run took over from another was planned there. */
async function bringPlans({ project }: Scene, { store, run }: ReplayedTask, step: string, to: string): Promise<void> {
  for await (const { runId } of lineage(store, run)) {
    const plans = path.join(runFolder(project, runId), step, 'plan')
    if (existsSync(plans)) await cp(plans, path.join(to, step, 'plan'), { recursive: true })
  }
}

async function goneTasks(reader: ReadingStep, handed: ReadonlyMap<number, TaskOutput>): Promise<ReadonlySet<number>> {
  const gone = new Set<number>()
  for (const [index, { outputs }] of handed) {
    for (const part of outputs[handedOnKey(reader)] ?? []) if (!(await isThere(part))) gone.add(index)
  }
  return gone
}

/** What the reader is handed now: by the tasks that worked again, and by the others as it was. */
async function workThrough(
  scene: Scene,
  { step, tasks, handed }: Again,
  {
    replayed,
    scratch,
    onNew,
  }: {
    readonly replayed: ReplayedTask
    readonly scratch: Folders
    /** What the step itself is handed now; null where that is as it was. */
    readonly onNew: ReadonlyMap<number, TaskOutput> | null
  },
): Promise<ReadonlyMap<number, TaskOutput>> {
  const { job, artifact, host, signal } = scene
  const mended = (await lastReplayOf(replayed.store, replayed.run, step.name))?.file ?? null
  const made = new Map(handed)
  for (const task of tasks) {
    const planned = partitionOf(task)
    const partition = onNew === null ? planned : await onNewParts(step, planned, onNew, scratch.run)
    const end = await reworkPartition({
      job,
      artifact,
      run: scene.context.run,
      step: step.name,
      partition,
      folders: scratch,
      datasets: path.join(scene.scratch, 'datasets'),
      mended,
      host,
      signal,
    })
    if (end.kind === 'failed') throw failed(end.error, task, replayed)
    made.set(planned.index, end.output)
  }
  return made
}

function summed({ step, tasks, reader, handed }: Again, made: ReadonlyMap<number, TaskOutput>): StepBefore {
  const partitions = tasks.map((task) => partitionOf(task).index)
  const handedBy = (outputs: ReadonlyMap<number, TaskOutput>): number =>
    partitions
      .flatMap((index) => outputs.get(index)?.outputs[handedOnKey(reader)] ?? [])
      .reduce((sum, { records }) => sum + records, 0)
  return {
    step: step.name,
    partitions,
    records: recordsRead(tasks),
    handedOn: handedBy(made),
    handedOnThen: handedBy(handed),
  }
}

function recordsRead(tasks: readonly TaskRow[]): number {
  return tasks.reduce((sum, { output }) => sum + (output?.counters.read ?? 0), 0)
}

function announcement({ step, tasks }: Again, run: RunRow): StepAnnouncement {
  return {
    step: step.name,
    partitions: tasks.length,
    records: recordsRead(tasks),
    succeeded: run.state === 'succeeded',
  }
}

/** Said before a step is worked through again. */
export interface StepAnnouncement {
  readonly step: string
  readonly partitions: number
  readonly records: number
  /** Whether the run has succeeded, which is why the records went. */
  readonly succeeded: boolean
}

// ---------------------------------------------------------------- what cannot be

/** Before anything is worked through: services that are off, and current code that cuts or keeps records otherwise. */
async function refuseWhatCannotBe(scene: Scene, replayed: ReplayedTask, again: readonly Again[]): Promise<void> {
  for (const { step } of again) {
    const [service] = step.services.values()
    if (service !== undefined && !scene.services) throw needsServices(step.name, service.name, replayed)
  }
  if (scene.code === 'pinned') return
  const names = new Set(again.map(({ step }) => step.name))
  const differences = comparePlans(await replayed.store.listSteps(replayed.run.runId), scene.job, stepFingerprint)
  const [first] = differences.filter(({ step }) => names.has(step))
  if (first !== undefined) throw plannedOtherwise(first.step, first.difference, replayed)
}

function needsServices(step: string, service: string, replayed: ReplayedTask): Error {
  const place = placeOf(replayed)
  return usageError({
    code: 'DEBUG_NEEDS_SERVICES',
    message: `what step ${step} handed to ${place} is not kept any more, and to make it again takes the service ${service}: services are off while debugging, like sinks`,
    hint: `add --services to open it for real: what it does outside happens again, for all records that step ${step} handed on`,
    details: { step, service, task: place },
  })
}

function plannedOtherwise(step: string, difference: string, replayed: ReplayedTask): Error {
  return usageError({
    code: 'DEBUG_NOT_POSSIBLE',
    message: `what step ${step} handed to ${placeOf(replayed)} is not kept any more, and the current code plans that step otherwise: ${difference}`,
    hint: 'leave --code current out: the code of the run makes the same records again',
    details: { step, difference },
  })
}

function noRecords(step: string, kind: string, replayed: ReplayedTask): Error {
  return usageError({
    code: 'DEBUG_NOT_POSSIBLE',
    message: `what step ${step} handed to ${placeOf(replayed)} is not kept any more, and a ${kind} step hands no records on in this code`,
    hint: 'leave --code current out: the code of the run knows the step',
    details: { step, kind },
  })
}

function failed(error: ErrorReport, task: TaskRow, replayed: ReplayedTask): BatchwrightError {
  const place = placeOf({ ...replayed, task })
  const wanted = placeOf(replayed)
  const cause = Object.assign(new Error(error.message), { code: error.code })
  if (isGone(cause)) {
    return new BatchwrightError({
      code: 'DEBUG_INPUT_GONE',
      message: `what step ${task.step} handed to ${wanted} is not kept any more, and cannot be made again: ${error.message}`,
      hint: `bring the files back as run ${replayed.run.runId} read them; dead letters keep their text: \`batchwright dead-letters debug ID --run ${replayed.run.runId}\``,
      details: { ...error.details, runId: replayed.run.runId, step: replayed.task.step, upstream: task.step },
      cause,
    })
  }
  return new BatchwrightError({
    code: 'DEBUG_STEP_BEFORE_FAILED',
    message: `${place}, which ${wanted} reads, fails as it is worked through again: ${error.message}`,
    hint: `look at it by itself: \`batchwright debug ${place}\``,
    details: { runId: replayed.run.runId, step: task.step, partition: task.index ?? 0, code: error.code },
    cause,
  })
}
