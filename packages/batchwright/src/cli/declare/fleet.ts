/** Commands of processes that run for long, and of those who look after them. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { WorkerCommandOptions } from '../commands/worker.ts'
import type { WorkersOptions } from '../commands/workers.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, duration, grace, natural, positive, slotMemory } from './options.ts'

export function declareFleet(program: Command, session: Session, run: Runner): void {
  const worker = add(program, 'worker', 'work on the runs of the project, whoever made them, until a signal comes')
    .option('--slots <n>', 'attempts at a time (default: one for each core)', positive)
    .option('--slot-memory <size>', "heap of one slot, as 256MB (default: the configuration's)", slotMemory)
    .option('--name <name>', "its name, for people (default: the host's)")
    .option('--grace <duration>', 'from SIGTERM to its end (default: 30s)', grace)
    .option('--min <n>', 'with --max: as many worker processes at the least (default: 1)', natural)
    .option('--max <n>', 'worker processes are started and stopped with the work, up to so many', positive)
    .option(
      '--cool-down <duration>',
      'with --max: one is stopped when it was not wanted for so long (default: 60s)',
      duration,
    )
  worker.action((options: WorkerCommandOptions) =>
    run(worker, async () => (await import('../commands/worker.ts')).worker(session, options)),
  )

  const serve = add(
    program,
    'serve',
    'do the duties of a fleet: clean up, bury dead workers; several may, one leads',
  ).addOption(new Option('--no-dashboard', 'duties alone'))
  serve.action(() => run(serve, async () => (await import('../commands/serve.ts')).serve(session)))

  const workers = add(program, 'workers', 'who works here, and on what')
    .option('--all', 'those that have ended, too')
    .option('--wanted', 'how many there should be: the number for a scaler')
    .option('--min <n>', 'with --wanted: at the least (default: 0)', natural)
    .option('--max <n>', 'with --wanted: at the most', positive)
    .option('--slots <n>', "with --wanted: slots of each (default: the configuration's)", positive)
    .option('--drain <duration>', 'with --wanted: what is left is to be done within this time (default: 30s)', duration)
  workers.action((options: WorkersOptions) =>
    run(workers, async () => (await import('../commands/workers.ts')).workers(session, options)),
  )
}
