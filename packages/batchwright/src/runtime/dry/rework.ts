/** Steps worked through again for what they hand on: the real loop, in a scratch folder, nothing published, nothing kept. */
import path from 'node:path'
import { readHandedOn, replaceHandedOn, writePlanFile } from '../../data/index.ts'
import { insideKey, shuffleKey } from '../../job/index.ts'
import type { DatasetDefinition, JobDefinition, RecordsStep, ReduceStep, StepDefinition } from '../../job/index.ts'
import { sha256 } from '../../kernel/digest.ts'
import { abortReason } from '../../kernel/clock.ts'
import { BatchwrightError, type ErrorReport } from '../../kernel/errors.ts'
import type { ArtifactRef, Folders, Part, PartitionPlan, RunContext, TaskOutput } from '../../protocol/index.ts'
import { runAttempt } from '../attempt.ts'
import type { SlotHost } from '../host.ts'
import { bucketOf, bucketPiece } from '../reduce/plan-reduce.ts'
import { AttemptStopped } from '../stop.ts'

/** A step that reads the records of another one. */
export type ReadingStep = RecordsStep | ReduceStep

export interface ReworkRequest {
  readonly job: JobDefinition
  readonly artifact: ArtifactRef
  readonly run: RunContext
  readonly step: string
  readonly partition: PartitionPlan
  /** `run`: a scratch folder, with the plan files that the partition names. */
  readonly folders: Folders
  /** Folder that stands in for those of all datasets, absolute. */
  readonly datasets: string
  /** Absolute path of mended dead letters that stand in for the source's text; null for none. */
  readonly mended: string | null
  readonly host: SlotHost
  /** Aborted to stop at once. */
  readonly signal: AbortSignal
}

/** How it ended: with what the task leaves, or with what failed it. */
export type Reworked =
  { readonly kind: 'finished'; readonly output: TaskOutput } | { readonly kind: 'failed'; readonly error: ErrorReport }

/**
 * Works through one partition as a run does, with limits, retries and checks of what is written; its datasets are staged in
 * the scratch folder and go with it. Services are opened as in a run. Throws the signal's reason where it was aborted.
 */
export async function reworkPartition(request: ReworkRequest): Promise<Reworked> {
  const { host, signal, step, partition, folders, artifact, run, mended } = request
  const job = withinScratch(request.job, request.datasets)
  const stop = new AbortController()
  const onAbort = (): void => {
    stop.abort(new AttemptStopped('cancelled'))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    const end = await runAttempt(
      {
        kind: 'partition',
        ref: { taskId: 0, fence: 1, attempt: 1 },
        run,
        step,
        folders,
        artifact,
        timeoutMs: null,
        partition,
        checkpoint: null,
        ...(mended === null ? {} : { mended }),
      },
      {
        signal: stop.signal,
        checkpoint: () => Promise.resolve(),
        partitions: () => Promise.resolve(),
        ask: () => Promise.reject(new TypeError('nothing is asked of the fleet while records are made again')),
        tell: () => undefined,
        progress: () => undefined,
        log: () => undefined,
      },
      { ...host, job: () => Promise.resolve(job) },
    )
    if (signal.aborted) throw abortReason(signal)
    if (end.kind === 'finished' || end.kind === 'failed') return end
    throw new TypeError(`expected an attempt at a partition to finish or to fail, found ${end.kind}`)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** The job with every dataset that it writes in a scratch folder. */
function withinScratch(job: JobDefinition, folder: string): JobDefinition {
  const moved = <Output extends { readonly dataset: DatasetDefinition }>(output: Output): Output => ({
    ...output,
    dataset: {
      ...output.dataset,
      location: { kind: 'published', folder: path.join(folder, sha256(output.dataset.name).slice(0, 16)) },
    },
  })
  const step = (each: StepDefinition): StepDefinition => ({
    ...unsent(each),
    output: each.output === null ? null : moved(each.output),
    named: new Map(
      [...each.named].map(([name, one]) => [name, { ...one, output: one.output === null ? null : moved(one.output) }]),
    ),
    files: new Map([...each.files].map(([name, one]) => [name, moved(one)])),
  })
  return { ...job, steps: job.steps.map(step) }
}

/** A step that sends nothing: what it hands on inside the run is wanted, not what it does outside. */
function unsent(step: StepDefinition): StepDefinition {
  return step.kind === 'records' ? { ...step, target: null } : step
}

/** Key under which tasks of the step before hand records on to a step. */
export function handedOnKey({ kind, name, input }: ReadingStep): string {
  return kind === 'reduce' ? shuffleKey(name) : insideKey(input.from === 'step' ? input.output : null)
}

/** A task of the step before, as the store has it. */
interface TaskBefore {
  readonly index: number
  readonly output: TaskOutput
}

/** The tasks of the step before whose records a partition read, in order. Throws PLAN_DAMAGED, PARTITION_UNKNOWN. */
export async function tasksBehind(
  step: ReadingStep,
  { payload }: PartitionPlan,
  before: readonly TaskBefore[],
  runFolder: string,
): Promise<readonly TaskBefore[]> {
  if (step.kind === 'reduce') {
    const bucket = bucketOf(payload)
    return before.filter(({ output }) => piecesOf(output.outputs[handedOnKey(step)] ?? [], bucket).length > 0)
  }
  const handed = await readHandedOn(payload, runFolder)
  if (handed === null || handed.source !== sourceOf(step)) throw readsOther(step, handed?.source ?? 'files')
  const wanted = new Set(handed.tasks.map(({ task }) => task))
  return before.filter(({ index }) => wanted.has(index))
}

/** The partition on what its tasks before have left now; its list is a plan file in the scratch folder. */
export async function onNewParts(
  step: ReadingStep,
  partition: PartitionPlan,
  before: ReadonlyMap<number, TaskOutput>,
  runFolder: string,
): Promise<PartitionPlan> {
  const partsOf = (task: number): readonly Part[] => before.get(task)?.outputs[handedOnKey(step)] ?? []
  if (step.kind === 'records') {
    const payload = await replaceHandedOn(partition.payload, { step: step.name, runFolder, partsOf })
    return { ...partition, payload }
  }
  const bucket = bucketOf(partition.payload)
  const tasks = [...before.keys()].sort((a, b) => a - b)
  const piece = Buffer.from(JSON.stringify(tasks.flatMap((task) => piecesOf(partsOf(task), bucket))))
  const file = await writePlanFile(runFolder, step.name, 'buckets', [piece])
  return { ...partition, payload: bucketPiece({ bucket, path: file, offset: 0, piece }) }
}

/** Parts with the blocks of one bucket; those that have none are left out. */
function piecesOf(parts: readonly Part[], bucket: number): readonly Part[] {
  return parts.flatMap((part) => {
    const blocks = (part.blocks ?? []).filter((block) => block.bucket === bucket)
    return blocks.length === 0 ? [] : [{ ...part, blocks }]
  })
}

function sourceOf({ input }: RecordsStep): string {
  if (input.from === 'dataset') return 'files'
  return input.output === null ? input.step : `${input.step}.${input.output}`
}

function readsOther(step: RecordsStep, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'DEBUG_NOT_POSSIBLE',
    message: `step ${step.name} reads ${sourceOf(step)} in this code, in the run it read ${found}`,
    hint: 'Leave --code current out: the code of the run knows what it read.',
    details: { step: step.name, reads: sourceOf(step), read: found },
  })
}
