import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { JobDefinition } from '../job/index.ts'
import { sha256 } from '../kernel/digest.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import { provideLibrary } from './library.ts'

const loaded = new Map<string, Promise<JobDefinition>>()

/** Line that names the source map: it holds the code version, so it is not part of what the version is the hash of. */
export const MAP_LINE = '//# sourceMappingURL='

/**
 * The job that an artifact default-exports. Loaded once for a code version in a thread; stacks are shown in the job's own
 * sources. Throws ARTIFACT_MISSING, ARTIFACT_CHANGED, JOB_FILE_INVALID.
 */
export function loadArtifact(ref: ArtifactRef): Promise<JobDefinition> {
  const known = loaded.get(ref.codeVersion)
  if (known !== undefined) return known
  const loading = load(ref)
  loaded.set(ref.codeVersion, loading)
  loading.catch(() => loaded.delete(ref.codeVersion))
  return loading
}

async function load(ref: ArtifactRef): Promise<JobDefinition> {
  await checkContent(ref)
  provideLibrary()
  process.setSourceMapsEnabled(true)
  const module = await importJob(ref)
  const job: unknown = module['default']
  if (isJob(job)) return job
  throw new BatchwrightError({
    code: 'JOB_FILE_INVALID',
    message:
      job === undefined
        ? 'expected the job file to have a default export, found none'
        : `expected the default export to be a job, found ${job === null ? 'null' : typeof job}`,
    hint: "End the file with `export default job('name', {...}, (steps) => {...})`.",
    details: { artifact: ref.path, exports: Object.keys(module) },
  })
}

async function importJob(ref: ArtifactRef): Promise<Readonly<Record<string, unknown>>> {
  try {
    // A module namespace is an object of exports whose types only the job knows.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    return (await import(/* @vite-ignore */ pathToFileURL(ref.path).href)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    if (cause instanceof BatchwrightError) throw cause
    throw new BatchwrightError({
      code: 'JOB_FILE_INVALID',
      message: `the job file could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'A job file defines and does nothing else: no reading, no connecting when it is loaded.',
      details: { artifact: ref.path },
      cause,
    })
  }
}

async function checkContent(ref: ArtifactRef): Promise<void> {
  const found = codeVersionOf(await readArtifact(ref))
  if (found === ref.codeVersion) return
  throw new BatchwrightError({
    code: 'ARTIFACT_CHANGED',
    message: `expected the artifact ${ref.path} to have the hash ${ref.codeVersion}, found ${found}`,
    hint: 'Remove the file and run the job again: the bundle is built anew from its sources.',
    details: { path: ref.path, expected: ref.codeVersion, found },
  })
}

async function readArtifact(ref: ArtifactRef): Promise<string> {
  try {
    return await readFile(ref.path, 'utf8')
  } catch (cause) {
    throw new BatchwrightError({
      code: 'ARTIFACT_MISSING',
      message: `expected the job's artifact at ${ref.path}, and could not read it`,
      hint: 'Run the job again: the bundle is built from its sources.',
      details: { path: ref.path, codeVersion: ref.codeVersion },
      cause,
    })
  }
}

/** The code version of an artifact's text: its hash without the line that names the source map. */
export function codeVersionOf(text: string): string {
  const mapAt = text.lastIndexOf(MAP_LINE)
  return sha256(mapAt === -1 ? text : text.slice(0, mapAt))
}

/** The builders are the only makers of jobs; another copy of them makes jobs of the same shape. */
function isJob(value: unknown): value is JobDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'steps' in value &&
    Array.isArray(value.steps) &&
    'datasets' in value &&
    value.datasets instanceof Map
  )
}
