import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { BuildFailure, Message, Metafile } from 'esbuild'
import { nearest } from '../job/index.ts'
import { sha256 } from '../kernel/digest.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { systemRandom } from '../kernel/random.ts'
import type { SourcePlace } from '../kernel/source-place.ts'
import { placesJson } from '../kernel/source-place.ts'
import { makeFolders, storageError } from '../kernel/storage.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import { externalNatives, providedLibrary } from './artifact-plugins.ts'
import { readOwnJson } from './json.ts'
import { LIBRARY_NAMES } from './library.ts'
import { codeVersionOf, MAP_LINE } from './load-artifact.ts'

export interface ArtifactRequest {
  /** Absolute, or relative to the project folder. */
  readonly jobFile: string
  readonly projectFolder: string
  /** Made when first needed: `.batchwright/artifacts`. */
  readonly artifactsFolder: string
}

/** Beside the artifacts: what one job file was built from, so that unchanged sources need no bundler. */
interface BuildRecord {
  readonly codeVersion: string
  /** What the bundle depends on beside its sources: lock file, Node, names of the library. */
  readonly surroundings: string
  /** SHA-256 of every file that the bundler read, and of those whose change would change its choices; null where absent. */
  readonly inputs: Readonly<Record<string, string | null>>
}

const LOCK_FILES = ['package-lock.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock']
const SETTINGS_FILES = ['package.json', 'tsconfig.json']
const MAX_SHOWN_ERRORS = 5

/**
 * Bundles a job file into an ES module named by its hash: the code version, which covers the bundle, the project's lock file
 * and Node's major version. Built only where the sources have changed. Throws JOB_FILE_MISSING, JOB_FILE_INVALID with the
 * places of the errors.
 */
export async function buildArtifact(request: ArtifactRequest): Promise<ArtifactRef> {
  const jobFile = path.resolve(request.projectFolder, request.jobFile)
  await requireJobFile(jobFile, request.projectFolder)
  const lock = await lockAndNode(request.projectFolder)
  const surroundings = `${lock}, library ${sha256(LIBRARY_NAMES.join(' '))}`
  const recordFile = recordFileOf(jobFile, request)
  const known = await unchanged(recordFile, surroundings, request)
  if (known !== null) return known
  const { text, map, inputs } = await bundle(jobFile, request.projectFolder, lock)
  const codeVersion = codeVersionOf(text)
  const artifact = artifactRef(codeVersion, request)
  await makeArtifactsFolder(request.artifactsFolder)
  await writeWhole(`${artifact.path}.map`, sourcesFrom(map, request))
  await writeWhole(artifact.path, `${text}${MAP_LINE}${path.basename(artifact.path)}.map\n`)
  const record: BuildRecord = { codeVersion, surroundings, inputs: await digests(inputs) }
  await writeWhole(recordFile, JSON.stringify(record))
  return artifact
}

/**
 * The files that a job file was last built from, absolute: itself, what it imports (packages too) and the settings that the
 * bundler reads. The job file alone where it was never built.
 */
export async function artifactSources(request: ArtifactRequest): Promise<readonly string[]> {
  const jobFile = path.resolve(request.projectFolder, request.jobFile)
  const record = readRecord(await textOrNull(recordFileOf(jobFile, request)))
  return record === null ? [jobFile] : Object.keys(record.inputs)
}

function recordFileOf(jobFile: string, { artifactsFolder }: ArtifactRequest): string {
  return path.join(artifactsFolder, `${sha256(jobFile).slice(0, 16)}.json`)
}

function artifactRef(codeVersion: string, { artifactsFolder }: ArtifactRequest): ArtifactRef {
  return { codeVersion, path: path.resolve(artifactsFolder, `${codeVersion}.mjs`) }
}

/** The artifact that stands, where everything it was built from is as it was; else null. */
async function unchanged(
  recordFile: string,
  surroundings: string,
  request: ArtifactRequest,
): Promise<ArtifactRef | null> {
  const record = readRecord(await textOrNull(recordFile))
  if (record?.surroundings !== surroundings) return null
  const artifact = artifactRef(record.codeVersion, request)
  if ((await textOrNull(artifact.path)) === null) return null
  const found = await digests(Object.keys(record.inputs))
  return Object.entries(record.inputs).every(([file, digest]) => found[file] === digest) ? artifact : null
}

function readRecord(text: string | null): BuildRecord | null {
  if (text === null) return null
  try {
    return readOwnJson<BuildRecord>(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

async function bundle(
  jobFile: string,
  projectFolder: string,
  lock: string,
): Promise<{ readonly text: string; readonly map: string; readonly inputs: readonly string[] }> {
  const { build, stop } = await import('esbuild')
  bundling += 1
  try {
    const result = await build({
      entryPoints: [jobFile],
      absWorkingDir: path.resolve(projectFolder),
      outfile: outfile(projectFolder),
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      sourcemap: 'external',
      logLevel: 'silent',
      charset: 'utf8',
      banner: { js: `// batchwright artifact, ${lock}` },
      plugins: [providedLibrary(LIBRARY_NAMES), externalNatives()],
    })
    const text = result.outputFiles.find((file) => file.path.endsWith('.mjs'))?.text ?? ''
    const map = result.outputFiles.find((file) => file.path.endsWith('.map'))?.text ?? '{}'
    return { text: text.endsWith('\n') ? text : `${text}\n`, map, inputs: inputsOf(result.metafile, projectFolder) }
  } catch (thrown) {
    throw isBuildFailure(thrown) ? invalid(jobFile, projectFolder, thrown) : thrown
  } finally {
    bundling -= 1
    if (bundling === 0) await stop()
  }
}

/** Where the bundler takes the bundle to be, so that its text does not depend on where the project keeps its artifacts. */
function outfile(projectFolder: string): string {
  return path.resolve(projectFolder, '.batchwright', 'artifacts', 'job.mjs')
}

/** The source map as it is seen from the artifacts' folder, wherever that is: debuggers and stacks find the user's files. */
function sourcesFrom(map: string, { projectFolder, artifactsFolder }: ArtifactRequest): string {
  const built = path.dirname(outfile(projectFolder))
  const kept = path.resolve(artifactsFolder)
  if (built === kept) return map
  const { sources, ...rest } = readOwnJson<{ readonly sources: readonly string[] }>(map)
  // `batchwright-provided:batchwright` is no file.
  const moved = sources.map((source) =>
    /^[a-z-]+:/.test(source) ? source : path.relative(kept, path.resolve(built, source)).replaceAll(path.sep, '/'),
  )
  return JSON.stringify({ ...rest, sources: moved })
}

/** Bundles under way. esbuild's own process ends with the last: it would stay, some 30 MB, for as long as a run takes. */
let bundling = 0

function inputsOf(metafile: Metafile, projectFolder: string): readonly string[] {
  const read = Object.keys(metafile.inputs)
    .filter((input) => !/^[a-z-]+:/.test(input))
    .map((input) => path.resolve(projectFolder, input))
  const settings = SETTINGS_FILES.map((name) => path.resolve(projectFolder, name))
  return [...new Set([...read, ...settings])]
}

/** What the code version covers beside the bundle, as one line of text. */
async function lockAndNode(projectFolder: string): Promise<string> {
  const lock = await nearestLock(path.resolve(projectFolder))
  return `lock ${lock === null ? 'none' : sha256(lock)}, node ${process.versions.node.split('.')[0] ?? ''}`
}

/** The text of the lock file in the project's folder or the nearest one above it. */
async function nearestLock(folder: string): Promise<string | null> {
  for (const name of LOCK_FILES) {
    const text = await textOrNull(path.join(folder, name))
    if (text !== null) return text
  }
  const parent = path.dirname(folder)
  return parent === folder ? null : nearestLock(parent)
}

async function digests(files: readonly string[]): Promise<Readonly<Record<string, string | null>>> {
  const entries = await Promise.all(
    files.map(async (file) => {
      const text = await textOrNull(file)
      return [file, text === null ? null : sha256(text)] as const
    }),
  )
  return Object.fromEntries(entries)
}

async function textOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** Readers see the whole file or none, also where two processes build the same artifact. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}-${systemRandom.integer(2 ** 32).toString(36)}.tmp`
  try {
    await writeFile(temporary, text, { flush: true })
    await rename(temporary, file)
  } catch (thrown) {
    await rm(temporary, { force: true })
    throw storageError(thrown, file)
  }
}

async function makeArtifactsFolder(folder: string): Promise<void> {
  try {
    await makeFolders(path.resolve(folder))
  } catch (thrown) {
    throw storageError(thrown, folder)
  }
}

async function requireJobFile(jobFile: string, projectFolder: string): Promise<void> {
  try {
    if ((await stat(jobFile)).isFile()) return
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  throw new BatchwrightError({
    code: 'JOB_FILE_MISSING',
    message: `expected a job file at ${path.relative(projectFolder, jobFile)}, found none`,
    hint: 'Job files are default exports under jobs/: `batchwright jobs` lists them.',
    details: { path: jobFile },
  })
}

function invalid(jobFile: string, projectFolder: string, failure: BuildFailure): BatchwrightError {
  const [first, ...others] = failure.errors.map(({ location, text }) => placeOf(location, text, jobFile, projectFolder))
  const shown = [...(first === undefined ? [] : [first]), ...others.slice(0, MAX_SHOWN_ERRORS - 1)]
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return new BatchwrightError({
    code: 'JOB_FILE_INVALID',
    message: `the job file could not be bundled: ${first?.message ?? failure.message}${more}`,
    hint: hintFor(failure),
    details: {
      path: jobFile,
      // The message says what is wrong at the only place there is.
      places: placesJson(others.length === 0 ? shown.map((place) => ({ ...place, message: null })) : shown),
    },
  })
}

function placeOf(
  location: Message['location'],
  text: string,
  jobFile: string,
  projectFolder: string,
): SourcePlace & { readonly message: string } {
  return {
    file: location === null ? path.relative(projectFolder, jobFile) : location.file,
    line: location?.line ?? 1,
    column: (location?.column ?? 0) + 1,
    length: Math.max(1, location?.length ?? 1),
    message: plainText(text),
  }
}

/** The bundler's words, where they are about what only we know. */
function plainText(text: string): string {
  const [, name] = /^No matching export in ".*batchwright" for import "(.+)"$/.exec(text) ?? []
  return name === undefined ? text : `batchwright has no export ${JSON.stringify(name)}`
}

/** What to do about the first error, where the bundler's words tell. */
function hintFor({ errors: [first] }: BuildFailure): string {
  const text = first?.text ?? ''
  const [, missing] = /^Could not resolve "(.+)"$/.exec(text) ?? []
  if (missing === undefined) return exportHint(text) ?? 'Mend the file at the place named above.'
  if (/^[./]/.test(missing))
    return `Mend the path: there is no such file beside ${first?.location?.file ?? 'the job file'}.`
  return `Install it with \`npm install ${packageName(missing)}\`, or mend the name.`
}

/** `No matching export in "..." for import "chekc"`: the nearest name that the library has. */
function exportHint(text: string): string | null {
  const [, from = '', name] = /^No matching export in "(.+)" for import "(.+)"$/.exec(text) ?? []
  if (name === undefined) return null
  const near = from.endsWith('batchwright') ? nearest(name, LIBRARY_NAMES) : null
  return near === null ? 'Export it there, or mend the name.' : `Did you mean ${JSON.stringify(near)}?`
}

function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function isBuildFailure(thrown: unknown): thrown is BuildFailure {
  return thrown instanceof Error && 'errors' in thrown && Array.isArray(thrown.errors)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
