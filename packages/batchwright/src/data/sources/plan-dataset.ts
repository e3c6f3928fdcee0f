import type { PlannedInput } from '../contract.ts'
import { planFiles, type FilesPlanRequest } from './plan-files.ts'
import { planPublished } from './plan-published.ts'

/** Fixes the input of a step that reads a dataset, raw files or published versions, and cuts it into partitions. */
export function planDataset(request: FilesPlanRequest): Promise<PlannedInput> {
  return request.dataset.location.kind === 'files' ? planFiles(request) : planPublished(request)
}
