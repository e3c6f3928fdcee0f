/** Commands that show jobs and runs. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { LogsOptions } from '../commands/logs.ts'
import type { RunsOptions } from '../commands/runs.ts'
import type { ShowOptions } from '../commands/show.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, LIMIT_HELP, natural, positive, WINDOW_HELP } from './options.ts'

export function declareLooking(program: Command, session: Session, run: Runner): void {
  const jobs = add(program, 'jobs', 'the jobs of this project')
  jobs.action(() => run(jobs, async () => (await import('../commands/jobs.ts')).jobs(session)))

  const runs = add(program, 'runs', 'runs, the newest first')
    .option('--job <job>', 'of this job')
    .addOption(
      new Option('--state <state>', 'in this state').choices(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
    )
    .option('--window <window>', WINDOW_HELP)
    .option('--limit <n>', LIMIT_HELP, positive, 20)
  runs.action((options: RunsOptions) =>
    run(runs, async () => (await import('../commands/runs.ts')).runs(session, options)),
  )

  const show = add(
    program,
    'show [run]',
    'one run: steps, dead letters, what it published, and where its time went (default: latest)',
  )
    .option('--window <window>', 'the latest run of this window')
    .option('--tasks [n]', 'draw partitions over time too: the N that took longest (20)', positive)
    .option('--step <step>', 'only partitions of this step')
  show.action((which: string | undefined, options: ShowOptions) =>
    run(show, async () => (await import('../commands/show.ts')).show(session, { ...options, run: which })),
  )
  const logs = add(program, 'logs [run]', "a run's log; RUN/STEP or RUN/STEP/3 for a part of it (default: latest)")
    .option('--window <window>', 'the latest run of this window')
    .option('--follow', 'go on with what is written, until the run ends')
    .option('--step <step>', 'of this step')
    .option('--task <n>', 'of this partition', natural)
    .option('--attempt <n>', 'of this attempt, from 1', positive)
    .addOption(new Option('--level <level>', 'this level and above').choices(['debug', 'info', 'warn', 'error']))
    .option('--text <text>', 'with this text in them, or matching /a pattern/i')
    .option('--since <when>', 'from this time on: 10min (ago), or 2011-01-04T10:00:00Z')
    .option('--limit <n>', 'only the last N lines', positive)
  logs.action((which: string | undefined, options: LogsOptions) =>
    run(logs, async () => (await import('../commands/logs.ts')).logs(session, { ...options, run: which })),
  )
}
