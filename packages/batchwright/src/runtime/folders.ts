import path from 'node:path'
import { datasetFolder, stagingFolder } from '../data/index.ts'
import type { DatasetDefinition } from '../job/index.ts'
import type { PartitionAssignment } from '../protocol/index.ts'

/** Where one attempt writes. A sitting is one go from a checkpoint: a rewind begins the next, in folders of its own. */
export interface AttemptFolders {
  /** Blocks, dead letters, state. */
  readonly private: string
  /** Staged parts of a dataset, on the dataset's own file system. */
  staging(dataset: DatasetDefinition): string
}

export function attemptFolders(assignment: PartitionAssignment, sitting: number): AttemptFolders {
  const { folders, run, step, partition, ref } = assignment
  const suffix = sitting === 0 ? '' : `-r${sitting}`
  const attempt = { runId: run.runId, step, index: partition.index, fence: ref.fence }
  return {
    private: path.join(folders.run, step, `${partition.index}-f${ref.fence}${suffix}`),
    staging: (dataset) => `${stagingFolder(datasetFolder(folders.project, dataset), attempt)}${suffix}`,
  }
}
