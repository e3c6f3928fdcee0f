/** What a replay with sinks off needs around it: the code, the run as the step knew it, clients, a folder that goes again. */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { JobDefinition, StepDefinition } from '../../job/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ArtifactRef, Folders, LogLine, RunContext } from '../../protocol/index.ts'
import { CallStop, createHost, dryTables, findStep, loadArtifact } from '../../runtime/index.ts'
import type { DryRecordsRequest, SlotHost } from '../../runtime/index.ts'
import type { RunRow, TaskRow } from '../../store/index.ts'
import { loadJob } from '../definitions.ts'
import { EXIT } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { waitForDebugger } from '../inspect.ts'
import type { InspectOptions } from '../inspect.ts'
import { listenForInterrupts } from '../interrupt.ts'
import type { Interrupts } from '../interrupt.ts'
import { plural, wrap } from '../render/text.ts'
import { runFolder } from '../project.ts'
import type { Project } from '../project.ts'
import type { Session } from '../session.ts'
import type { StepAnnouncement } from './steps-before.ts'

export interface DebugOptions extends InspectOptions {
  /** Default: the code that the run was made with. */
  readonly code?: 'pinned' | 'current'
  /** Opens the services that the step uses, for real. Default: a call of one fails, and says so. */
  readonly services?: boolean
}

/** A line that the step's code logged on the way. */
export type Logged = Pick<LogLine, 'level' | 'message' | 'fields'>

export interface Scene {
  readonly job: JobDefinition
  readonly step: StepDefinition
  readonly code: 'pinned' | 'current'
  readonly codeVersion: string
  readonly context: DryRecordsRequest['context']
  readonly artifact: ArtifactRef
  /** Whether services are opened, for real. */
  readonly services: boolean
  readonly host: SlotHost
  readonly project: Project
  readonly folders: Folders
  readonly scratch: string
  readonly logged: readonly Logged[]
  /** Aborted when the user has had enough. */
  readonly signal: AbortSignal
  /** Says that a step before is worked through again. */
  readonly tell: (announcement: StepAnnouncement) => void
  /** Called just before the record that is looked for meets the step's functions. */
  readonly before: () => void
}

/**
 * Sets the scene for a step of a run, lets `act` play, and clears everything away: also where Ctrl-C ends it, whose exit code
 * it gives then. While a debugger may hold the process signals have their own effect: nobody would hear them at a breakpoint.
 */
export async function onScene(
  session: Session,
  { run, task }: { readonly run: RunRow; readonly task: TaskRow },
  options: DebugOptions,
  act: (scene: Scene) => Promise<void>,
): Promise<ExitCode> {
  const artifact = await artifactOf(session, run, options.code ?? 'pinned')
  const job = await loadArtifact(artifact)
  const step = findStep(job, task.step)
  const scratch = await openScratch()
  const host = createHost({ clock: session.clock, random: session.random })
  const logged: Logged[] = []
  const note = (message: string): void => {
    session.terminal.note([message])
  }
  const interrupts = hear(options, note)
  try {
    const folders = foldersOf(session, run)
    const context = contextOf(run)
    const { partition } = task
    const tables = partition === null ? {} : await dryTables(host, { step, run: context, folders, artifact, partition })
    const services = options.services === true
    const clients = services ? (await host.services.use(step.services, note)).clients : withoutServices(step)
    await act({
      job,
      step,
      code: options.code ?? 'pinned',
      codeVersion: artifact.codeVersion,
      context: {
        run: context,
        use: { ...tables, ...clients },
        signal: interrupts.signal,
        log: (level, message, fields) => {
          const { message: text } = host.redactor.line({ level, message, at: 0 })
          logged.push({ level, message: text, ...(fields === undefined ? {} : { fields }) })
        },
      },
      artifact,
      services,
      host,
      project: session.project,
      folders,
      scratch: scratch.folder,
      logged,
      signal: interrupts.signal,
      tell: (announcement) => {
        const { paint, width } = session.terminal
        session.terminal.print(wrap(announcementText(announcement), width).map((line) => paint(line, 'dim')))
      },
      before: stopper(job, task.step, options),
    })
    return EXIT.succeeded
  } catch (thrown) {
    if (interrupts.signal.aborted) return EXIT.interrupted
    throw thrown
  } finally {
    interrupts.release()
    await host.close()
    await scratch.close()
  }
}

/** A folder that goes at the end, or with the process. */
async function openScratch(): Promise<{ readonly folder: string; close(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'batchwright-debug-'))
  const onExit = (): void => {
    rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', onExit)
  return {
    folder,
    close: async () => {
      await rm(folder, { recursive: true, force: true })
      process.off('exit', onExit)
    },
  }
}

function hear({ inspect, inspectBrk }: InspectOptions, note: (message: string) => void): Interrupts {
  if (inspect !== undefined || inspectBrk !== undefined) {
    return { signal: new AbortController().signal, release: () => undefined }
  }
  return listenForInterrupts((signal) => {
    note(`${signal}: stopping; nothing was written`)
  })
}

function announcementText({ step, partitions, records, succeeded }: StepAnnouncement): string {
  const why = succeeded
    ? 'what it handed on went when the run had succeeded'
    : 'what it handed on is not there any more'
  return `step ${step} is worked through again first, in a scratch folder: ${plural(partitions, 'partition')}, ${plural(records, 'record')} (${why})`
}

async function artifactOf(session: Session, run: RunRow, code: 'pinned' | 'current'): Promise<ArtifactRef> {
  if (code === 'pinned') return { codeVersion: run.codeVersion, path: run.artifactPath }
  return (await loadJob(session.project, run.job)).artifact
}

function foldersOf({ project }: Session, { runId }: RunRow): Folders {
  return { project: project.folder, state: project.state, run: runFolder(project, runId) }
}

function contextOf({ runId, job, revision, window, parameters, logicalTime, seed }: RunRow): RunContext {
  return { runId, job, revision, window, parameters, logicalTime, seed }
}

/** Waits for a debugger where one is asked for; with --inspect-brk it stops as the record enters the step's code. */
function stopper(job: JobDefinition, step: string, options: InspectOptions): () => void {
  if (options.inspect !== undefined) waitForDebugger()
  if (options.inspectBrk === undefined) return () => undefined
  const stop = new CallStop()
  stop.watch(job, step)
  return () => {
    stop.next()
  }
}

/** Clients that do nothing but say why: what a client does outside cannot be taken back. */
function withoutServices(step: StepDefinition): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    [...step.services].map(([name, service]) => [
      name,
      new Proxy(() => undefined, {
        get: (_, member) => {
          // What prints or awaits a client asks for these; they are no calls of it.
          if (typeof member === 'symbol' || member === 'then' || member === 'toJSON') return undefined
          throw serviceOff(step.name, service.name, member)
        },
        apply: () => {
          throw serviceOff(step.name, service.name, null)
        },
      }),
    ]),
  )
}

function serviceOff(step: string, service: string, member: string | null): BatchwrightError {
  const details: Record<string, JsonValue> = { step, service, ...(member === null ? {} : { member }) }
  return new BatchwrightError({
    code: 'SERVICE_OFF',
    message: `step ${step} used the service ${service}${member === null ? '' : ` (${member})`}: services are off while debugging, like sinks`,
    hint: 'add --services to open it for real: what it does outside happens',
    details,
  })
}
