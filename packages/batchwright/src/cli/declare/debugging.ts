/** Commands that work through what a run has worked through, with the sinks off. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { DebugTaskOptions } from '../commands/debug.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, inspectable, positive } from './options.ts'

/** Options of every replay with sinks off. */
export function debugging(command: Command): Command {
  return inspectable(
    command
      .addOption(
        new Option('--code <which>', 'the code to replay with').choices(['pinned', 'current']).default('pinned'),
      )
      .option('--services', 'open the services that the step uses, for real'),
  )
}

export function declareDebugging(program: Command, session: Session, run: Runner): void {
  const debug = debugging(
    add(program, 'debug <task>', 'work through a task again with its sinks off: RUN/STEP/PARTITION')
      .option('--run <run>', 'of this run; the task is then STEP/PARTITION')
      .option('--record <n>', 'only this record: its number in its source, SOURCE:N, or byte:OFFSET')
      .option('--key <key>', 'only this key of a reduce step')
      .addOption(new Option('--only <fate>', 'only records with this fate').choices(['written', 'dropped', 'dead']))
      .option('--limit <n>', 'most records shown', positive, 20),
  )
  debug.action((task: string, options: DebugTaskOptions) =>
    run(debug, async () => (await import('../commands/debug.ts')).debugTask(session, task, options)),
  )
}
