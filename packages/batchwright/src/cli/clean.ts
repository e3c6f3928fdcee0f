/** What a run that has succeeded need not keep: staged copies of what is published, blocks between steps, lost attempts. */
import { cleanRun, datasetFolder, sweepStaging } from '../data/index.ts'
import type { JobDefinition } from '../job/model.ts'
import type { RunRow, Store } from '../store/contract.ts'
import { partitionTasks } from './letters.ts'
import type { Project } from './project.ts'
import { runFolder } from './project.ts'

/**
 * Cleans up after a run, where it has succeeded, and after others whose own cleaning a crash cut short. Dead letters stay.
 * What a failed run has staged stays too: it may be taken up again.
 */
export async function cleanAfter(project: Project, store: Store, run: RunRow, job: JobDefinition): Promise<void> {
  const datasetFolders = writtenFolders(project, job)
  if (run.state === 'succeeded') {
    const keep = await deadLetterFiles(store, run.runId)
    await cleanRun({ runId: run.runId, runFolder: runFolder(project, run.runId), datasetFolders, keep })
  }
  await sweepStaging(datasetFolders, async (runId) => {
    const row = await store.getRun(runId)
    return row !== null && row.state !== 'succeeded'
  })
}

function writtenFolders(project: Project, job: JobDefinition): readonly string[] {
  const outputs = job.steps.flatMap((step) => (step.output === null ? [] : [step.output.dataset]))
  return [...new Set(outputs.map((dataset) => datasetFolder(project.folder, dataset)))]
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
