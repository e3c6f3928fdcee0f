/** The command line as a process: its streams, its end. */
import { systemClock } from '../kernel/clock.ts'
import { systemRandom } from '../kernel/random.ts'
import { runCommandLine } from './command-line.ts'
import { EXIT } from './failure.ts'

/** Runs one command line, from its arguments (without node and script) to the end of the process. */
export async function main(args: readonly string[]): Promise<void> {
  process.setSourceMapsEnabled(true)
  ignoreClosedPipe()
  const code = await runCommandLine(args, {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    workingFolder: process.cwd(),
    clock: systemClock,
    random: systemRandom,
  })
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

/** `batchwright ... | head` closes our stdout: that is an end, not an error. */
function ignoreClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    // Nobody reads on; there is nothing left to say.
    process.exit(EXIT.succeeded)
  })
}
