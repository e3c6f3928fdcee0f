import { join } from 'node:path'
import { canonicalJson, sha256 } from '../kernel/digest.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { Assignment, BatchAssignment, Folders, Snapshot, StepOutput } from '../protocol/index.ts'
import type { ClaimedTask, StepRow, Store } from '../store/index.ts'
import type { DescribeStep, StepFacts } from './facts.ts'
import { intendPublication } from './publishing.ts'

export interface AssemblyOptions {
  readonly store: Pick<Store, 'listSteps' | 'listSnapshots' | 'stepOutput' | 'intendPublication'>
  readonly describe: DescribeStep
  /** Absolute paths. */
  readonly folders: { readonly project: string; readonly state: string }
}

/**
 * Everything that an attempt needs to know, gathered from the store: what it reads, what an earlier plan found, the totals
 * to verify, what is to be published. Null where the lease no longer held.
 */
export async function assemble(
  task: ClaimedTask,
  facts: StepFacts,
  options: AssemblyOptions,
): Promise<Assignment | null> {
  const { store } = options
  const base = {
    ref: { taskId: task.taskId, fence: task.fence, attempt: task.attemptsUsed + 1 },
    run: task.run,
    step: task.step,
    folders: foldersOf(task.run.runId, options.folders),
    artifact: { codeVersion: task.codeVersion, path: task.artifactPath },
    timeoutMs: facts.timeoutMs,
  }
  switch (task.kind) {
    case 'partition':
      return {
        ...base,
        kind: 'partition',
        partition: partitionOf(task),
        checkpoint: task.checkpoint,
        ...(task.replay?.step === task.step ? { mended: task.replay.file } : {}),
      }
    case 'plan': {
      const steps = await store.listSteps(task.run.runId)
      const snapshots = await store.listSnapshots(task.run.runId)
      const lineage = lineageOf(steps, snapshots, task.step)
      return {
        ...base,
        kind: 'plan',
        upstream: await upstreamOf(store, steps, stepRow(steps, task).after),
        expected: snapshots.find((planned) => planned.step === task.step)?.snapshot ?? null,
        ...(lineage === null ? {} : { lineage }),
      }
    }
    case 'verify': {
      const steps = await store.listSteps(task.run.runId)
      const own = stepRow(steps, task)
      return {
        ...base,
        kind: 'verify',
        // Nobody wants a million outputs in one message that say nothing.
        output:
          facts.leavesParts === false
            ? { step: task.step, tasks: [] }
            : await store.stepOutput(task.run.runId, task.step),
        snapshot: own.plan?.snapshot ?? null,
        totals: { counters: own.counters, controls: own.controls },
        upstream: steps
          .filter((step) => own.after.includes(step.name))
          .map((step) => ({ step: step.name, controls: step.controls, counters: step.counters })),
      }
    }
    case 'publish': {
      const publication = await intendPublication(task, options)
      if (publication === null) return null
      return {
        ...base,
        kind: 'publish',
        intents: publication.intents,
        outputs: await outputsOf(store, task.run.runId, publication.steps),
        inputs: await store.listSnapshots(task.run.runId),
      }
    }
  }
}

/** The assignment of several partitions of one step and run, to be worked through in one slot. */
export function assembleBatch(
  tasks: readonly [ClaimedTask, ...ClaimedTask[]],
  facts: StepFacts,
  options: Pick<AssemblyOptions, 'folders'>,
): BatchAssignment {
  const [first] = tasks
  return {
    kind: 'batch',
    run: first.run,
    step: first.step,
    folders: foldersOf(first.run.runId, options.folders),
    artifact: { codeVersion: first.codeVersion, path: first.artifactPath },
    timeoutMs: facts.timeoutMs,
    ...(first.replay?.step === first.step ? { mended: first.replay.file } : {}),
    tasks: tasks.map((task) => ({
      ref: { taskId: task.taskId, fence: task.fence, attempt: task.attemptsUsed + 1 },
      partition: partitionOf(task),
      checkpoint: task.checkpoint,
    })),
  }
}

/** The folders of a run, by the fixed layout. */
export function foldersOf(runId: string, folders: { readonly project: string; readonly state: string }): Folders {
  return { ...folders, run: join(folders.state, 'runs', runId) }
}

/** What planning reads of the steps before it. Of a function step with items there is nothing to be read. */
function upstreamOf(
  store: Pick<Store, 'stepOutput'>,
  steps: readonly StepRow[],
  after: readonly string[],
): Promise<readonly StepOutput[]> {
  return Promise.all(
    after.map(async (name) => {
      const step = steps.find((row) => row.name === name)
      if (step === undefined || (step.kind === 'function' && step.tasks !== 1)) return { step: name, tasks: [] }
      return await store.stepOutput(step.runId, name)
    }),
  )
}

function outputsOf(
  store: Pick<Store, 'stepOutput'>,
  runId: string,
  steps: readonly string[],
): Promise<readonly StepOutput[]> {
  return Promise.all(steps.map((step) => store.stepOutput(runId, step)))
}

/** Digest of what the steps before this one were planned on; null where none of them reads a snapshot. */
function lineageOf(
  steps: readonly StepRow[],
  snapshots: readonly { readonly step: string; readonly snapshot: Snapshot }[],
  name: string,
): string | null {
  const before = new Set<string>()
  // Steps stand in order of dependency: from the last to the first, each has been named by its readers.
  for (const step of steps.toReversed()) {
    if (step.name === name || before.has(step.name)) for (const other of step.after) before.add(other)
  }
  const read = snapshots.filter(({ step }) => before.has(step))
  return read.length === 0 ? null : sha256(canonicalJson(read.map(({ step, snapshot }) => [step, snapshot.digest])))
}

function partitionOf(task: ClaimedTask): NonNullable<ClaimedTask['partition']> {
  if (task.partition !== null) return task.partition
  throw broken(task, 'a partition task without a partition')
}

function stepRow(steps: readonly StepRow[], task: ClaimedTask): StepRow {
  const row = steps.find((step) => step.name === task.step)
  if (row === undefined) throw broken(task, `a task of step '${task.step}', which the run does not have`)
  return row
}

function broken(task: ClaimedTask, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_INCONSISTENT',
    message: `task ${String(task.taskId)} of run ${task.run.runId}: found ${found}`,
    details: { taskId: task.taskId, runId: task.run.runId },
  })
}
