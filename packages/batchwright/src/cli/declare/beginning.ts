/** Commands for a folder that holds no project yet. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { InitOptions } from '../commands/init.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add } from './options.ts'

/** Names only: what they are is loaded with the command. `init.test.ts` holds them equal. */
export const TEMPLATE_NAMES = ['basic', 'etl', 'billing', 'fan-out', 'migration'] as const

export function declareBeginning(program: Command, session: Session, run: Runner): void {
  const init = add(program, 'init [folder]', 'write a project that runs, tests and type-checks at once (default: here)')
    .addOption(new Option('--template <name>', 'the kind of job').choices(TEMPLATE_NAMES).default('basic'))
    .addHelpText(
      'after',
      [
        '',
        'Templates:',
        '  basic      a dirty CSV file, cleaned and priced',
        '  etl        daily files whose columns change, to daily totals',
        '  billing    a month of transactions, to invoices that agree with them to the cent',
        '  fan-out    many small images, to thumbnails, in parallel partitions',
        '  migration  customers of an old system, validated, carried over and verified',
      ].join('\n'),
    )
  init.action((folder: string | undefined, options: InitOptions) =>
    run(init, async () => (await import('../commands/init.ts')).init(session, folder, options)),
  )
}
