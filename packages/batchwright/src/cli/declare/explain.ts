/** `explain`: an error's code, a run or a task, in sentences. */
import type { Command } from 'commander'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add } from './options.ts'

export function declareExplain(program: Command, session: Session, run: Runner): void {
  const explain = add(
    program,
    'explain <what>',
    "an error's code, a run, a step (RUN/STEP) or a task (RUN/STEP/3): why, in sentences",
  )
  explain.action((what: string) =>
    run(explain, async () => (await import('../commands/explain.ts')).explain(session, what)),
  )
}
