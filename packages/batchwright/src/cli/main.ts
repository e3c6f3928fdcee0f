/** The command line: which commands there are, what they take, and what becomes of errors. Commands load when called. */
import { Command, CommanderError } from 'commander'
import { systemClock } from '../kernel/clock.ts'
import { reportError } from '../kernel/errors.ts'
import { systemRandom } from '../kernel/random.ts'
import type { ExitCode } from './failure.ts'
import { EXIT, exitCodeOf, failureJson, failureLines, usageError } from './failure.ts'
import { declareCommands } from './program.ts'
import { Session } from './session.ts'
import { openTerminal } from './terminal.ts'

/** Runs one command line, from its arguments (without node and script) to the end of the process. */
export async function main(args: readonly string[]): Promise<void> {
  process.setSourceMapsEnabled(true)
  ignoreClosedPipe()
  const code = await execute(args)
  await Promise.all([written(process.stdout), written(process.stderr)])
  // Timers and connections that a job file has left open must not keep the command alive.
  process.exit(code)
}

/** Resolves when everything given to a stream has left the process, or cannot any more. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => {
      resolve()
    })
  })
}

async function execute(args: readonly string[]): Promise<ExitCode> {
  const early = openTerminal({
    json: args.includes('--json'),
    verbose: args.includes('--verbose'),
    color: !args.includes('--no-color'),
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
  })
  const session = new Session({
    terminal: early,
    clock: systemClock,
    random: systemRandom,
    workingFolder: process.cwd(),
    environment: process.env,
  })
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
    early.printJson(failureJson(report))
    early.note(
      failureLines(report, {
        paint: early.paintNotes,
        width: early.liveWidth,
        verbose: early.verbose,
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
    if (thrown.exitCode === 0) return
    const [complaint = '', guess] = thrown.message.replace(/^error: /, '').split('\n')
    if (thrown.code === 'commander.help') return noCommand()
    const near = /\(Did you mean (.+)\?\)/.exec(guess ?? '')?.[1]
    throw usageError({
      code: 'USAGE',
      message: complaint,
      hint: near === undefined ? 'see `batchwright --help`, or `batchwright COMMAND --help`' : `did you mean ${near}?`,
    })
  }
}

function noCommand(): never {
  throw usageError({ code: 'USAGE', message: 'a command is expected', hint: 'see `batchwright --help`' })
}

/** `batchwright ... | head` closes our stdout: that is an end, not an error. */
function ignoreClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    // Nobody reads on; there is nothing left to say.
    process.exit(EXIT.succeeded)
  })
}
