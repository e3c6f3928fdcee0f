/** Declares every command: its arguments, options and help. What a command does is in `commands/`, loaded when it is called. */
import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { RetryOptions } from './commands/control.ts'
import type { CatOptions, RollbackOptions } from './commands/datasets.ts'
import type * as DeadLetterCommands from './commands/dead-letters.ts'
import type { DiscardOptions, ExportOptions, LetterOptions, ReplayOptions } from './commands/dead-letters.ts'
import type { PlanOptions } from './commands/plan.ts'
import type { RunOptions } from './commands/run.ts'
import type { LogsOptions, RunsOptions } from './commands/runs.ts'
import type { ExecutionOptions } from './execute.ts'
import type { ExitCode } from './failure.ts'
import { EXIT } from './failure.ts'
import type { RunChoice } from './select.ts'
import type { Session } from './session.ts'

/** A command's work: an exit code, or nothing where it can only succeed. */
type Outcome = Promise<ExitCode> | Promise<void>

export function declareCommands(program: Command, session: Session, done: (code: ExitCode) => void): void {
  program
    .description('Runs restartable, partitioned, checked batch jobs.')
    .version(packageVersion(), '-V, --version', "Batchwright's version")
    .showSuggestionAfterError()
    .addHelpText('after', '\nExit codes: 0 succeeded, 1 failed, 2 usage, 130 interrupted.')
  program.configureHelp({ showGlobalOptions: false })
  shared(program)

  const run = async (command: Command, action: () => Outcome): Promise<void> => {
    const options: { project?: string } = command.optsWithGlobals()
    session.chooseProject(options.project)
    done((await action()) ?? EXIT.succeeded)
  }
  declareRunning(program, session, run)
  declareLooking(program, session, run)
  declareControl(program, session, run)
  declareDeadLetters(program, session, run)
  declareDatasets(program, session, run)
}

type Runner = (command: Command, action: () => Outcome) => Promise<void>

/** From the package's own package.json, which lies at another height from the source than from dist/. */
function packageVersion(): string {
  const [file] = ['../package.json', '../../package.json']
    .map((place) => new URL(place, import.meta.url))
    .filter((place) => existsSync(place))
  if (file === undefined) return 'unknown'
  const text: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return typeof text === 'object' && text !== null && 'version' in text ? String(text.version) : 'unknown'
}

/** Options of every command, accepted before and after its name. */
function shared(command: Command): Command {
  return command
    .option('--project <dir>', "the project's folder (default: found upwards from here)")
    .option('--json', 'one JSON object on stdout, nothing else')
    .option('--verbose', 'stacks of errors')
    .option('--no-color', 'no colours; NO_COLOR does the same')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, outputError: () => undefined })
}

function add(parent: Command, usage: string, description: string): Command {
  return shared(parent.command(usage).description(description))
}

function positive(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1')
  return number
}

function natural(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('expected a whole number from 0')
  return number
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

const WINDOW_HELP = 'window, as 2011-01 or 2011-01-04'
const LIMIT_HELP = 'most items shown'

function executing(command: Command): Command {
  return command
    .option('--slots <n>', 'attempts at a time (default: one for each core)', positive)
    .option('--inline', 'run steps in this process instead of threads: for debugging')
}

function declareRunning(program: Command, session: Session, run: Runner): void {
  const forWindow = (command: Command): Command =>
    command
      .option('--window <window>', `${WINDOW_HELP}; a range as 2011-01..2011-06`)
      .option('--param <name=value>', 'a parameter; may be repeated', collect)

  const runCommand = executing(forWindow(add(program, 'run <job>', 'run a job, or go on with what was begun')))
  runCommand.action((job: string, options: Omit<RunOptions, 'job'>) =>
    run(runCommand, async () => (await import('./commands/run.ts')).run(session, { ...options, job })),
  )
  const rerun = executing(forWindow(add(program, 'rerun <job>', 'run a job anew on a new snapshot: the next revision')))
  rerun.action((job: string, options: Omit<RunOptions, 'job'>) =>
    run(rerun, async () => (await import('./commands/run.ts')).rerun(session, { ...options, job })),
  )
  const plan = forWindow(add(program, 'plan <job>', 'show partitions and sizes without creating a run'))
  plan.action((job: string, options: Omit<PlanOptions, 'job'>) =>
    run(plan, async () => (await import('./commands/plan.ts')).plan(session, { ...options, job })),
  )
}

function declareLooking(program: Command, session: Session, run: Runner): void {
  const jobs = add(program, 'jobs', 'the jobs of this project')
  jobs.action(() => run(jobs, async () => (await import('./commands/jobs.ts')).jobs(session)))

  const runs = add(program, 'runs', 'runs, the newest first')
    .option('--job <job>', 'of this job')
    .addOption(
      new Option('--state <state>', 'in this state').choices(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
    )
    .option('--window <window>', WINDOW_HELP)
    .option('--limit <n>', LIMIT_HELP, positive, 20)
  runs.action((options: RunsOptions) =>
    run(runs, async () => (await import('./commands/runs.ts')).runs(session, options)),
  )

  const show = add(
    program,
    'show [run]',
    'one run: steps, dead letters by reason, what it published (default: latest)',
  ).option('--window <window>', 'the latest run of this window')
  show.action((which: string | undefined, options: RunChoice) =>
    run(show, async () => (await import('./commands/runs.ts')).show(session, { ...options, run: which })),
  )
  const logs = add(program, 'logs [run]', "a run's log (default: latest)")
    .option('--window <window>', 'the latest run of this window')
    .option('--step <step>', 'of this step')
    .addOption(new Option('--level <level>', 'this level and above').choices(['debug', 'info', 'warn', 'error']))
    .option('--limit <n>', 'only the last N lines', positive)
  logs.action((which: string | undefined, options: LogsOptions) =>
    run(logs, async () => (await import('./commands/runs.ts')).logs(session, { ...options, run: which })),
  )
}

function declareControl(program: Command, session: Session, run: Runner): void {
  const retry = executing(add(program, 'retry <run>', 'go on with a failed or cancelled run; what is done is kept'))
    .addOption(new Option('--failed', 'only what failed (the default)').conflicts(['from', 'partition']))
    .option('--from <step>', 'this step and all that depend on it, again')
    .addOption(
      new Option('--partition <n>', 'this partition (of --step, or of the step that failed), again')
        .argParser(natural)
        .conflicts('from'),
    )
    .option('--step <step>', 'the step that --partition means')
    .addOption(new Option('--code <which>', 'the code to go on with').choices(['current', 'pinned']).default('current'))
  retry.action((which: string, options: RetryOptions) =>
    run(retry, async () => (await import('./commands/control.ts')).retry(session, which, options)),
  )
  const pause = add(program, 'pause <run>', 'stop handing out work; what runs is given back at its next commit')
  pause.action((which: string) => run(pause, async () => (await import('./commands/control.ts')).pause(session, which)))

  const resume = executing(add(program, 'resume <run>', 'undo pause, and go on'))
  resume.action((which: string, options: ExecutionOptions) =>
    run(resume, async () => (await import('./commands/control.ts')).resume(session, which, options)),
  )
  const cancel = add(program, 'cancel <run>', 'end a run').option(
    '--why <reason>',
    'kept with the run',
    'asked on the command line',
  )
  cancel.action((which: string, options: { why: string }) =>
    run(cancel, async () => (await import('./commands/control.ts')).cancel(session, which, options.why)),
  )
}

function declareDeadLetters(program: Command, session: Session, run: Runner): void {
  const group = add(program, 'dead-letters', 'records that were set aside')
  const selecting = (command: Command): Command =>
    command
      .option('--window <window>', 'of the latest run of this window')
      .option('--step <step>', 'of this step')
      .option('--reason <reason>', 'with this reason: a rule, a contract reason, an error code')
      .addOption(new Option('--cause <cause>', 'with this cause').choices(['rule', 'contract', 'error']))
  const ofRun = (command: Command): Command => command.option('--run <run>', 'of this run (default: latest)')
  const load = (): Promise<typeof DeadLetterCommands> => import('./commands/dead-letters.ts')

  const list = selecting(
    add(group, 'list [run]', 'dead letters of a run, or of the latest run of a job (default: latest)'),
  )
    .option('--limit <n>', LIMIT_HELP, positive, 50)
    .option('--discarded', 'those that were discarded, too')
  list.action((which: string | undefined, options: LetterOptions & { readonly limit: number }) =>
    run(list, async () => (await load()).list(session, { ...options, run: which })),
  )
  const show = ofRun(add(group, 'show <id>', 'one dead letter, whole')).option(
    '--window <window>',
    'of the latest run of this window',
  )
  show.action((id: string, options: RunChoice) => run(show, async () => (await load()).show(session, id, options)))

  const discard = ofRun(
    selecting(add(group, 'discard [ids...]', 'mark dead letters as dealt with: they leave the list')),
  ).option('--why <why>', 'kept with them', 'asked on the command line')
  discard.action((ids: readonly string[], options: DiscardOptions) =>
    run(discard, async () => (await load()).discard(session, ids, options)),
  )
  const replay = executing(
    ofRun(selecting(add(group, 'replay [ids...]', 'work through dead letters once more, in a new revision'))),
  ).option('--file <file>', 'an edited export (JSON Lines) to replay instead')
  replay.action((ids: readonly string[], options: ReplayOptions) =>
    run(replay, async () => (await load()).replay(session, ids, options)),
  )
  const exported = selecting(add(group, 'export [run]', 'dead letters as JSON Lines or CSV (default: latest)'))
    .addOption(new Option('--format <format>', 'how they are written').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--output <file>', 'write to this file instead of stdout')
    .option('--discarded', 'those that were discarded, too')
  exported.action((which: string | undefined, options: ExportOptions) =>
    run(exported, async () => (await load()).exportLetters(session, { ...options, run: which })),
  )
}

function declareDatasets(program: Command, session: Session, run: Runner): void {
  const group = add(program, 'datasets', 'what jobs read and publish')
  const list = shared(group.command('list', { isDefault: true }).description('all datasets of this project'))
  list.action(() => run(list, async () => (await import('./commands/datasets.ts')).list(session)))

  const show = add(group, 'show <dataset>', 'versions of a dataset, checks and columns').option(
    '--window <window>',
    WINDOW_HELP,
  )
  show.action((name: string, options: { window?: string }) =>
    run(show, async () => (await import('./commands/datasets.ts')).show(session, name, options.window)),
  )
  const cat = add(group, 'cat <dataset>', 'print a published version; checksums are verified')
    .option('--window <window>', `${WINDOW_HELP}; \`latest\` for the newest (the default)`)
    .option('--version <n>', 'this version instead of the current one', positive)
    .addOption(new Option('--format <format>', 'how rows are printed').choices(['csv', 'jsonl']).default('csv'))
    .option('--limit <n>', 'only the first N rows', positive)
  cat.action((name: string, options: CatOptions) =>
    run(cat, async () => (await import('./commands/datasets.ts')).cat(session, name, options)),
  )

  const rollback = add(program, 'rollback <dataset>', 'make an earlier version current again, as a new version')
    .option('--window <window>', WINDOW_HELP)
    .option('--to <n>', 'this version (default: the one before the current)', positive)
  rollback.action((name: string, options: RollbackOptions) =>
    run(rollback, async () => (await import('./commands/datasets.ts')).rollback(session, name, options)),
  )
}
