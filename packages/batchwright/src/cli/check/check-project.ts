/** Everything that `check` looks at, job by job. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { currentManifest, datasetFolder, listWindows } from '../../data/index.ts'
import type { JobDefinition } from '../../job/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { reportError, type ErrorReport } from '../../kernel/errors.ts'
import { readPlaces } from '../../kernel/source-place.ts'
import { loadAllJobs, type LoadedJob } from '../definitions.ts'
import {
  checkTypes,
  problemsOf,
  startPass,
  typeProblems,
  type PassReport,
  type Problem,
  type Scratch,
} from '../pass/index.ts'
import type { Project } from '../project.ts'
import { count, plural } from '../render/text.ts'
import { acrossJobs } from './across.ts'
import { ok, warning, type CheckItem } from './items.ts'
import { readSources, type Source } from './places.ts'
import { riskySettings } from './settings.ts'
import { unusedDefinitions } from './unused.ts'

export interface CheckRequest {
  /** The name of the only job that is checked; null for all. */
  readonly job: string | null
  readonly window: string | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly sample: number
  readonly effects: boolean
  /** Whether types are checked. */
  readonly types: boolean
  /** How long the sample of one job may take, milliseconds. */
  readonly limitMs: number
  readonly scratch: Scratch
  readonly clock: Clock
}

/** Checks a project; items stand in the order in which they were looked at. Throws what `loadAllJobs` throws. */
export async function checkProject(project: Project, request: CheckRequest): Promise<readonly CheckItem[]> {
  const { job: only, scratch } = request
  // What is built for the check is no code of a run.
  const { jobs, broken } = await loadAllJobs({ ...project, state: path.dirname(scratch.artifactsFolder) })
  const wanted = jobs.filter((job) => only === null || job.definition.name === only)
  const failures = broken.filter(({ file }) => only === null || mentionsJob(path.join(project.folder, file), only))
  const items: CheckItem[] = [
    ok(
      'configuration',
      null,
      project.configuration.file === null
        ? 'no configuration file: defaults'
        : path.basename(project.configuration.file),
    ),
    ...failures.map(({ file, error }) => failed('definition', null, error, `${file}: `)),
    ...wanted.map(definitionItem),
    ...(request.types
      ? await typeItems(
          project,
          wanted,
          broken.map(({ file }) => file),
        )
      : []),
  ]
  const sources: Source[] = []
  for (const job of wanted) {
    const pass = await passOf(job, project, request)
    const own = readSources(project.folder, pass.report?.sources ?? [path.join(project.folder, job.file)])
    sources.push(...own.filter(({ file }) => !sources.some((known) => known.file === file)))
    items.push(...pass.items)
    items.push(
      ...riskySettings({
        job: job.definition,
        run: pass.report?.run ?? null,
        sources: own,
        configuration: project.configuration,
        published: await publishedRecords(job.definition, project.folder),
      }),
    )
  }
  const definitions = jobs.map(({ definition }) => definition)
  const across = acrossJobs(definitions, project.folder, sources)
  items.push(...across.filter((item) => only === null || item.job === only))
  items.push(
    ...unusedDefinitions(
      sources,
      wanted.map(({ definition }) => definition),
    ),
  )
  return items
}

function mentionsJob(file: string, job: string): boolean {
  return readFileSync(file, 'utf8').includes(job)
}

function definitionItem({ definition, file }: LoadedJob): CheckItem {
  const { name, steps, datasets } = definition
  return ok('definition', name, `${file}: ${plural(steps.length, 'step')}, ${plural(datasets.size, 'dataset')}`)
}

async function typeItems(
  project: Project,
  jobs: readonly LoadedJob[],
  broken: readonly string[],
): Promise<readonly CheckItem[]> {
  const files = [...jobs.map(({ file }) => file), ...broken].map((file) => path.join(project.folder, file))
  const types = await checkTypes({ projectFolder: project.folder, jobFiles: files, buildInfo: null })
  if (types === null) return []
  if (types.state === 'unchecked') {
    return [
      warning('types', null, {
        code: 'TYPES_UNCHECKED',
        message: `types are not checked: ${types.why}`,
        hint: types.hint,
      }),
    ]
  }
  if (types.problems.length === 0) return [ok('types', null, `no errors (TypeScript ${types.version})`)]
  return typeProblems(types).map((problem) => itemOf('types', null, problem))
}

function itemOf(about: CheckItem['about'], job: string | null, problem: Problem): CheckItem {
  return { about, job, ...problem }
}

function failed(about: CheckItem['about'], job: string | null, error: ErrorReport, prefix = ''): CheckItem {
  return {
    level: 'error',
    about,
    job,
    code: error.code,
    message: `${prefix}${error.message}`,
    hint: error.hint ?? null,
    place: readPlaces(error.details?.['places'])[0] ?? null,
    report: error,
  }
}

interface PassOutcome {
  readonly report: PassReport | null
  readonly items: readonly CheckItem[]
}

async function passOf({ definition, file }: LoadedJob, project: Project, request: CheckRequest): Promise<PassOutcome> {
  const { scratch, clock, limitMs, parameters, sample, effects } = request
  const running = startPass(
    {
      parameters,
      sample,
      effects,
      step: null,
      // A job without windows takes no part in a check of all jobs for one window.
      window: definition.window === null && request.job === null ? null : request.window,
      projectFolder: project.folder,
      jobFile: path.join(project.folder, file),
      artifactsFolder: scratch.artifactsFolder,
      scratch: await scratch.next(),
    },
    { clock, limitMs },
  )
  try {
    const report = await running.report
    return { report, items: report === null ? [] : passItems(definition.name, report) }
  } catch (thrown) {
    return { report: null, items: [failed('dry run', definition.name, reportError(thrown))] }
  }
}

function passItems(job: string, report: PassReport): readonly CheckItem[] {
  const problems = problemsOf(report)
  return [
    ...contractItems(job, report),
    ...inputItems(job, report),
    ...runItems(job, report),
    ...problems.map((problem) => itemOf(aboutOf(problem), job, problem)),
  ]
}

function aboutOf({ code }: Problem): CheckItem['about'] {
  if (code.startsWith('CONTRACT_')) return 'contract'
  if (code === 'INPUT_MISSING' || code.startsWith('COLUMN_')) return 'input'
  return code.startsWith('WINDOW_') || code.startsWith('PARAMETER_') ? 'plan' : 'dry run'
}

function contractItems(job: string, { contracts }: PassReport): readonly CheckItem[] {
  return contracts
    .filter(({ problem }) => problem === null)
    .map(({ dataset, window, found, version }) =>
      ok(
        'contract',
        job,
        found === null
          ? `${dataset}: version ${version}, nothing is published yet`
          : `${dataset}: version ${version} reads what is published${window === null ? '' : ` (${window}`}${window === null ? '' : ')'}${found === version ? '' : `, written under ${found}`}`,
      ),
    )
}

function inputItems(job: string, { run, window }: PassReport): readonly CheckItem[] {
  const at = window === null ? '' : ` for ${window}`
  return (run?.inputs ?? [])
    .filter(({ error }) => error === null)
    .map(({ dataset, found, kind }) =>
      ok('input', job, `${dataset}: ${plural(found, kind === 'files' ? 'file' : 'version')}${at}`),
    )
}

function runItems(job: string, { run, error }: PassReport): readonly CheckItem[] {
  if (run === null || error !== null || run.failure !== null || run.inputs.some((input) => input.error !== null))
    return []
  const ran = run.steps.filter((step) => step.state === 'ran')
  const left = run.steps.filter((step) => step.state === 'skipped')
  const read = run.inputs.reduce((sum, input) => sum + input.records, 0)
  const written = run.outputs.map(({ dataset, records }) => `${count(records)} of ${dataset}`)
  return [
    ok(
      'dry run',
      job,
      `${plural(read, 'record')} through ${plural(ran.length, 'step')}${written.length === 0 ? '' : `: ${written.join(', ')}`}`,
    ),
    ...left.map((step) => ok('dry run', job, `${step.name} did not run: ${step.why ?? ''}`)),
  ]
}

/** Records of the newest published version of each dataset that is there. */
async function publishedRecords(job: JobDefinition, projectFolder: string): Promise<ReadonlyMap<string, number>> {
  const records = new Map<string, number>()
  for (const dataset of job.datasets.values()) {
    if (dataset.location.kind !== 'published') continue
    const folder = datasetFolder(projectFolder, dataset)
    const newest = (await listWindows(folder)).at(-1)
    if (newest === undefined) continue
    records.set(dataset.name, (await currentManifest(folder, newest))?.records ?? 0)
  }
  return records
}
