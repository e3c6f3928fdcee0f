import { ownIdentity } from '../../kernel/process-identity.ts'
import type { StoreContact } from '../contact.ts'
import { reapOnce } from '../reaper.ts'
import type { Duty } from './duty.ts'

export interface ReapingOptions {
  /** Whose unbroken contact with the store the grace after an outage counts from. */
  readonly contact: StoreContact
  /** Default 6,000: one lease. */
  readonly graceMs?: number
  /** Crashes under a task before it fails; default 3. */
  readonly crashes?: number
}

/**
 * Buries dead workers, as every worker does. For fleets whose workers have all gone: the dead do not stay in lists, and their
 * tasks are ready when somebody comes.
 */
export function reaping({ contact, graceMs = 6_000, crashes = 3 }: ReapingOptions): Duty {
  const own = ownIdentity()
  return {
    name: 'reaping',
    everyMs: 1_000,
    pass: async ({ store }) => {
      const { workers, released, failed } = await reapOnce({ store, contact, own, graceMs, crashes })
      return { workers: workers.length, released, failed }
    },
  }
}
