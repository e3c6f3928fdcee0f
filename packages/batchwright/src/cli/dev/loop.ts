/** `dev`: looks at jobs again and again, as their files change. */
import path from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { reportError, type ErrorReport } from '../../kernel/errors.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { CONFIG_FILE } from '../configuration.ts'
import { checkTypes, startPass, type PassReport, type Scratch, type TypesReport } from '../pass/index.ts'
import type { Project } from '../project.ts'
import { openChanges, type Changes } from './changes.ts'
import { foldersOf, sameState, stateAtStart, stateOf, type FilesState, type Watched } from './signature.ts'

export interface DevRequest {
  readonly window: string | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly sample: number
  readonly step: string | null
  readonly effects: boolean
}

/** One look at all jobs that have changed. */
export interface DevPass {
  /** From 1. */
  readonly number: number
  readonly jobs: readonly DevJob[]
  readonly types: TypesReport
  readonly tookMs: number
}

export interface DevJob {
  readonly report: PassReport
  /** Steps that are not what they were at the last look; null at the first, or where it cannot be told. */
  readonly changed: readonly string[] | null
}

export interface DevOptions {
  /** The project as it is now: job files come and go. */
  readonly openProject: () => Project
  /** The job files that are wanted, of those of the project. */
  readonly choose: (project: Project) => readonly string[]
  readonly scratch: Scratch
  readonly clock: Clock
  readonly request: DevRequest
  /** Ends it: Ctrl-C. */
  readonly signal: AbortSignal
  readonly once: boolean
  /** Whether types are checked. */
  readonly types: boolean
  /** Told of the jobs of a pass as soon as they have been looked at: types take longer. */
  readonly onJobs: (jobs: readonly DevJob[], tookMs: number) => void
  /** Told of each pass that came to its end, and of those that a change stopped. */
  readonly onPass: (pass: DevPass) => void
  readonly onStopped: () => void
  readonly onWaiting: (watched: Watched) => void
}

/** Returns when the signal is aborted, or after one pass with `once`. */
export async function devLoop(options: DevOptions): Promise<void> {
  const { clock, signal, once } = options
  const changes = openChanges(clock)
  const interrupted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve()
    })
  })
  const looks = new Looks(options)
  try {
    while (!isStopped(signal)) {
      const pass = await lookOnce(looks, changes, interrupted)
      if (isStopped(signal)) return
      if (pass === 'changed') {
        options.onStopped()
        continue
      }
      options.onPass(pass)
      if (once) return
      const watched = looks.watched()
      changes.watch(foldersOf(watched), () => looks.changedSince())
      options.onWaiting(watched)
      await Promise.race([changes.next(), interrupted])
    }
  } finally {
    changes.close()
  }
}

/** Asked anew each time: what the type checker takes for settled may have changed while one waited. */
function isStopped(signal: AbortSignal): boolean {
  return signal.aborted
}

async function lookOnce(looks: Looks, changes: Changes, interrupted: Promise<void>): Promise<DevPass | 'changed'> {
  const stop = new AbortController()
  const watched = looks.watched()
  const start = stateOf(watched)
  changes.watch(foldersOf(watched), () => !sameState(stateOf(watched), start))
  const work = looks.look(stop.signal)
  const first = await Promise.race([
    work.then(() => 'done' as const),
    changes.next().then(() => 'changed' as const),
    interrupted.then(() => 'changed' as const),
  ])
  if (first === 'changed') stop.abort()
  return (await work) ?? 'changed'
}

/** What is known of each job file from the looks before. */
interface Known {
  readonly report: PassReport
  readonly watched: Watched
  /** What it was when that look began. */
  readonly state: FilesState
}

class Looks {
  readonly #options: DevOptions
  readonly #known = new Map<string, Known>()
  #project: Watched = { files: [], sourceFolders: [], inputFolders: [] }
  #projectState: FilesState = new Map()
  #passes = 0

  constructor(options: DevOptions) {
    this.#options = options
  }

  /** All that the next look depends on, as far as it is known. */
  watched(): Watched {
    const all = [this.#projectNow(), ...[...this.#known.values()].map((each) => each.watched)]
    return {
      files: [...new Set(all.flatMap((each) => each.files))],
      sourceFolders: [...new Set(all.flatMap((each) => each.sourceFolders))],
      inputFolders: [...new Set(all.flatMap((each) => each.inputFolders))],
    }
  }

  /** Whether anything is different from what the last look saw. */
  changedSince(): boolean {
    if (!sameState(stateOf(this.#project), this.#projectState)) return true
    return [...this.#known.values()].some(({ watched, state }) => !sameState(stateOf(watched), state))
  }

  /** Settings, job files, and the folders that job files may come into. */
  #projectNow(): Watched {
    const { folder, jobFiles, jobGlobs } = this.#options.openProject()
    return {
      files: [...[CONFIG_FILE, 'tsconfig.json', 'package.json'].map((name) => path.join(folder, name)), ...jobFiles],
      sourceFolders: [...new Set(jobGlobs.map((glob) => folderOf(glob, folder)))],
      inputFolders: [],
    }
  }

  /** Looks at the jobs that have changed since the last look. Null where it was stopped. */
  async look(signal: AbortSignal): Promise<DevPass | null> {
    const { clock, openProject, choose } = this.#options
    const began = clock.monotonic()
    const project = openProject()
    const files = choose(project)
    this.#project = this.#projectNow()
    this.#projectState = stateOf(this.#project)
    for (const file of this.#known.keys()) if (!files.includes(file)) this.#known.delete(file)
    const types = this.#types(project, files, signal)
    const jobs: DevJob[] = []
    for (const file of files) {
      const job = await this.#lookAt(file, project, signal)
      if (job !== null) jobs.push(job)
    }
    if (!isStopped(signal)) this.#options.onJobs(jobs, clock.monotonic() - began)
    const checked = await types
    if (isStopped(signal) || checked === null) return null
    this.#passes += 1
    return { number: this.#passes, jobs, types: checked, tookMs: clock.monotonic() - began }
  }

  #types(project: Project, jobFiles: readonly string[], signal: AbortSignal): Promise<TypesReport | null> {
    const { types, scratch } = this.#options
    if (!types) return Promise.resolve({ state: 'unchecked', why: 'left out', hint: 'without --no-types they are' })
    const buildInfo = path.join(path.dirname(scratch.artifactsFolder), 'types.tsbuildinfo')
    return checkTypes({ projectFolder: project.folder, jobFiles, buildInfo, signal })
  }

  /** Null where nothing of it has changed, or it was stopped. */
  async #lookAt(file: string, project: Project, signal: AbortSignal): Promise<DevJob | null> {
    const known = this.#known.get(file)
    const start = stateOf(known?.watched ?? { files: [file], sourceFolders: [], inputFolders: [] })
    if (known !== undefined && sameState(start, known.state)) return null
    const report = await this.#pass(file, project, signal)
    if (report === null) return null
    const watched = watchedBy(report, file, known?.watched ?? null)
    this.#known.set(file, { report, watched, state: stateAtStart(stateOf(watched), start) })
    return { report, changed: changedSteps(known?.report ?? null, report) }
  }

  async #pass(file: string, project: Project, signal: AbortSignal): Promise<PassReport | null> {
    const { clock, scratch, request } = this.#options
    if (signal.aborted) return null
    const running = startPass(
      {
        ...request,
        projectFolder: project.folder,
        jobFile: file,
        artifactsFolder: scratch.artifactsFolder,
        scratch: await scratch.next(),
      },
      { clock, limitMs: null },
    )
    const stop = (): void => {
      void running.stop()
    }
    if (isStopped(signal)) stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await running.report
    } catch (thrown) {
      return failedPass(path.relative(project.folder, file), reportError(thrown))
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}

/** The folder that a glob begins in. */
function folderOf(glob: string, folder: string): string {
  const at = glob.search(/[*?[\]{}]/)
  return path.resolve(folder, path.dirname(at === -1 ? glob : `${glob.slice(0, at)}x`))
}

function watchedBy(report: PassReport, file: string, before: Watched | null): Watched {
  const built = report.job !== null
  const files = built ? report.sources : [...new Set([file, ...report.sources, ...(before?.files ?? [])])]
  return {
    files,
    sourceFolders: built ? [] : [...new Set(files.map((each) => path.dirname(each)))],
    inputFolders: report.inputFolders.length > 0 ? report.inputFolders : (before?.inputFolders ?? []),
  }
}

function changedSteps(before: PassReport | null, now: PassReport): readonly string[] | null {
  if (before === null || before.run === null || before.codeVersion === now.codeVersion) return null
  const changed = Object.entries(now.stepDigests).filter(([name, digest]) => before.stepDigests[name] !== digest)
  return changed.length === 0 ? null : changed.map(([name]) => name)
}

function failedPass(file: string, error: ErrorReport): PassReport {
  return {
    file,
    job: null,
    window: null,
    codeVersion: null,
    error,
    contracts: [],
    run: null,
    stepDigests: {},
    sources: [],
    inputFolders: [],
    printed: [],
  }
}
