/** The project's job files as definitions: bundled, hashed, loaded. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { JobDefinition } from '../job/model.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import type { ErrorReport } from '../kernel/errors.ts'
import { placesJson } from '../kernel/source-place.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import { buildArtifact, loadArtifact } from '../runtime/index.ts'
import { usageError } from './failure.ts'
import type { Project } from './project.ts'
import { plural } from './render/text.ts'
import { suggestion } from './suggest.ts'

/** A job and the code it is made of. */
export interface LoadedJob {
  readonly definition: JobDefinition
  readonly artifact: ArtifactRef
  /** Relative to the project's folder. */
  readonly file: string
}

/** A job file that could not be loaded. */
export interface BrokenJob {
  readonly file: string
  readonly error: ErrorReport
}

/** Every job of the project by name, and the files that could not be loaded. Two jobs of one name: JOB_DUPLICATE. */
export async function loadAllJobs(
  project: Project,
): Promise<{ readonly jobs: readonly LoadedJob[]; readonly broken: readonly BrokenJob[] }> {
  const jobs: LoadedJob[] = []
  const broken: BrokenJob[] = []
  for (const file of project.jobFiles) {
    try {
      jobs.push(await loadFile(project, file))
    } catch (error) {
      broken.push({ file: path.relative(project.folder, file), error: reportError(error) })
    }
  }
  jobs.sort((left, right) => (left.definition.name < right.definition.name ? -1 : 1))
  refuseDuplicates(jobs)
  return { jobs, broken }
}

/**
 * The job of this name. Looks into the files that are named after it or mention it first, so that the other jobs of a large
 * project cost nothing. Throws JOB_UNKNOWN with the nearest name, or what went wrong in the file that mentions it.
 */
export async function loadJob(project: Project, name: string): Promise<LoadedJob> {
  let failure: Error | null = null
  const known: string[] = []
  for (const { file, likely } of byLikelihood(project.jobFiles, name)) {
    try {
      const loaded = await loadFile(project, file)
      if (loaded.definition.name === name) return loaded
      known.push(loaded.definition.name)
    } catch (error) {
      if (likely) failure ??= error instanceof Error ? error : new Error(String(error))
    }
  }
  if (failure !== null) throw failure
  const where = project.jobGlobs.join(', ')
  throw usageError({
    code: 'JOB_UNKNOWN',
    message:
      known.length === 0
        ? `no job is called ${JSON.stringify(name)}: there are no jobs (looked for ${where} in ${project.folder})`
        : `no job is called ${JSON.stringify(name)}`,
    hint: known.length === 0 ? noJobsHint(project) : suggestion(name, known.sort(), 'batchwright jobs'),
    details: { given: name, jobs: known },
  })
}

async function loadFile(project: Project, file: string): Promise<LoadedJob> {
  const artifact = await buildArtifact({
    jobFile: file,
    projectFolder: project.folder,
    artifactsFolder: path.join(project.state, 'artifacts'),
  })
  const relative = path.relative(project.folder, file)
  try {
    return { artifact, definition: await loadArtifact(artifact), file: relative }
  } catch (thrown) {
    throw isNoJob(thrown) ? atDefaultExport(thrown, file) : thrown
  }
}

/** Files may be there, and be taken for helpers: they have no default export. */
function noJobsHint(project: Project): string {
  const [first, ...more] = globSync([...project.jobGlobs], { cwd: project.folder }).toSorted()
  if (first === undefined)
    return 'put a file that ends with `export default job(...)` into jobs/; `batchwright init` makes a first one'
  const others = more.length === 0 ? '' : ` (and ${plural(more.length, 'more file')})`
  return `${first}${others} has no default export: end it with \`export default job('name', { ... }, (steps) => { ... })\``
}

/** Whether a file was loaded, and what it exports is no job: nothing was thrown at a line of it. */
function isNoJob(thrown: unknown): thrown is BatchwrightError {
  return thrown instanceof BatchwrightError && thrown.code === 'JOB_FILE_INVALID' && thrown.cause === undefined
}

function atDefaultExport({ message, hint, details }: BatchwrightError, file: string): BatchwrightError {
  const lines = readFileSync(file, 'utf8').split('\n')
  const at = lines.findIndex((line) => /\bexport\s+default\b|\bas\s+default\b/.test(line))
  const column = (lines[at]?.search(/\bexport\b/) ?? 0) + 1
  const place = { file, line: at + 1, column, length: 'export default'.length, message: null }
  return new BatchwrightError({
    code: 'JOB_FILE_INVALID',
    message,
    ...(hint === undefined ? {} : { hint }),
    details: { ...details, ...(at === -1 ? {} : { places: placesJson([place]) }) },
  })
}

function byLikelihood(files: readonly string[], name: string): readonly { file: string; likely: boolean }[] {
  const ranked = files.map((file) => {
    if (path.parse(file).name === name) return { file, rank: 0 }
    return { file, rank: readFileSync(file, 'utf8').includes(name) ? 1 : 2 }
  })
  ranked.sort((left, right) => left.rank - right.rank)
  return ranked.map(({ file, rank }) => ({ file, likely: rank < 2 }))
}

function refuseDuplicates(jobs: readonly LoadedJob[]): void {
  for (const [index, job] of jobs.entries()) {
    const next = jobs[index + 1]
    if (next === undefined || next.definition.name !== job.definition.name) continue
    throw usageError({
      code: 'JOB_DUPLICATE',
      message: `two files define a job called ${JSON.stringify(job.definition.name)}: ${job.file} and ${next.file}`,
      hint: `rename one of them: the first argument of job(${JSON.stringify(job.definition.name)}, ...)`,
      details: { job: job.definition.name, files: [job.file, next.file] },
    })
  }
}
