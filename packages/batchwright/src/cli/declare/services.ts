/** Commands about what lies outside: services, and effects that happen at most once. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { EffectsOptions, SettleOptions } from '../commands/effects.ts'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, LIMIT_HELP, positive } from './options.ts'

export function declareServices(program: Command, session: Session, run: Runner): void {
  const services = add(program, 'services', 'the services that steps use: limits, breakers, health')
  services.action(() => run(services, async () => (await import('../commands/services.ts')).services(session)))

  const group = add(program, 'effects', 'effects outside that happen at most once')
  const list = add(group, 'list [key]', 'those whose outcome nobody knows')
    .option('--all', 'those that are done, too')
    .option('--run <run>', 'of this run')
    .option('--limit <n>', LIMIT_HELP, positive, 50)
  list.action((key: string | undefined, options: EffectsOptions) =>
    run(list, async () => (await import('../commands/effects.ts')).effects(session, { ...options, key })),
  )
  const settle = add(group, 'settle <key>', 'say whether an effect in doubt took place; the task that waits goes on')
    .addOption(new Option('--done', 'it took place').conflicts('repeat'))
    .option('--outcome <json>', 'with --done: what it gave, as JSON (default: null)')
    .option('--repeat', 'it did not: it is made again')
    .option('--scope <scope>', "where the key belongs, as 'job mailing' (default: where it is in doubt)")
  settle.action((key: string, options: SettleOptions) =>
    run(settle, async () => (await import('../commands/effects.ts')).settle(session, key, options)),
  )
}
