/** Datasets of the project's jobs: found by name, and their published versions. */
import { currentManifest, datasetFolder, listWindows, manifestNumbers } from '../data/index.ts'
import type { Manifest } from '../data/index.ts'
import type { DatasetDefinition } from '../job/model.ts'
import { BatchwrightError, errorFromReport } from '../kernel/errors.ts'
import { loadAllJobs } from './definitions.ts'
import { usageError } from './failure.ts'
import type { Project } from './project.ts'
import { suggestion } from './suggest.ts'

/** A dataset and the jobs that name it. */
export interface NamedDataset {
  readonly definition: DatasetDefinition
  readonly jobs: readonly string[]
}

/** Every dataset of every job that can be loaded, by name. */
export async function allDatasets(project: Project): Promise<readonly NamedDataset[]> {
  const found = new Map<string, { definition: DatasetDefinition; jobs: string[] }>()
  for (const { definition } of (await loadAllJobs(project)).jobs) {
    for (const dataset of definition.datasets.values()) {
      const known = found.get(dataset.name)
      if (known === undefined) found.set(dataset.name, { definition: dataset, jobs: [definition.name] })
      else known.jobs.push(definition.name)
    }
  }
  return [...found.values()].sort((left, right) => (left.definition.name < right.definition.name ? -1 : 1))
}

/** The dataset of this name. Throws DATASET_UNKNOWN with the nearest name. */
export async function selectDataset(project: Project, name: string): Promise<NamedDataset> {
  const datasets = await allDatasets(project)
  const found = datasets.find((each) => each.definition.name === name)
  if (found !== undefined) return found
  const [broken] = (await loadAllJobs(project)).broken
  if (broken !== undefined)
    throw errorFromReport({ ...broken.error, message: `${broken.file}: ${broken.error.message}` })
  throw usageError({
    code: 'DATASET_UNKNOWN',
    message: `no dataset is called ${JSON.stringify(name)}`,
    hint: suggestion(
      name,
      datasets.map((each) => each.definition.name),
      'batchwright datasets list',
    ),
    details: { given: name, datasets: datasets.map((each) => each.definition.name) },
  })
}

/** A window of a dataset in which something is published. */
export interface PublishedWindow {
  readonly folder: string
  /** Null for a dataset without windows. */
  readonly key: string | null
}

/**
 * The published window that `--window` means; without it, or with `latest`, the newest one. Throws WINDOW_UNWANTED,
 * WINDOW_INVALID, NOT_PUBLISHED.
 */
export async function selectPublished(
  project: Project,
  { definition }: NamedDataset,
  window: string | undefined,
): Promise<PublishedWindow> {
  const folder = datasetFolder(project.folder, definition)
  const keys = await listWindows(folder)
  if (definition.window === null) {
    if (window !== undefined) {
      throw usageError({
        code: 'WINDOW_UNWANTED',
        message: `the dataset ${JSON.stringify(definition.name)} has no windows, and --window ${window} was given`,
        hint: 'leave --window out',
        details: { dataset: definition.name, window },
      })
    }
    if (keys.includes(null)) return { folder, key: null }
    throw notPublished(definition, null, keys)
  }
  const key =
    window === undefined || window === 'latest'
      ? keys.findLast((each) => each !== null)
      : definition.window.parse(window).key
  if (key !== undefined && keys.includes(key)) return { folder, key }
  throw notPublished(definition, key ?? null, keys)
}

function notPublished(
  dataset: DatasetDefinition,
  key: string | null,
  keys: readonly (string | null)[],
): BatchwrightError {
  const windows = keys.filter((each) => each !== null)
  return new BatchwrightError({
    code: 'NOT_PUBLISHED',
    message: `nothing is published of ${JSON.stringify(dataset.name)}${key === null ? '' : ` for the window ${key}`}`,
    hint:
      windows.length === 0
        ? 'run the job that writes it: `batchwright datasets` names the jobs'
        : `published windows: ${windows.length > 6 ? `${windows.slice(0, 3).join(', ')} ... ${windows.slice(-3).join(', ')}` : windows.join(', ')}`,
    details: { dataset: dataset.name, window: key, windows },
  })
}

/** The highest number that is published of a window; 0 where nothing is. Stores give out numbers above it. */
export async function newestNumber(folder: string, windowKey: string | null): Promise<number> {
  return (await manifestNumbers(folder, windowKey)).at(-1) ?? 0
}

/** The current version of a window, which `selectPublished` found to be there. */
export async function currentOf(published: PublishedWindow): Promise<Manifest> {
  const manifest = await currentManifest(published.folder, published.key)
  if (manifest !== null) return manifest
  throw new BatchwrightError({
    code: 'NOT_PUBLISHED',
    message: `expected a manifest for the window ${published.key ?? '(whole)'} in ${published.folder}, and there is none`,
    hint: 'run the job that writes it',
  })
}
