/** What a summary says beside the store's rows: limits out of the job's definition, places out of manifests, what is slow. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { datasetFolder, partPaths, readManifest } from '../data/index.ts'
import type { JobDefinition } from '../job/model.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { loadArtifact } from '../runtime/index.ts'
import type { RunRow } from '../store/contract.ts'
import { calledAs } from './called.ts'
import type { SlowPartition } from './render/live.ts'
import type { StepLimits } from './render/reasons.ts'
import type { RunFacts } from './render/summary.ts'
import { placeKey } from './render/summary.ts'
import type { Session } from './session.ts'
import type { PublishedView, RunView } from './view.ts'

/** Gathers them. What cannot be found any more (code that is gone, versions that retention removed) is left out. */
export async function gatherFacts(
  session: Session,
  view: RunView,
  slow: readonly SlowPartition[] = [],
): Promise<RunFacts> {
  const store = await session.store()
  const definition = await definitionOf(view.run)
  const succeeded = await store.listRuns({ states: ['succeeded'], limit: 1 })
  return {
    limits: definition === null ? new Map() : limitsOf(definition),
    places: definition === null ? new Map() : await placesOf(session, definition, view.published),
    slow,
    first: view.run.state === 'succeeded' && succeeded.total === 1,
    called: calledAs(session.environment),
  }
}

async function definitionOf({ codeVersion, artifactPath }: RunRow): Promise<JobDefinition | null> {
  return existsSync(artifactPath) ? loadArtifact({ codeVersion, path: artifactPath }) : null
}

function limitsOf({ steps }: JobDefinition): ReadonlyMap<string, StepLimits> {
  return new Map(
    steps.flatMap((step) => (step.kind === 'records' ? [[step.name, { rejects: step.rejects, skip: step.skip }]] : [])),
  )
}

async function placesOf(
  { project, workingFolder }: Session,
  definition: JobDefinition,
  published: readonly PublishedView[],
): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>()
  for (const { dataset: name, window, number, state } of published) {
    const dataset = definition.datasets.get(name)
    if (dataset?.location.kind !== 'published' || state !== 'published') continue
    const place = await placeOf(datasetFolder(project.folder, dataset), window, number)
    if (place !== null) places.set(placeKey(name, number), path.relative(workingFolder, place) || '.')
  }
  return places
}

/** The folder of a version's parts; null for a version without any, or one that is gone. */
async function placeOf(folder: string, window: string | null, number: number): Promise<string | null> {
  try {
    const [part] = partPaths(folder, await readManifest(folder, window, number))
    // Files of a dataset of files lie in folders inside the version's.
    return part === undefined ? null : part.path.slice(0, -part.file.length - 1)
  } catch (thrown) {
    if (thrown instanceof BatchwrightError && thrown.code === 'VERSION_NOT_FOUND') return null
    throw thrown
  }
}
