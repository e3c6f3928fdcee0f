/** Commands that run jobs, or show what a run would do. */
import type { Command } from 'commander'
import type { PlanOptions } from '../commands/plan.ts'
import type { RunOptions } from '../commands/run.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, collect, executing, positive, priority, tenantName, WINDOW_HELP } from './options.ts'

export function declareRunning(program: Command, session: Session, run: Runner): void {
  const forWindow = (command: Command): Command =>
    command
      .option('--window <window>', `${WINDOW_HELP}; a range as 2011-01..2011-06`)
      .option('--param <name=value>', 'a parameter; may be repeated', collect)

  const forTenant = (command: Command): Command =>
    command
      .option('--tenant <tenant>', "on whose behalf (default: the job's)", tenantName)
      .option('--priority <n>', "beside other runs of its tenant, the higher goes first (default: the job's)", priority)

  const runCommand = executing(
    forTenant(forWindow(add(program, 'run <job>', 'run a job, or go on with what was begun'))),
  )
  runCommand.action((job: string, options: Omit<RunOptions, 'job'>) =>
    run(runCommand, async () => (await import('../commands/run.ts')).run(session, { ...options, job })),
  )
  const rerun = executing(
    forTenant(forWindow(add(program, 'rerun <job>', 'run a job anew on a new snapshot: the next revision'))),
  )
  rerun.action((job: string, options: Omit<RunOptions, 'job'>) =>
    run(rerun, async () => (await import('../commands/run.ts')).rerun(session, { ...options, job })),
  )
  const plan = forWindow(
    add(
      program,
      'plan <job>',
      'what a run would read, how evenly it is cut, and how long it would take; no run is made',
    ),
  ).option('--slots <n>', 'judge the time for so many attempts at once (default: one for each core)', positive)
  plan.action((job: string, options: Omit<PlanOptions, 'job'>) =>
    run(plan, async () => (await import('../commands/plan.ts')).plan(session, { ...options, job })),
  )
}
