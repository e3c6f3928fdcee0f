/** `dev`: looks at jobs again and again, as their files change. */
import path from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { reportError, type ErrorReport } from '../../kernel/errors.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { CONFIG_FILE } from '../configuration.ts'
import { checkTypes, startPass, type PassReport, type Scratch, type TypesReport } from '../pass/index.ts'
import type { Project } from '../project.ts'
import { openChanges, type Changes } from './changes.ts'
import { signatureOf, type Watched } from './signature.ts'

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
    changes.watch(looks.watched())
    while (!isStopped(signal)) {
      const outcome = await lookOnce(looks, changes, interrupted)
      if (isStopped(signal)) return
      if (outcome === 'changed') {
        options.onStopped()
        changes.watch(looks.watched())
        continue
      }
      options.onPass(outcome.pass)
      if (once) return
      changes.watch(outcome.watched, outcome.signature)
      options.onWaiting(outcome.watched)
      await Promise.race([changes.next(), interrupted])
      changes.watch(looks.watched())
    }
  } finally {
    changes.close()
  }
}

/** Asked anew each time: what the type checker takes for settled may have changed while one waited. */
function isStopped(signal: AbortSignal): boolean {
  return signal.aborted
}

interface Look {
  readonly pass: DevPass
  /** What it has looked at, and what that was when it began. */
  readonly watched: Watched
  readonly signature: string
}

async function lookOnce(looks: Looks, changes: Changes, interrupted: Promise<void>): Promise<Look | 'changed'> {
  const stop = new AbortController()
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
  readonly signature: string
}

class Looks {
  readonly #options: DevOptions
  readonly #known = new Map<string, Known>()
  #passes = 0

  constructor(options: DevOptions) {
    this.#options = options
  }

  /** All that the next look depends on, as far as it is known. */
  watched(): Watched {
    const { folder, jobFiles, jobGlobs } = this.#options.openProject()
    const known = [...this.#known.values()].map((each) => each.watched)
    const settings = [CONFIG_FILE, 'tsconfig.json', 'package.json'].map((name) => path.join(folder, name))
    return {
      files: [...new Set([...settings, ...jobFiles, ...known.flatMap((each) => each.files)])],
      sourceFolders: [
        ...new Set([...jobGlobs.map((glob) => folderOf(glob, folder)), ...known.flatMap((each) => each.sourceFolders)]),
      ],
      inputFolders: [...new Set(known.flatMap((each) => each.inputFolders))],
    }
  }

  /** Looks at the jobs that have changed since the last look. Null where it was stopped. */
  async look(signal: AbortSignal): Promise<Look | null> {
    const { clock, openProject, choose, scratch } = this.#options
    const began = clock.monotonic()
    const project = openProject()
    const files = choose(project)
    const before = this.watched()
    const signature = signatureOf(before)
    for (const file of this.#known.keys()) if (!files.includes(file)) this.#known.delete(file)
    const types = checkTypes({
      projectFolder: project.folder,
      jobFiles: files,
      buildInfo: path.join(path.dirname(scratch.artifactsFolder), 'types.tsbuildinfo'),
      signal,
    })
    const jobs: DevJob[] = []
    for (const file of files) {
      const job = await this.#lookAt(file, project, signal)
      if (job !== null) jobs.push(job)
    }
    const checked = await types
    if (signal.aborted || checked === null) return null
    this.#passes += 1
    const pass = { number: this.#passes, jobs, types: checked, tookMs: clock.monotonic() - began }
    const after = this.watched()
    // What was known beforehand is held against what it was then; what has come to be known, against what it is now.
    const same = JSON.stringify(after) === JSON.stringify(before)
    return { pass, watched: after, signature: same ? signature : signatureOf(after) }
  }

  /** Null where nothing of it has changed, or it was stopped. */
  async #lookAt(file: string, project: Project, signal: AbortSignal): Promise<DevJob | null> {
    const known = this.#known.get(file)
    if (known !== undefined && signatureOf(known.watched) === known.signature) return null
    const report = await this.#pass(file, project, signal)
    if (report === null) return null
    const watched = watchedBy(report, file, known?.watched ?? null)
    this.#known.set(file, { report, watched, signature: signatureOf(watched) })
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
