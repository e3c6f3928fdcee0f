/** Completion: the script that a shell loads, and the command that this asks. */
import type { Command } from 'commander'
import { Argument } from 'commander'
import type { Shell } from '../complete/scripts.ts'
import { SHELLS } from '../complete/scripts.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, shared } from './options.ts'

export function declareCompletion(program: Command, session: Session, run: Runner): void {
  const shell = new Argument('[shell]', 'the shell (default: the one that SHELL names)').choices(SHELLS)
  const completion = add(
    program,
    'completion',
    'print the script by which a shell completes commands, jobs, runs, windows',
  )
    .addArgument(shell)
    .addHelpText('after', HOW)
  completion.action((given: Shell | undefined) =>
    run(completion, async () => {
      ;(await import('../commands/complete.ts')).completion(session, given)
    }),
  )
  const complete = shared(program.command('complete', { hidden: true }))
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .argument('[words...]')
  complete.action((given: Shell, words: readonly string[]) =>
    run(complete, async () => (await import('../commands/complete.ts')).complete(session, program, given, words)),
  )
}

const HOW = `
To try it in this shell:
  bash   eval "$(batchwright completion bash)"
  zsh    eval "$(batchwright completion zsh)"
  fish   batchwright completion fish | source
The script itself says where to put it, to have it in every shell.`
