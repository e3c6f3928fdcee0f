import type { StepDefinition } from '../job/index.ts'
import type { PartitionAssignment } from '../protocol/index.ts'
import type { ContextBase } from './context.ts'
import type { SlotHost } from './host.ts'
import type { UsedServices } from './services.ts'
import type { Stops } from './stop.ts'

/** What user functions of an attempt are given as `use`: the clients of its services, open, and the tables of its lookups. */
export async function openUsed(
  assignment: PartitionAssignment,
  step: StepDefinition,
  { host, stops, log }: { readonly host: SlotHost; readonly stops: Stops; readonly log: ContextBase['log'] },
): Promise<UsedServices> {
  const tables = await host.lookups.use(step.lookups, assignment, stops)
  const warn = (message: string): void => {
    log('warn', message)
  }
  return stops.unless(host.services.use(step.services, warn, tables))
}
