import type { LookupTable, StepDefinition } from '../../job/index.ts'
import type { ArtifactRef, Folders, PartitionPlan, RunContext } from '../../protocol/index.ts'
import type { SlotHost } from '../host.ts'
import { Stops } from '../stop.ts'

export interface DryTablesRequest {
  readonly step: StepDefinition
  readonly run: RunContext
  readonly folders: Folders
  readonly artifact: ArtifactRef
  readonly partition: PartitionPlan
}

/** The lookup tables of a step by name, as the plan of one of its partitions has fixed them. Errors as in a run. */
export function dryTables(
  host: Pick<SlotHost, 'lookups'>,
  { step, run, folders, artifact, partition }: DryTablesRequest,
): Promise<Readonly<Record<string, LookupTable>>> {
  const assignment = {
    kind: 'partition',
    ref: { taskId: 0, fence: 0, attempt: 1 },
    run,
    step: step.name,
    folders,
    artifact,
    timeoutMs: null,
    partition,
    checkpoint: null,
  } as const
  return host.lookups.use(step.lookups, assignment, new Stops(new AbortController().signal))
}
