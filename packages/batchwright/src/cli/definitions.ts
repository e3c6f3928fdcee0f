/** The project's job files as definitions: bundled, hashed, loaded. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { JobDefinition } from '../job/model.ts'
import { reportError } from '../kernel/errors.ts'
import type { ErrorReport } from '../kernel/errors.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import { buildArtifact, loadArtifact } from '../runtime/index.ts'
import { usageError } from './failure.ts'
import type { Project } from './project.ts'
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
        ? `no job is called ${JSON.stringify(name)}: ${project.folder} has no jobs (looked for ${where})`
        : `no job is called ${JSON.stringify(name)}`,
    hint:
      known.length === 0
        ? 'put a file that default-exports job(...) into jobs/'
        : suggestion(name, known.sort(), 'batchwright jobs'),
    details: { given: name, jobs: known },
  })
}

/** The definition that an earlier run was made with, from its kept artifact. */
export function loadPinned(artifact: ArtifactRef): Promise<JobDefinition> {
  return loadArtifact(artifact)
}

async function loadFile(project: Project, file: string): Promise<LoadedJob> {
  const artifact = await buildArtifact({
    jobFile: file,
    projectFolder: project.folder,
    artifactsFolder: path.join(project.state, 'artifacts'),
  })
  return { artifact, definition: await loadArtifact(artifact), file: path.relative(project.folder, file) }
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
      hint: 'rename one of them',
      details: { job: job.definition.name, files: [job.file, next.file] },
    })
  }
}
