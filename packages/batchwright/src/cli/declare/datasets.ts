/** Commands about published data. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { CatOptions, RollbackOptions } from '../commands/datasets.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, positive, shared, WINDOW_HELP } from './options.ts'

export function declareDatasets(program: Command, session: Session, run: Runner): void {
  const group = add(program, 'datasets', 'what jobs read and publish')
  const list = shared(group.command('list', { isDefault: true }).description('all datasets of this project'))
  list.action(() => run(list, async () => (await import('../commands/datasets.ts')).list(session)))

  const show = add(group, 'show <dataset>', 'versions of a dataset, checks and columns').option(
    '--window <window>',
    WINDOW_HELP,
  )
  show.action((name: string, options: { window?: string }) =>
    run(show, async () => (await import('../commands/datasets.ts')).show(session, name, options.window)),
  )
  const cat = add(group, 'cat <dataset>', 'print a published version; checksums are verified')
    .option('--window <window>', `${WINDOW_HELP}; \`latest\` for the newest (the default)`)
    .option('--version <n>', 'this version instead of the current one', positive)
    .addOption(new Option('--format <format>', 'how rows are printed').choices(['csv', 'jsonl']).default('csv'))
    .option('--limit <n>', 'only the first N rows', positive)
    .option('--file <name>', 'of a dataset of whole files, this one, byte by byte; without it, their list')
  cat.action((name: string, options: CatOptions) =>
    run(cat, async () => (await import('../commands/datasets.ts')).cat(session, name, options)),
  )

  const rollback = add(program, 'rollback <dataset>', 'make an earlier version current again, as a new version')
    .option('--window <window>', WINDOW_HELP)
    .option('--to <n>', 'this version (default: the one before the current)', positive)
  rollback.action((name: string, options: RollbackOptions) =>
    run(rollback, async () => (await import('../commands/datasets.ts')).rollback(session, name, options)),
  )
}
