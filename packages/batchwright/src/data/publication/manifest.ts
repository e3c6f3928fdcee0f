import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ControlTotals, WindowValue } from '../../protocol/index.ts'
import { systemCode } from '../sinks/storage-errors.ts'
import { manifestName, manifestNumber, manifestsFolder, windowFolder, windowKeyOf } from './layout.ts'

/**
 * One published version of a dataset's window: what its readers see, once its file exists. Manifests are numbered and never
 * change; the highest number is current.
 */
export interface Manifest {
  /** Version of this shape. */
  readonly manifest: 1
  readonly dataset: string
  readonly window: WindowValue | null
  readonly number: number
  /** Folder of the parts, beside the manifests' folder. */
  readonly folder: string
  readonly format: 'jsonl' | 'csv' | 'parquet' | 'files' | 'table'
  /** In the dataset's order. */
  readonly parts: readonly PublishedPart[]
  readonly records: number
  readonly bytes: number
  readonly contractVersion: number
  readonly run: {
    readonly id: string
    readonly job: string
    readonly revision: number
    readonly step: string
    readonly codeVersion: string
  }
  /** Digest of each snapshot that the run read. */
  readonly inputs: readonly { readonly step: string; readonly digest: string }[]
  readonly controls: ControlTotals
  /** The run's logical time, or for a rollback the time it was asked for; ISO 8601. */
  readonly createdAt: string
  /** Number of the manifest whose parts this one shows again; null where it has parts of its own. */
  readonly rollbackTo: number | null
}

export interface PublishedPart {
  /** File name inside the version's folder. */
  readonly file: string
  readonly bytes: number
  readonly records: number
  readonly sha256: string
  /** Code version that wrote it. */
  readonly codeVersion: string
}

/** The version that readers see now; null where nothing has been published. Resolve it once, and read that one. */
export async function currentManifest(folder: string, windowKey: string | null): Promise<Manifest | null> {
  const newest = (await manifestNumbers(folder, windowKey)).at(-1)
  return newest === undefined ? null : await readManifest(folder, windowKey, newest)
}

/** All versions of a window, oldest first. */
export async function listManifests(folder: string, windowKey: string | null): Promise<readonly Manifest[]> {
  const numbers = await manifestNumbers(folder, windowKey)
  return await Promise.all(numbers.map((number) => readManifest(folder, windowKey, number)))
}

/** Keys of the windows that have a published version, in order; null is the one of a dataset without windows. */
export async function listWindows(folder: string): Promise<readonly (string | null)[]> {
  const keys: (string | null)[] = []
  for (const name of (await namesIn(folder)).toSorted()) {
    const key = windowKeyOf(name)
    if (key !== undefined && (await manifestNumbers(folder, key)).length > 0) keys.push(key)
  }
  return keys
}

/** One version, by its number. Errors: VERSION_NOT_FOUND, MANIFEST_INVALID, MANIFEST_NEWER. */
export async function readManifest(folder: string, windowKey: string | null, number: number): Promise<Manifest> {
  const file = path.join(manifestsFolder(folder, windowKey), manifestName(number))
  try {
    return parseManifest(await readFile(file, 'utf8'), number, file)
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown
    const numbers = await manifestNumbers(folder, windowKey)
    throw new BatchwrightError({
      code: 'VERSION_NOT_FOUND',
      message: `expected published version ${number} in ${manifestsFolder(folder, windowKey)}, found ${numbers.length === 0 ? 'none' : `versions ${numbers.join(', ')}`}`,
      hint: 'choose one of the versions that `datasets show` lists',
      details: { number, versions: numbers },
      cause: thrown,
    })
  }
}

/** Absolute paths of a version's parts, in order. */
export function partPaths(folder: string, manifest: Manifest): readonly (PublishedPart & { readonly path: string })[] {
  const version = path.join(windowFolder(folder, manifest.window?.key ?? null), manifest.folder)
  return manifest.parts.map((part) => ({ ...part, path: path.join(version, part.file) }))
}

/** Numbers of the manifests that exist, ascending. */
export async function manifestNumbers(folder: string, windowKey: string | null): Promise<readonly number[]> {
  const names = await namesIn(manifestsFolder(folder, windowKey))
  return names
    .map(manifestNumber)
    .filter((number) => number !== null)
    .sort((a, b) => a - b)
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw thrown
  }
}

function parseManifest(text: string, number: number, file: string): Manifest {
  const parsed = parseJson(text, file)
  if (parsed.manifest !== 1) {
    throw new BatchwrightError({
      code: 'MANIFEST_NEWER',
      message: `${file}: expected a manifest of shape 1, found ${JSON.stringify(parsed.manifest)}`,
      hint: 'it was written by a newer Batchwright: upgrade this one',
      details: { path: file },
    })
  }
  if (parsed.number !== number || !Array.isArray(parsed.parts)) {
    throw invalid(file, `number ${number} with a list of parts`, text.slice(0, 200))
  }
  // Manifests are written whole, by this room alone; their shape is told by `manifest`, looked at above.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return parsed as Manifest
}

function parseJson(text: string, file: string): Readonly<Partial<Record<keyof Manifest, unknown>>> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch (thrown) {
    throw invalid(file, 'JSON', text.slice(0, 200), thrown)
  }
  throw invalid(file, 'a JSON object', text.slice(0, 200))
}

function invalid(file: string, expected: string, found: string, cause?: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'MANIFEST_INVALID',
    message: `${file}: expected ${expected}, found ${JSON.stringify(found)}`,
    hint: 'the manifest was changed by something else: restore it from a backup, or publish the window again with `rerun`',
    details: { path: file },
    cause,
  })
}
