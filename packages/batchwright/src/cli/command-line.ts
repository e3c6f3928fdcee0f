/** One command line from its arguments to its exit code: parsed, carried out, its errors told. */
import { Command, CommanderError } from 'commander'
import type { Clock } from '../kernel/clock.ts'
import { reportError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import { complaint } from './complaints.ts'
import type { ExitCode } from './failure.ts'
import { EXIT, exitCodeOf, failureJson, failureLines } from './failure.ts'
import { declareCommands } from './program.ts'
import { Session } from './session.ts'
import { openTerminal } from './terminal.ts'
import type { TerminalOptions } from './terminal.ts'

/** What a command line is typed into: the streams of a process, its folder, its environment, its time. */
export interface Surroundings extends Pick<TerminalOptions, 'stdout' | 'stderr' | 'environment'> {
  /** Absolute. */
  readonly workingFolder: string
  readonly clock: Clock
  readonly random: Random
}

/** Carries out one command line. Never rejects: what goes wrong is told on stderr, or as JSON on stdout. */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr, environment, workingFolder, clock, random } = surroundings
  const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  const terminal = openTerminal({
    json: options.includes('--json'),
    verbose: options.includes('--verbose'),
    color: !options.includes('--no-color'),
    stdout,
    stderr,
    environment,
  })
  const session = new Session({ terminal, clock, random, workingFolder, environment })
  try {
    let code: ExitCode = EXIT.succeeded
    const program = new Command('batchwright')
    declareCommands(program, session, (result) => {
      code = result
    })
    await parse(program, args)
    return code
  } catch (thrown) {
    const report = reportError(thrown)
    terminal.printJson(failureJson(report))
    terminal.note(
      failureLines(report, {
        paint: terminal.paintNotes,
        width: terminal.liveWidth,
        verbose: terminal.verbose,
        projectFolder: session.projectFolder,
      }),
    )
    return exitCodeOf(thrown)
  } finally {
    await session.close()
  }
}

/** Lets commander parse, and turns its complaints into ours: message, hint, code. */
async function parse(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    if (thrown.exitCode !== 0) throw complaint(thrown, program, args)
  }
}
