/** `jobs`: the jobs of the project, each with its last run. */
import type { JsonValue } from '../../kernel/errors.ts'
import type { Store } from '../../store/contract.ts'
import { loadAllJobs } from '../definitions.ts'
import type { BrokenJob, LoadedJob } from '../definitions.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT, failureLines } from '../failure.ts'
import { jobLines } from '../render/lists.ts'
import type { JobRow } from '../render/lists.ts'
import type { Session } from '../session.ts'
import { runJson } from '../view.ts'

/** `batchwright jobs`: `{ total, items: [job], broken: [file] }`. Exit code 1 where a job file cannot be loaded. */
export async function jobs(session: Session): Promise<ExitCode> {
  const { terminal, project } = session
  const loaded = await loadAllJobs(project)
  const store = session.hasStore() ? await session.store() : null
  const rows = await Promise.all(loaded.jobs.map((job) => jobRow(job, store)))
  terminal.printJson({ total: rows.length, items: rows.map(jobJson), broken: loaded.broken.map(brokenJson) })
  if (rows.length > 0) terminal.print(jobLines(rows, terminal))
  else terminal.print([`no jobs in ${project.folder} (looked for ${project.jobGlobs.join(', ')})`])
  const style = {
    paint: terminal.paintNotes,
    width: terminal.liveWidth,
    verbose: terminal.verbose,
    projectFolder: project.folder,
  }
  for (const { file, error } of loaded.broken) {
    terminal.note(['', ...failureLines({ ...error, message: `${file}: ${error.message}` }, style)])
  }
  return loaded.broken.length > 0 ? EXIT.failed : EXIT.succeeded
}

async function jobRow({ definition, file }: LoadedJob, store: Store | null): Promise<JobRow> {
  const last = store === null ? undefined : (await store.listRuns({ job: definition.name, limit: 1 })).items[0]
  return {
    name: definition.name,
    description: definition.description,
    owner: definition.owner,
    window: definition.window?.kind ?? null,
    steps: definition.steps.map((step) => step.name),
    file,
    lastRun: last ?? null,
  }
}

function jobJson(job: JobRow): JsonValue {
  const { name, description, owner, window, steps, file, lastRun } = job
  return { name, description, owner, window, steps, file, lastRun: lastRun === null ? null : runJson(lastRun) }
}

function brokenJson({ file, error }: BrokenJob): JsonValue {
  return { file, code: error.code, message: error.message, hint: error.hint ?? null }
}
