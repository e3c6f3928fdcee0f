/** All that `doctor` looks at, in the order in which one thing rests on another. */
import { totalmem } from 'node:os'
import path from 'node:path'
import { datasetFolder } from '../../data/index.ts'
import { datasetsWritten, type JobDefinition } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { loadAllJobs } from '../definitions.ts'
import { openScratch, type Scratch } from '../pass/index.ts'
import type { Project } from '../project.ts'
import { plural } from '../render/text.ts'
import type { Session } from '../session.ts'
import { configurationFindings } from './configuration.ts'
import { diskFindings, permissionFindings, storageFindings, type WrittenFolder } from './files.ts'
import { fail, ok, warn, type Finding } from './finding.ts'
import { storageProofFindings, storeContentFindings, storeFindings } from './store.ts'
import { clockFindings, momentOf, secretFindings } from './surroundings.ts'
import { versionFindings } from './versions.ts'

export async function examine(session: Session): Promise<readonly Finding[]> {
  const { clock, environment } = session
  const began = momentOf(clock)
  const project = openedProject(session)
  if (!('folder' in project)) return [project, ...(await versionFindings(process.cwd(), []))]
  const written = [{ what: 'state', folder: project.state }]
  const { findings: definitions, jobs } = await definitionFindings(project)
  written.push(...jobs.flatMap((job) => writtenBy(job, project.folder)))
  const file = await storeFindings(project.store, project.state, clock)
  const content = file.usable ? await storeContentFindings(await session.store(), clock.now()) : []
  return [
    ...configurationFindings(project.configuration, environment, totalmem()),
    ...definitions,
    ...(await versionFindings(project.folder, jobs)),
    ...file.findings,
    ...content,
    ...(file.usable ? await storageProofFindings(project, await session.store()) : []),
    ...(await permissionFindings(distinct(written), distinct([{ what: 'jobs', folder: project.folder }]))),
    ...(await diskFindings(distinct(written), file.usable ? await lastRunBytes(session) : 0)),
    ...clockFindings(began, momentOf(clock), process.versions['tz']),
    ...(await secretFindings(jobs, environment)),
    ...(await storageFindings(distinct(written), clock)),
  ]
}

/** The project, or what is wrong with its configuration. That there is none is the caller's to say. */
function openedProject(session: Session): Project | Finding {
  try {
    return session.project
  } catch (thrown) {
    if (!(thrown instanceof BatchwrightError) || thrown.code !== 'CONFIG_INVALID') throw thrown
    return fail('configuration', thrown.code, thrown.message, thrown.hint ?? 'mend the file')
  }
}

async function definitionFindings(
  project: Project,
): Promise<{ readonly findings: readonly Finding[]; readonly jobs: readonly JobDefinition[] }> {
  const scratch = await scratchOf(project)
  if (scratch === null) return { findings: [], jobs: [] }
  try {
    const { jobs, broken } = await loadAllJobs({ ...project, state: path.dirname(scratch.artifactsFolder) })
    const findings = broken.map(({ file, error }) =>
      warn(
        'configuration',
        error.code,
        `${file} cannot be loaded: ${error.message}`,
        '`batchwright check` shows where',
      ),
    )
    const counted = ok(
      'configuration',
      `${plural(jobs.length, 'job')}: ${jobs.map((job) => job.definition.name).join(', ')}`,
    )
    return { findings: [counted, ...findings], jobs: jobs.map((job) => job.definition) }
  } finally {
    await scratch.close()
  }
}

/** Null where the state folder cannot be written: that is told with the permissions. */
async function scratchOf(project: Project): Promise<Scratch | null> {
  try {
    return await openScratch(project.state)
  } catch (thrown) {
    if (thrown instanceof BatchwrightError) return null
    throw thrown
  }
}

function writtenBy(job: JobDefinition, projectFolder: string): readonly WrittenFolder[] {
  return job.steps.flatMap((step) =>
    datasetsWritten(step).map(({ dataset }) => ({
      what: `dataset ${dataset.name}`,
      folder: datasetFolder(projectFolder, dataset),
    })),
  )
}

function distinct(folders: readonly WrittenFolder[]): readonly WrittenFolder[] {
  return [...new Map(folders.map((each) => [each.folder, each])).values()]
}

/** Bytes that the last run which succeeded wrote, over all its steps. */
async function lastRunBytes(session: Session): Promise<number> {
  const store = await session.store()
  const { items } = await store.listRuns({ states: ['succeeded'], limit: 1 })
  const [last] = items
  if (last === undefined) return 0
  const steps = await store.listSteps(last.runId)
  return steps.reduce((sum, step) => sum + step.counters.bytesWritten, 0)
}
