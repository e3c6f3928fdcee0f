import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import {
  copyFirstRecords,
  currentManifest,
  datasetFolder,
  pathInProject,
  resolvePaths,
  samplePublished,
  type InputFile,
  type Manifest,
} from '../data/index.ts'
import type { DatasetDefinition, JobDefinition, StepDefinition, StepInput } from '../job/index.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import type { WindowValue } from '../protocol/index.ts'
import { chooseWindows } from '../runtime/index.ts'
import type { DryInput, DryRunRequest } from './contract.ts'
import { mirrored } from './mirror.ts'

/** Files of a dataset that a sample is taken from, at most, spread over all there are. */
const MOST_FILES = 10

/** How much of a dataset is read. */
interface Limits {
  readonly records: number
  readonly files: number
}

/** What a lookup does not hold is not found: a part of it would make other records of the sample. It is bounded by itself. */
const WHOLE: Limits = { records: Number.MAX_SAFE_INTEGER, files: Number.MAX_SAFE_INTEGER }

type DatasetInput = Extract<StepInput, { readonly from: 'dataset' }>

/** A dataset's sample in the scratch folder. */
export interface SampledDataset {
  readonly input: DryInput
  /** The dataset as the dry run reads it. */
  readonly definition: DatasetDefinition
}

/** The datasets that the steps read, by name. What cannot be read is told in its `input.error`. */
export async function sampleInputs(
  steps: readonly StepDefinition[],
  request: DryRunRequest,
  window: WindowValue | null,
): Promise<ReadonlyMap<string, SampledDataset>> {
  const sampled = new Map<string, SampledDataset>()
  const lookedUp = new Set(steps.flatMap(lookupInputs).map(({ dataset }) => dataset.name))
  for (const [name, inputs] of readsOf(steps)) {
    const [first] = inputs
    if (first === undefined) continue
    const limits = lookedUp.has(name) ? WHOLE : { records: request.sample, files: MOST_FILES }
    sampled.set(name, await sampleDataset(first.dataset, inputs, request, window, limits))
  }
  return sampled
}

/** Every reading of a dataset, by its name: steps may read different windows of one. */
function readsOf(steps: readonly StepDefinition[]): ReadonlyMap<string, readonly DatasetInput[]> {
  const reads = new Map<string, DatasetInput[]>()
  for (const input of steps.flatMap(datasetInputs)) {
    reads.set(input.dataset.name, [...(reads.get(input.dataset.name) ?? []), input])
  }
  return reads
}

/** Every dataset that a step reads, those of its lookups too. */
export function datasetInputs(step: StepDefinition): readonly DatasetInput[] {
  const inputs = step.kind === 'records' ? [step.input] : step.kind === 'sql' ? [...step.tables.values()] : []
  return [...inputs, ...lookupInputs(step)].filter((input): input is DatasetInput => input.from === 'dataset')
}

function lookupInputs(step: StepDefinition): readonly DatasetInput[] {
  return [...step.lookups.values()].map(({ dataset, windows }) => ({ from: 'dataset', dataset, windows }))
}

async function sampleDataset(
  dataset: DatasetDefinition,
  inputs: readonly DatasetInput[],
  request: DryRunRequest,
  window: WindowValue | null,
  limits: Limits,
): Promise<SampledDataset> {
  const { kind } = dataset.location
  const nothing: DryInput = {
    dataset: dataset.name,
    kind,
    found: 0,
    read: 0,
    paths: [],
    records: 0,
    whole: true,
    notes: [],
    error: null,
  }
  try {
    const windows = distinctWindows(inputs.flatMap((input) => chooseWindows(input, window)))
    const sampled =
      kind === 'files'
        ? await sampleFiles(dataset, windows, request, limits)
        : await sampleVersions(dataset, windows, request, limits)
    return { input: { ...nothing, ...sampled.input }, definition: sampled.definition }
  } catch (thrown) {
    return { input: { ...nothing, error: reportError(thrown) }, definition: dataset }
  }
}

function distinctWindows(windows: readonly (WindowValue | null)[]): readonly (WindowValue | null)[] {
  return [...new Map(windows.map((window) => [window?.key ?? null, window])).values()]
}

interface Sampled {
  readonly input: Partial<DryInput>
  readonly definition: DatasetDefinition
}

async function sampleFiles(
  dataset: DatasetDefinition,
  windows: readonly (WindowValue | null)[],
  { job, project, scratch, parameters, window }: DryRunRequest,
  limits: Limits,
): Promise<Sampled> {
  const { format } = dataset
  if (format.format !== 'csv' && format.format !== 'jsonl') throw rawParquet(dataset)
  const all = { ...parametersOf(job, parameters) }
  const { files, notes } = await resolvePaths(dataset, windows, all, project)
  if (files.length === 0 && dataset.missing === 'fail') throw nothingThere(dataset, window)
  const chosen = spread(files, limits.files)
  const each = Math.ceil(limits.records / Math.max(1, chosen.length))
  const byWindow = new Map<string | null, string[]>()
  let records = 0
  let whole = chosen.length === files.length
  for (const file of chosen) {
    const target = mirrored(file.absolute, project)
    await mkdir(path.dirname(path.join(scratch, target)), { recursive: true })
    const copied = await copyFirstRecords(file.absolute, path.join(scratch, target), format, each)
    records += copied.records
    whole &&= copied.whole
    const key = file.window?.key ?? null
    byWindow.set(key, [...(byWindow.get(key) ?? []), target])
  }
  return {
    input: { found: files.length, read: chosen.length, paths: chosen.map(pathOf), records, whole, notes },
    definition: {
      ...dataset,
      // What is not in the sample is not missing.
      missing: 'skip',
      format: { ...format, compression: 'none' },
      location: { kind: 'files', paths: (context) => byWindow.get(context.window?.key ?? null) ?? [] },
    },
  }
}

function pathOf(file: InputFile): string {
  return file.path
}

function parametersOf(job: JobDefinition, given: DryRunRequest['parameters']): DryRunRequest['parameters'] {
  return job.parameters === null ? given : job.parameters.parse(given)
}

/** Some of many, spread evenly, the first and the last among them. */
function spread<Item>(items: readonly Item[], most: number): readonly Item[] {
  if (items.length <= most) return items
  return Array.from({ length: most }, (_, place) => Math.round((place * (items.length - 1)) / (most - 1))).flatMap(
    (index) => items.slice(index, index + 1),
  )
}

async function sampleVersions(
  dataset: DatasetDefinition,
  windows: readonly (WindowValue | null)[],
  { project, scratch }: DryRunRequest,
  limits: Limits,
): Promise<Sampled> {
  const folder = datasetFolder(project, dataset)
  const found: { readonly window: WindowValue | null; readonly manifest: Manifest }[] = []
  const missing: string[] = []
  for (const window of windows) {
    const manifest = await currentManifest(folder, window?.key ?? null)
    if (manifest !== null) found.push({ window, manifest })
    else if (dataset.missing === 'fail') throw versionMissing(dataset, window, pathInProject(project, folder))
    else missing.push(`${window?.key ?? 'the dataset'}: no published version, skipped`)
  }
  const chosen = spread(found, limits.files)
  const each = Math.ceil(limits.records / Math.max(1, chosen.length))
  const target = mirrored(folder, project)
  let records = 0
  let whole = chosen.length === found.length
  for (const { manifest } of chosen) {
    const copied = await samplePublished({
      folder,
      manifest,
      dataset,
      target: path.join(scratch, target),
      limit: each,
    })
    records += copied.records
    whole &&= copied.whole
  }
  const paths = chosen.map(
    ({ window, manifest }) =>
      `${pathInProject(project, folder)}${window === null ? '' : `/${window.key}`} version ${manifest.number}`,
  )
  return {
    input: { found: found.length, read: chosen.length, paths, records, whole, notes: missing },
    definition: { ...dataset, missing: 'skip', location: { kind: 'published', folder: target } },
  }
}

function versionMissing(dataset: DatasetDefinition, window: WindowValue | null, folder: string): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_MISSING',
    message: `expected a published version of dataset ${dataset.name}${window === null ? '' : `, window ${window.key}`} in ${folder}; there is none`,
    hint: "Run the job that writes it for that window first, or declare the dataset's `missing: 'skip'`.",
    details: { dataset: dataset.name, window: window?.key ?? null, path: folder },
  })
}

function nothingThere(dataset: DatasetDefinition, window: string | null): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_MISSING',
    message: `expected a file of dataset ${dataset.name}${window === null ? '' : ` for the window ${window}`}; its location names none`,
    hint: "Deliver the file, or declare the dataset's `missing: 'skip'`.",
    details: { dataset: dataset.name, window },
  })
}

function rawParquet(dataset: DatasetDefinition): BatchwrightError {
  return new BatchwrightError({
    code: 'FORMAT_UNSUPPORTED',
    message: `expected dataset ${dataset.name} to be CSV or JSON Lines, found ${dataset.format.format === 'table' ? 'a table, of which no sample is taken' : 'raw Parquet files'}`,
    hint:
      dataset.format.format === 'table'
        ? 'Try the step on records of a test: testStep; or run the job against a database that may be written.'
        : 'Read Parquet in a sql step, or as a published dataset.',
    details: { dataset: dataset.name },
  })
}
