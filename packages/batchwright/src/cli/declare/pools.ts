/** Commands about who gets the next free slot. */
import { InvalidArgumentError, type Command } from 'commander'
import type { Session } from '../session.ts'
import type { Runner } from './options.ts'
import { add, positive, shared } from './options.ts'

export function declarePools(program: Command, session: Session, run: Runner): void {
  const pools = add(program, 'pools', 'how many tasks of a pool are worked on at once, over all workers')
  const list = shared(pools.command('list', { isDefault: true }).description('all pools, and what is in use'))
  list.action(() => run(list, async () => (await import('../commands/pools.ts')).listPools(session)))

  const set = add(pools, 'set <pool>', 'give a pool its number of places').requiredOption(
    '--slots <n>',
    'tasks at once; none for no limit',
    limit,
  )
  set.action((name: string, options: { slots: Limit }) =>
    run(set, async () =>
      (await import('../commands/pools.ts')).changePool(session, name, { slots: asLimit(options.slots) }),
    ),
  )
  const close = add(pools, 'close <pool>', 'hand out nothing more of it; what runs goes on')
  close.action((name: string) =>
    run(close, async () => (await import('../commands/pools.ts')).changePool(session, name, { open: false })),
  )
  const open = add(pools, 'open <pool>', 'undo close')
  open.action((name: string) =>
    run(open, async () => (await import('../commands/pools.ts')).changePool(session, name, { open: true })),
  )
  declareTenants(program, session, run)
}

function declareTenants(program: Command, session: Session, run: Runner): void {
  const tenants = add(program, 'tenants', 'how slots are shared between those on whose behalf jobs run')
  const list = shared(tenants.command('list', { isDefault: true }).description('all tenants, and what is in use'))
  list.action(() => run(list, async () => (await import('../commands/pools.ts')).listTenants(session)))

  const set = add(tenants, 'set <tenant>', 'give a tenant its share')
    .option('--weight <n>', 'its share beside others that wait (1 for a tenant made new)', positive)
    .option('--slots <n>', 'tasks at once, at most; none for no limit', limit)
  set.action((name: string, { weight, slots }: { weight?: number; slots?: Limit }) =>
    run(set, async () =>
      (await import('../commands/pools.ts')).changeTenant(session, name, {
        ...(weight === undefined ? {} : { weight }),
        ...(slots === undefined ? {} : { slots: asLimit(slots) }),
      }),
    ),
  )
}

/** As it is written: the library of the command line knows no null. */
type Limit = number | 'none'

function limit(value: string): Limit {
  if (value === 'none') return value
  const number = Number(value)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new InvalidArgumentError('expected a whole number from 1, or none')
}

function asLimit(limit: Limit): number | null {
  return limit === 'none' ? null : limit
}
