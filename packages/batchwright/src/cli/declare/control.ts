/** Commands that change what a run does next. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { RetryOptions } from '../commands/control.ts'
import type { ExecutionOptions } from '../execute.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, executing, natural } from './options.ts'

export function declareControl(program: Command, session: Session, run: Runner): void {
  const retry = executing(add(program, 'retry <run>', 'go on with a failed or cancelled run; what is done is kept'))
    .addOption(new Option('--failed', 'only what failed (the default)').conflicts(['from', 'partition']))
    .option('--from <step>', 'this step and all that depend on it, again')
    .addOption(
      new Option('--partition <n>', 'this partition (of --step, or of the step that failed), again')
        .argParser(natural)
        .conflicts('from'),
    )
    .option('--step <step>', 'the step that --partition means')
    .addOption(new Option('--code <which>', 'the code to go on with').choices(['current', 'pinned']).default('current'))
  retry.action((which: string, options: RetryOptions) =>
    run(retry, async () => (await import('../commands/control.ts')).retry(session, which, options)),
  )
  const pause = add(program, 'pause <run>', 'stop handing out work; what runs is given back at its next commit')
  pause.action((which: string) =>
    run(pause, async () => (await import('../commands/control.ts')).pause(session, which)),
  )

  const resume = executing(add(program, 'resume <run>', 'undo pause, and go on'))
  resume.action((which: string, options: ExecutionOptions) =>
    run(resume, async () => (await import('../commands/control.ts')).resume(session, which, options)),
  )
  const cancel = add(program, 'cancel <run>', 'end a run').option(
    '--why <reason>',
    'kept with the run',
    'asked on the command line',
  )
  cancel.action((which: string, options: { why: string }) =>
    run(cancel, async () => (await import('../commands/control.ts')).cancel(session, which, options.why)),
  )
}
