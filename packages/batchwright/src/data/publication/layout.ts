import path from 'node:path'
import type { DatasetDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

/** Folder name of a dataset without a window. */
const WHOLE = 'all'
const STAGING = '.staging'
const MANIFESTS = 'manifests'
/** Where publications of tables are told of: their rows lie in their databases. */
const TABLES = path.join('.batchwright', 'tables')
const MANIFEST_NAME = /^(\d{6,})\.json$/

/** The folder of a dataset that steps write, absolute; of a table: that of its manifests. Errors: DATASET_READ_ONLY for raw files that others put there. */
export function datasetFolder(project: string, dataset: DatasetDefinition): string {
  if (dataset.location.kind === 'published') return path.resolve(project, dataset.location.folder)
  if (dataset.location.kind === 'table') return path.resolve(project, TABLES, dataset.name)
  throw new BatchwrightError({
    code: 'DATASET_READ_ONLY',
    message: `dataset ${dataset.name}: expected a folder of published versions, found a list of files that others put there`,
    hint: 'give the dataset a folder as its location to write it, roll it back or list its versions',
    details: { dataset: dataset.name },
  })
}

/** Where an attempt stages its parts of a dataset: on the dataset's own file system, so that they can be linked. */
export function stagingFolder(
  folder: string,
  attempt: { readonly runId: string; readonly step: string; readonly index: number; readonly fence: number },
): string {
  return path.join(folder, STAGING, attempt.runId, attempt.step, `${attempt.index}-f${attempt.fence}`)
}

/** All that runs have staged for a dataset. */
export function stagingRoot(folder: string): string {
  return path.join(folder, STAGING)
}

export function windowFolder(folder: string, windowKey: string | null): string {
  return path.join(folder, windowKey ?? WHOLE)
}

/** The way back of `windowFolder`: the key that a folder's name stands for; undefined where it is no window's folder. */
export function windowKeyOf(folderName: string): string | null | undefined {
  if (folderName.startsWith('.')) return undefined
  return folderName === WHOLE ? null : folderName
}

export function manifestsFolder(folder: string, windowKey: string | null): string {
  return path.join(windowFolder(folder, windowKey), MANIFESTS)
}

export function versionName(number: number): string {
  return `v${padded(number)}`
}

export function manifestName(number: number): string {
  return `${padded(number)}.json`
}

/** The number in a manifest's file name; null for any other file. */
export function manifestNumber(fileName: string): number | null {
  const [, digits] = MANIFEST_NAME.exec(fileName) ?? []
  return digits === undefined ? null : Number(digits)
}

function padded(number: number): string {
  return String(number).padStart(6, '0')
}
