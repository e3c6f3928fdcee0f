import { glob, stat } from 'node:fs/promises'
import path from 'node:path'
import { windowDate, type DatasetDefinition } from '../../job/index.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import type { WindowValue } from '../../protocol/index.ts'

/** A file that a dataset's location names. */
export interface InputFile {
  readonly window: WindowValue | null
  /** Relative to the project folder where it lies inside it, with forward slashes; else absolute. */
  readonly path: string
  readonly absolute: string
}

export interface ResolvedPaths {
  readonly files: readonly InputFile[]
  readonly notes: readonly string[]
}

const GLOB_CHARACTERS = /[*?[\]{}]/

/**
 * The files of a `files` dataset for the chosen windows: windows in order, then paths as the location gave them, the
 * matches of a glob in code-unit order. The same folder gives the same list on every machine.
 *
 * @throws INPUT_MISSING where nothing is there and the dataset says `missing: 'fail'`; with `skip` it becomes a note.
 */
export async function resolvePaths(
  dataset: DatasetDefinition,
  windows: readonly (WindowValue | null)[],
  parameters: Readonly<Record<string, JsonValue>>,
  project: string,
): Promise<ResolvedPaths> {
  const { location } = dataset
  if (location.kind !== 'files') throw new TypeError(`dataset ${dataset.name} is not a dataset of files`)
  const files: InputFile[] = []
  const notes: string[] = []
  const seen = new Set<string>()
  for (const window of windows) {
    const context = { window: window === null ? null : { ...window, date: windowDate(window) }, parameters, project }
    for (const given of pathsOf(dataset.name, location, context)) {
      const found = await findFiles(given, project)
      if (found.length === 0) {
        const missing = await inputMissing(dataset.name, window, given, project)
        if (dataset.missing === 'fail') throw missing
        notes.push(`dataset ${dataset.name}${windowText(window)}: no file at ${given}, skipped`)
      }
      for (const absolute of found) {
        if (seen.has(absolute)) continue
        seen.add(absolute)
        files.push({ window, path: pathInProject(project, absolute), absolute })
      }
    }
  }
  return { files, notes }
}

/** The paths that a dataset's own function names. Throws DATASET_FILES_FAILED with what it threw. */
function pathsOf(
  dataset: string,
  location: Extract<DatasetDefinition['location'], { readonly kind: 'files' }>,
  context: Parameters<typeof location.paths>[0],
): readonly string[] {
  try {
    return location.paths(context)
  } catch (cause) {
    if (cause instanceof BatchwrightError) throw cause
    throw new BatchwrightError({
      code: 'DATASET_FILES_FAILED',
      message: `dataset ${dataset}: its files() failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'Mend the function, then `batchwright retry RUN` goes on.',
      details: { dataset },
      cause,
    })
  }
}

export function pathInProject(project: string, absolute: string): string {
  const relative = path.relative(project, absolute)
  const outside =
    relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)
  return outside ? absolute : relative.split(path.sep).join('/')
}

async function findFiles(given: string, project: string): Promise<readonly string[]> {
  const absolute = path.resolve(project, given)
  if (await isFile(absolute)) return [absolute]
  if (!GLOB_CHARACTERS.test(given)) return []
  const found: string[] = []
  for await (const match of glob(given, { cwd: project })) {
    const candidate = path.resolve(project, match)
    if (await isFile(candidate)) found.push(candidate)
  }
  return found.sort((left, right) => (left < right ? -1 : left > right ? 1 : 0))
}

async function isFile(absolute: string): Promise<boolean> {
  try {
    return (await stat(absolute)).isFile()
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false
    throw error
  }
}

/** What stands where a file should be. */
async function whatIsThere(absolute: string): Promise<string> {
  try {
    const found = await stat(absolute)
    return found.isDirectory() ? 'a folder' : 'something that is no file'
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return 'none'
    throw error
  }
}

export function windowText(window: WindowValue | null): string {
  return window === null ? '' : `, window ${window.key}`
}

export async function inputMissing(
  dataset: string,
  window: WindowValue | null,
  given: string,
  project: string,
): Promise<BatchwrightError> {
  const found = await whatIsThere(path.resolve(project, given))
  const inFolder = `Name the files in it, as ${given}/*.csv does; then \`batchwright retry RUN\` goes on.`
  return new BatchwrightError({
    code: 'INPUT_MISSING',
    message: `expected a file at ${path.resolve(project, given)} for dataset ${dataset}${windowText(window)}; there is ${found}`,
    hint:
      found === 'a folder'
        ? inFolder
        : "Deliver the file, then `batchwright retry RUN` goes on. Where it may be absent, give the dataset missing: 'skip'.",
    details: { dataset, window: window?.key ?? null, path: given },
  })
}
