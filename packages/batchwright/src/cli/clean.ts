/** What a run that has succeeded need not keep: staged copies of what is published, records between steps, lost attempts. */
import path from 'node:path'
import { cleanRun, datasetFolder, sweepStaging } from '../data/index.ts'
import { datasetsWritten, type JobDefinition } from '../job/index.ts'
import type { RunRow, Store } from '../store/contract.ts'
import { partitionTasks } from './letters.ts'
import { lineage } from './mended.ts'
import type { Project } from './project.ts'
import { runFolder } from './project.ts'

/** What is cleaned, and where the run's definition and rows are. */
export interface CleaningRequest {
  readonly project: Project
  readonly store: Store
  readonly run: RunRow
  readonly job: JobDefinition
}

/**
 * Cleans up after a run. What became of the run stands already: where cleaning fails (a disk that is read-only by now), that
 * is told, and the next command that ends a run of the job tries again.
 */
export async function cleanAfter(
  { project, store, run, job }: CleaningRequest,
  tell: (lines: readonly string[]) => void,
): Promise<void> {
  try {
    await clean(project, store, run, job)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    tell([`what the run left over could not be removed: ${why}; the next run of ${run.job} tries again`])
  }
}

/**
 * Cleans up after a run, where it has succeeded, and after others whose own cleaning a crash cut short. Dead letters stay.
 * A revision that replayed some keeps the records between its steps as well: the next replay stands on what was mended.
 * With the next revision that succeeds they go, but for those that it took over. What a failed run has staged stays too: it
 * may be taken up again.
 */
async function clean(project: Project, store: Store, run: RunRow, job: JobDefinition): Promise<void> {
  const datasetFolders = writtenFolders(project, job)
  const { items } = await store.listRuns({ job: run.job, limit: MOST_RUNS })
  const begun = items.filter((each) => each.state !== 'succeeded' && each.replay !== null)
  if (run.state === 'succeeded') {
    const needed = await partsForReplay(store, run)
    const superseded = begun.some((each) => each.identity === run.identity)
      ? []
      : items.filter((each) => each.identity === run.identity && each.revision < run.revision)
    for (const { runId, state } of [run, ...superseded]) {
      if (state !== 'succeeded') continue
      const keep = [...needed, ...(await deadLetterFiles(store, runId))]
      await cleanRun({
        runId,
        runFolder: runFolder(project, runId),
        datasetFolders,
        keep: withoutStaged(project, keep),
      })
    }
  }
  const held = new Set<string>()
  for (const each of begun) for await (const { runId } of lineage(store, each)) held.add(runId)
  await sweepStaging(datasetFolders, async (runId) => {
    const row = await store.getRun(runId)
    return row !== null && (row.state !== 'succeeded' || held.has(runId))
  })
}

/** Runs of a job that are looked at for replays that were begun. */
const MOST_RUNS = 1000

/**
 * The parts that only a replay can make, for the next one to take over; none where nothing was replayed (a replay runs such
 * steps again, on the same snapshot: a night's records are not kept for ever for the sake of one), or nothing is dead.
 */
async function partsForReplay(store: Store, { runId, replay }: RunRow): Promise<readonly string[]> {
  if (replay === null || (await deadLetterFiles(store, runId)).length === 0) return []
  return store.referencedParts(runId)
}

/** Staged parts of datasets need not be kept: what is published has their content. */
function withoutStaged(project: Project, files: readonly string[]): readonly string[] {
  const runs = `${path.join(project.state, 'runs')}${path.sep}`
  return files.filter((file) => file.startsWith(runs))
}

/** Folders of the datasets that a job writes, absolute. */
export function writtenFolders(project: Project, job: JobDefinition): readonly string[] {
  const outputs = job.steps.flatMap(datasetsWritten)
  return [...new Set(outputs.map(({ dataset }) => datasetFolder(project.folder, dataset)))]
}

async function deadLetterFiles(store: Store, runId: string): Promise<readonly string[]> {
  const files: string[] = []
  for (const step of await store.listSteps(runId)) {
    for await (const task of partitionTasks(store, runId, step.name)) {
      files.push(...(task.output?.deadLetters ?? []).map((part) => part.path))
    }
  }
  return files
}
