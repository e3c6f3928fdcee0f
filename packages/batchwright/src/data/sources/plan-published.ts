import path from 'node:path'
import type { DatasetDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Snapshot, WindowValue } from '../../protocol/index.ts'
import type { PlannedInput } from '../contract.ts'
import { datasetFolder } from '../publication/layout.ts'
import { currentManifest, partPaths, readManifest, type Manifest, type PublishedPart } from '../publication/manifest.ts'
import { pathInProject, windowText, type InputFile } from '../snapshot/resolve-paths.ts'
import { canUpcast } from '../formats/upcast.ts'
import type { FilesPlanRequest } from './plan-files.ts'
import { planPartFiles } from './plan-files.ts'
import { planParquetParts } from './plan-parquet.ts'

/** A part of a published version as an input. */
export interface PartInput extends InputFile {
  readonly part: PublishedPart
  readonly manifest: Manifest
}

/**
 * Fixes the input of a step that reads a published dataset: each window's current version is looked up once and pinned. The
 * parts are verified against the manifest while they are scanned.
 *
 * @throws INPUT_MISSING where a window has no version and the dataset says `missing: 'fail'`; CHECKSUM_MISMATCH.
 */
export async function planPublished(request: FilesPlanRequest): Promise<PlannedInput> {
  const { dataset, folders } = request
  const folder = datasetFolder(folders.project, dataset)
  const notes: string[] = []
  const inputs: PartInput[] = []
  for (const { window, manifest } of await chooseVersions(request, folder)) {
    if (manifest === null) {
      if (dataset.missing === 'fail') throw versionMissing(dataset, window, folder)
      notes.push(`dataset ${dataset.name}${windowText(window)}: no published version, skipped`)
      continue
    }
    checkVersion(dataset, manifest)
    for (const part of partPaths(folder, manifest)) {
      inputs.push({ window, path: pathInProject(folders.project, part.path), absolute: part.path, part, manifest })
    }
  }
  const parquet = inputs.filter((input) => path.extname(input.absolute) === '.parquet')
  const lines = inputs.filter((input) => path.extname(input.absolute) !== '.parquet')
  const planned = [await planPartFiles(lines, request), await planParquetParts(parquet, request)]
  return {
    files: planned.flatMap((input) => input.files),
    partitions: planned.flatMap((input) => input.partitions).map((partition, index) => ({ ...partition, index })),
    notes: [...notes, ...planned.flatMap((input) => input.notes)],
  }
}

interface ChosenVersion {
  readonly window: WindowValue | null
  readonly manifest: Manifest | null
}

async function chooseVersions(request: FilesPlanRequest, folder: string): Promise<readonly ChosenVersion[]> {
  if (request.expected === null) {
    return await Promise.all(
      request.windows.map(async (window) => ({ window, manifest: await currentManifest(folder, window?.key ?? null) })),
    )
  }
  const pinned = pinnedVersions(request.expected, request.dataset.name)
  return await Promise.all(
    pinned.map(async ({ window, number }) => ({
      window,
      manifest: await readManifest(folder, window?.key ?? null, number),
    })),
  )
}

function pinnedVersions(
  expected: Snapshot,
  dataset: string,
): readonly { readonly window: WindowValue | null; readonly number: number }[] {
  const pinned = new Map<string | null, { readonly window: WindowValue | null; readonly number: number }>()
  for (const file of expected.files) {
    if (file.dataset !== dataset || file.publishedVersion === undefined) continue
    pinned.set(file.window?.key ?? null, { window: file.window, number: file.publishedVersion })
  }
  return [...pinned.values()]
}

function checkVersion(dataset: DatasetDefinition, manifest: Manifest): void {
  const { contract } = dataset
  if (manifest.contractVersion <= contract.version && canUpcast(contract, manifest.contractVersion)) return
  throw new BatchwrightError({
    code: 'CONTRACT_VERSION_UNKNOWN',
    message:
      `expected version ${manifest.number} of dataset ${dataset.name}${windowText(manifest.window)} under contract version ` +
      `${contract.version} or one that can be upcast to it, found contract version ${manifest.contractVersion}`,
    hint: 'Add the missing `upcast` to the contract, or publish the window again with this code.',
    details: { dataset: dataset.name, found: manifest.contractVersion, expected: contract.version },
  })
}

function versionMissing(dataset: DatasetDefinition, window: WindowValue | null, folder: string): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_MISSING',
    message: `expected a published version of dataset ${dataset.name}${windowText(window)} in ${folder}; there is none`,
    hint: "Run the job that writes it for that window first, then `batchwright retry RUN` goes on. Where it may be absent, give the dataset missing: 'skip'.",
    details: { dataset: dataset.name, window: window?.key ?? null, path: folder },
  })
}
