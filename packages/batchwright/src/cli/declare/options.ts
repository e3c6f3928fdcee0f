/** What the declarations of all commands share: common options, values of options, and how a command's work is started. */
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { readDuration, readGrace, readSlotMemory } from '../configuration.ts'
import type { ExitCode } from '../failure.ts'
import type { InspectOptions } from '../inspect.ts'

/** A command's work: an exit code, or nothing where it can only succeed. */
export type Outcome = Promise<ExitCode> | Promise<void>

/** Runs a command's work in the project that its options name. */
export type Runner = (command: Command, action: () => Outcome) => Promise<void>

export const WINDOW_HELP = 'window, as 2011-01 or 2011-01-04'
export const LIMIT_HELP = 'most items shown'

/** Options of every command, accepted before and after its name. */
export function shared(command: Command): Command {
  return command
    .option('--project <dir>', "the project's folder (default: found upwards from here)")
    .option('--json', 'one JSON object on stdout, nothing else')
    .option('--verbose', 'stacks of errors')
    .option('--no-color', 'no colours; NO_COLOR does the same')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, outputError: () => undefined })
}

/** A command below `parent`, with the options of every command. */
export function add(parent: Command, usage: string, description: string): Command {
  return shared(parent.command(usage).description(description))
}

/** Options of every command that works through tasks itself. */
export function executing(command: Command): Command {
  command
    .option('--slots <n>', 'attempts at a time (default: one for each core)', positive)
    .option('--slot-memory <size>', "heap of one slot, as 256MB (default: the configuration's)", slotMemory)
    .option('--local', 'with PostgreSQL: work in this process too, not only on other workers')
    .addOption(
      new Option('--detach', 'leave the run to workers elsewhere: return as soon as it is made').conflicts([
        'local',
        'inline',
      ]),
    )
    .option('--inline', 'run steps in this process instead of threads: for debugging')
  return inspectable(command)
}

/** Options of commands that a debugger may be attached to. */
export function inspectable(command: Command): Command {
  command
    .addOption(new Option('--inspect [port]', 'let a debugger attach (default port: 9229); write --inspect=PORT'))
    .addOption(
      new Option('--inspect-brk [port]', 'wait for a debugger, and stop at the first call of your code').conflicts(
        'inspect',
      ),
    )
    .hook('preAction', async (_, called) => {
      const options: InspectOptions = called.opts()
      if (options.inspect === undefined && options.inspectBrk === undefined) return
      const { openInspector } = await import('../inspect.ts')
      await openInspector(options)
    })
  // As with Node, a port stands behind `=`: the word after a bare --inspect is the command's own argument.
  const parse = command.parseOptions.bind(command)
  command.parseOptions = (words) => parse(words.map((word) => (INSPECT.test(word) ? `${word}=9229` : word)))
  return command
}

const INSPECT = /^--inspect(?:-brk)?$/

export function positive(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1')
  return number
}

export function priority(value: string): number {
  const number = value.trim() === '' ? Number.NaN : Number(value)
  if (!Number.isSafeInteger(number) || Math.abs(number) > 1_000) {
    throw new InvalidArgumentError('expected a whole number from -1000 to 1000')
  }
  return number
}

export function tenantName(value: string): string {
  if (!/^[a-z][a-z0-9_-]*$/.test(value)) {
    throw new InvalidArgumentError('expected lower-case letters, digits, - and _, a letter first')
  }
  return value
}

export function slotMemory(value: string): number {
  const bytes = readSlotMemory(value)
  if (bytes === undefined) throw new InvalidArgumentError('expected a size from 32MB, as 256MB')
  return bytes
}

export function duration(value: string): number {
  const ms = readDuration(value, 'duration', 1)
  if (ms === undefined) throw new InvalidArgumentError('expected a duration, as 30s')
  return ms
}

export function grace(value: string): number {
  const ms = readGrace(value)
  if (ms === undefined) throw new InvalidArgumentError('expected a duration from 1s, as 30s')
  return ms
}

export function natural(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('expected a whole number from 0')
  return number
}

export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
