/** `dev`: what the jobs do to a sample, again with every change of their files. Nothing is published. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { openProject, type Project } from '../project.ts'
import { devJson } from '../dev/json.ts'
import { devLoop, type DevJob, type DevPass } from '../dev/loop.ts'
import { inputLines, outputLines, stepLine, stepLines } from '../dev/render.ts'
import type { DevStyle } from '../dev/rows.ts'
import type { Watched } from '../dev/signature.ts'
import { loadJob } from '../definitions.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT, failureLines, reportError, usageError } from '../failure.ts'
import { listenForInterrupts } from '../interrupt.ts'
import { openScratch, problemsOf } from '../pass/index.ts'
import { problemLines, typeLines } from '../pass/render.ts'
import { duration, plural, printable } from '../render/text.ts'
import { readParameters } from '../select.ts'
import type { Session } from '../session.ts'

export interface DevOptions {
  readonly job: string | undefined
  readonly window?: string
  readonly param?: readonly string[]
  readonly sample: number
  readonly step?: string
  readonly effects?: boolean
  readonly types: boolean
  readonly once?: boolean
}

/** `batchwright dev [JOB]`: one object for each pass with `--json`. With `--once` exit code 1 where something would break. */
export async function dev(session: Session, options: DevOptions): Promise<ExitCode> {
  const { terminal, clock, project } = session
  const only = options.job === undefined ? null : await fileOf(project, options.job)
  if (only === null && project.jobFiles.length === 0) throw noJobs(project)
  const scratch = await openScratch(project.state)
  const ended = new AbortController()
  const interrupts = listenForInterrupts(() => {
    ended.abort()
  })
  let code: ExitCode = EXIT.succeeded
  try {
    await devLoop({
      openProject: reopening(project, session),
      choose: ({ jobFiles }) => (only === null ? jobFiles : jobFiles.filter((file) => file === only)),
      scratch,
      clock,
      request: {
        window: options.window ?? null,
        parameters: readParameters(options.param ?? []),
        sample: options.sample,
        step: options.step ?? null,
        effects: options.effects === true,
      },
      signal: ended.signal,
      once: options.once === true,
      types: options.types,
      onJobs: (jobs, tookMs) => {
        terminal.print(passLines(jobs, tookMs, session))
      },
      onPass: (pass) => {
        terminal.printJson(devJson(pass))
        terminal.print(typeLines(pass.types, session))
        code = wouldBreak(pass) ? EXIT.failed : EXIT.succeeded
      },
      onStopped: () => {
        terminal.note(['a file has changed: beginning anew'])
      },
      onWaiting: (watched) => {
        terminal.note([waitingLine(watched, project)])
      },
    })
    if (options.once === true && ended.signal.aborted) return EXIT.interrupted
    return options.once === true ? code : EXIT.succeeded
  } finally {
    interrupts.release()
    await scratch.close()
  }
}

/** The project as it is now; as it was, while its configuration is broken: that is told, and `dev` waits for the next save. */
function reopening(project: Project, session: Session): () => Project {
  let last = project
  let told = ''
  return () => {
    try {
      last = openProject(project.folder, project.folder, session.environment)
      told = ''
    } catch (thrown) {
      const report = reportError(thrown)
      if (report.code !== 'CONFIG_INVALID') throw thrown
      const { paintNotes: paint, liveWidth: width, verbose } = session.terminal
      if (told !== report.message) {
        session.terminal.note(failureLines(report, { paint, width, verbose, projectFolder: project.folder }))
      }
      told = report.message
    }
    return last
  }
}

/** The file that defines a job, by its text: a file that is broken at the moment is found too. */
async function fileOf(project: Project, job: string): Promise<string> {
  const quoted = job.replaceAll(/[^\w-]/g, String.raw`\$&`)
  const defines = new RegExp(String.raw`\bjob\s*\(\s*(['"\`])${quoted}\1`)
  const found = project.jobFiles.find((file) => defines.test(readFileSync(file, 'utf8')))
  return found ?? path.join(project.folder, (await loadJob(project, job)).file)
}

function noJobs(project: Project): Error {
  return usageError({
    code: 'JOB_UNKNOWN',
    message: `${project.folder} has no jobs (looked for ${project.jobGlobs.join(', ')})`,
    hint: 'put a file that default-exports job(...) into jobs/',
  })
}

function wouldBreak({ jobs, types }: DevPass): boolean {
  if (types.state === 'checked' && types.problems.length > 0) return true
  return jobs.some(({ report }) => problemsOf(report).some((problem) => problem.level === 'error'))
}

function passLines(jobs: readonly DevJob[], tookMs: number, session: Session): readonly string[] {
  const { terminal, clock } = session
  const at = new Date(clock.now()).toISOString().slice(11, 19)
  const style = { width: terminal.width, paint: terminal.paint }
  const rule = terminal.paint(`── ${at}Z, ${duration(tookMs)} ──`, 'dim')
  return [rule, ...jobs.flatMap((job) => [...jobLines(job, style, session), ''])]
}

function jobLines({ report, changed }: DevJob, style: DevStyle, session: Session): readonly string[] {
  const { terminal, project } = session
  const { paint } = style
  const { run, error } = report
  const title = [report.job, report.window, report.file].filter((part) => part !== null)
  const failure = { ...style, verbose: terminal.verbose, projectFolder: project.folder }
  const lines = [paint(printable(title.join('  ')), 'strong')]
  if (error !== null) return [...lines, ...failureLines(error, failure), ...printedLines(report.printed, style)]
  if (run === null) return lines
  const inFull = (name: string): boolean => changed === null || changed.includes(name)
  return [
    ...lines,
    ...inputLines(run.inputs, style),
    ...run.steps.flatMap((step) => (inFull(step.name) ? stepLines(step, style) : ['', stepLine(step, style)])),
    ...run.outputs.filter((output) => inFull(output.step)).flatMap((output) => outputLines(output, style)),
    ...printedLines(report.printed, style),
    ...problemLines(problemsOf(report), session),
  ]
}

function printedLines(printed: readonly string[], { paint }: DevStyle): readonly string[] {
  if (printed.length === 0) return []
  return ['', paint('printed by the job', 'dim'), ...printed.map((line) => `  ${printable(line)}`)]
}

function waitingLine({ files, inputFolders }: Watched, project: Project): string {
  const folders = inputFolders.map((folder) => `${path.relative(project.folder, folder) || '.'}/`)
  const inputs =
    folders.length === 0 ? '' : ` and ${folders.length > 3 ? plural(folders.length, 'folder') : folders.join(', ')}`
  return `watching ${plural(files.length, 'file')}${inputs}; Ctrl-C ends`
}
