import type { PlannedInput } from '../contract.ts'
import { planTable } from '../tables/plan-table.ts'
import { planFiles, type FilesPlanRequest } from './plan-files.ts'
import { planPublished } from './plan-published.ts'

/** Fixes the input of a step that reads a dataset, raw files, published versions or a table, and cuts it into partitions. */
export function planDataset(request: FilesPlanRequest): Promise<PlannedInput> {
  switch (request.dataset.location.kind) {
    case 'files':
      return planFiles(request)
    case 'published':
      return planPublished(request)
    case 'table':
      return planTable(request)
  }
}
