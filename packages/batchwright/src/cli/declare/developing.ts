/** Commands for those who write jobs: `dev`, `check`, `doctor`. */
import type { Command } from 'commander'
import type { CheckOptions } from '../commands/check.ts'
import type { DevOptions } from '../commands/dev.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, collect, positive, WINDOW_HELP } from './options.ts'

const WINDOW_DEFAULT = 'default: the last complete one, or the latest with input'

export function declareDeveloping(program: Command, session: Session, run: Runner): void {
  const dev = sampling(
    add(program, 'dev [job]', 'show what jobs do to a sample, again with every change; publishes nothing'),
  )
    .option('--step <step>', 'only this step, and those it needs')
    .option('--once', 'one pass, then end: 1 where something would break')
  dev.action((job: string | undefined, options: Omit<DevOptions, 'job'>) =>
    run(dev, async () => (await import('../commands/dev.ts')).dev(session, { ...options, job })),
  )
  const check = sampling(
    add(program, 'check [job]', "whether tonight's runs would break: definitions, types, contracts, input, a dry run"),
  ).option('--strict', 'warnings count as errors')
  check.action((job: string | undefined, options: Omit<CheckOptions, 'job'>) =>
    run(check, async () => (await import('../commands/check.ts')).check(session, { ...options, job })),
  )
  const doctor = add(program, 'doctor', 'whether this machine and project are fit to run jobs, with what to do')
  doctor.action(() => run(doctor, async () => (await import('../commands/doctor.ts')).doctor(session)))
}

/** Options of every command that runs jobs on a sample. */
function sampling(command: Command): Command {
  return command
    .option('--window <window>', `${WINDOW_HELP} (${WINDOW_DEFAULT})`)
    .option('--param <name=value>', 'a parameter; may be repeated', collect)
    .option('--sample <n>', 'records read of each dataset', positive, 200)
    .option('--no-types', 'leave out the type check')
    .option('--effects', 'run function steps and steps that use services, too: what they do outside is done')
}
