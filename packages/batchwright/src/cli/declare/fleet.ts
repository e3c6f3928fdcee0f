/** Commands of processes that run for long, and of those who look after them. */
import type { Command } from 'commander'
import type { WorkerCommandOptions } from '../commands/worker.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, grace, positive, slotMemory } from './options.ts'

export function declareFleet(program: Command, session: Session, run: Runner): void {
  const worker = add(program, 'worker', 'work on the runs of the project, whoever made them, until a signal comes')
    .option('--slots <n>', 'attempts at a time (default: one for each core)', positive)
    .option('--slot-memory <size>', "heap of one slot, as 256MB (default: the configuration's)", slotMemory)
    .option('--name <name>', "its name, for people (default: the host's)")
    .option('--grace <duration>', 'from SIGTERM to its end (default: 30s)', grace)
  worker.action((options: WorkerCommandOptions) =>
    run(worker, async () => (await import('../commands/worker.ts')).worker(session, options)),
  )
}
