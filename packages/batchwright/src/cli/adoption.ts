/**
 * What a replay of dead letters takes over, and what has to run again: decided by which parts are still there. Nothing is
 * taken over whose output a later step or the publication would miss.
 */
import { datasetFolder, isThere, partPaths, readManifest, restoreStaged } from '../data/index.ts'
import type { Manifest } from '../data/index.ts'
import { datasetKey, datasetsWritten, insideKey, shuffleKey } from '../job/index.ts'
import type { JobDefinition, StepDefinition, StepInput } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { Part, StepOutput } from '../protocol/index.ts'
import type { DeadLetterReplay, RunRow, Store } from '../store/contract.ts'
import { partitionTasks } from './letters.ts'
import { lastReplayOf, lineage } from './mended.ts'
import type { Project } from './project.ts'
import { runTitle } from './view.ts'

export interface AdoptionRequest {
  readonly project: Project
  readonly store: Store
  readonly run: RunRow
  readonly job: JobDefinition
  /** The step whose letters are replayed. */
  readonly step: string
  /** Indexes of the partitions that hold them. */
  readonly partitions: ReadonlySet<number>
  /** Whether the plan files of the step are still there. */
  readonly hasPlan: boolean
}

export type Adoption = Pick<DeadLetterReplay, 'partitions' | 'adopted'>

/**
 * Takes over all that neither is nor reads the step, and of the step the partitions without chosen letters. Where parts are
 * gone, what made them runs again: single partitions of the step itself; another step whole, with all that depends on it.
 * Parts of published datasets are brought back from there first. Throws REPLAY_PARTS_MISSING.
 */
export async function decideAdoption(request: AdoptionRequest): Promise<Adoption> {
  const { store, run, job, step: name } = request
  const outputs = new Map<string, StepOutput>()
  for (const step of job.steps) outputs.set(step.name, await store.stepOutput(run.runId, step.name))
  await bringBack(request, outputs)
  const again = dependants(job, name)
  if (!request.hasPlan) again.add(name)
  for (let lost = await lostStep(job, name, again, outputs); lost !== null;) {
    if ((await lastReplayOf(store, run, lost)) !== null) throw partsMissing(run, lost)
    again.add(lost)
    for (const dependant of dependants(job, lost)) again.add(dependant)
    lost = await lostStep(job, name, again, outputs)
  }
  const adopted = job.steps.map((step) => step.name).filter((each) => each !== name && !again.has(each))
  if (again.has(name)) return { partitions: null, adopted }
  return { partitions: await partitionsAgain(request, outputs.get(name)), adopted }
}

/** The partitions of the step that run again: those of the letters, and those whose output is gone. */
async function partitionsAgain(
  { store, run, job, step: name, partitions }: AdoptionRequest,
  output: StepOutput | undefined,
): Promise<readonly number[]> {
  const step = job.steps.find((each) => each.name === name)
  // A mended record may have another key, and belong to any partition.
  const everywhere = step?.kind === 'records' && step.partition.by === 'keyHash'
  const pieces = await piecesOf(store, run.runId, name)
  const again: number[] = []
  for (const task of output?.tasks ?? []) {
    const needed = [...Object.values(task.output.outputs).flat(), ...task.output.deadLetters]
    const all = [task.index, ...(pieces.get(task.index) ?? [])]
    if (everywhere || all.some((index) => partitions.has(index)) || !(await allThere(needed))) again.push(...all)
  }
  return again
}

/** The pieces that were cut off partitions while they ran, by the index of the partition: they run again with it. */
async function piecesOf(store: Store, runId: string, step: string): Promise<ReadonlyMap<number, readonly number[]>> {
  const pieces = new Map<number, number[]>()
  for await (const { index, origin } of partitionTasks(store, runId, step)) {
    if (origin === undefined || index === null) continue
    const known = pieces.get(origin)
    if (known === undefined) pieces.set(origin, [index])
    else known.push(index)
  }
  return pieces
}

/** A step that is taken over and has lost parts that a step which runs again reads; null where there is none. */
async function lostStep(
  job: JobDefinition,
  replayed: string,
  again: ReadonlySet<string>,
  outputs: ReadonlyMap<string, StepOutput>,
): Promise<string | null> {
  for (const step of job.steps) {
    if (step.name !== replayed && !again.has(step.name)) continue
    for (const { from, output } of readsOf(step)) {
      // Partitions of the replayed step are looked at one by one.
      if (from === replayed || again.has(from)) continue
      const parts = (outputs.get(from)?.tasks ?? []).flatMap((task) => task.output.outputs[output] ?? [])
      if (!(await allThere(parts))) return from
    }
  }
  return null
}

/** Which output of which step a step reads. */
function readsOf(step: StepDefinition): readonly { readonly from: string; readonly output: string }[] {
  const of = (input: StepInput, keyOf: (output: string | null) => string): { from: string; output: string }[] =>
    input.from === 'step' ? [{ from: input.step, output: keyOf(input.output) }] : []
  switch (step.kind) {
    case 'records':
      return of(step.input, insideKey)
    case 'reduce':
      return of(step.input, () => shuffleKey(step.name))
    case 'sql':
      return [...step.tables.values()].flatMap((input) => of(input, datasetKey))
    case 'function':
      return []
  }
}

/** Names of the steps that depend on a step, itself left out. */
function dependants(job: JobDefinition, name: string): Set<string> {
  const names = new Set<string>()
  for (const step of job.steps) {
    if (step.after.some((before) => before === name || names.has(before))) names.add(step.name)
  }
  return names
}

async function allThere(parts: readonly Part[]): Promise<boolean> {
  for (const part of parts) if (!(await isThere(part))) return false
  return true
}

/** Staged parts of datasets go when a run has succeeded; what it published has the same content. */
async function bringBack(
  { project, store, run, job }: AdoptionRequest,
  outputs: ReadonlyMap<string, StepOutput>,
): Promise<void> {
  for await (const { runId } of lineage(store, run)) {
    for (const { step, dataset, window, number, state } of await store.listPublications({ runId })) {
      const writer = job.steps.find((each) => each.name === step)
      const written = (writer === undefined ? [] : datasetsWritten(writer)).find(
        (each) => each.dataset.name === dataset,
      )
      const output = step === null ? undefined : outputs.get(step)
      if (written === undefined || output === undefined || state !== 'published') continue
      const folder = datasetFolder(project.folder, written.dataset)
      const manifest = await manifestOrNull(folder, window?.key ?? null, number)
      if (manifest === null) continue
      const staged = output.tasks.flatMap((task) => task.output.outputs[written.key] ?? [])
      await restoreStaged(partPaths(folder, manifest), staged)
    }
  }
}

/** Null for a version that retention, or somebody, has removed. */
async function manifestOrNull(folder: string, windowKey: string | null, number: number): Promise<Manifest | null> {
  try {
    return await readManifest(folder, windowKey, number)
  } catch (thrown) {
    if (thrown instanceof BatchwrightError && thrown.code === 'VERSION_NOT_FOUND') return null
    throw thrown
  }
}

function partsMissing(run: RunRow, step: string): BatchwrightError {
  return new BatchwrightError({
    code: 'REPLAY_PARTS_MISSING',
    message: `${runTitle(run)}: expected the records that step ${step} left for its readers, found parts of them removed; dead letters of that step were mended by an earlier replay, so it cannot simply run again`,
    hint: `make the window anew with \`rerun\`, and replay the dead letters of ${step} on top of that`,
    details: { runId: run.runId, step },
  })
}
