import { ownIdentity } from '../../kernel/process-identity.ts'
import { StoreContact } from '../contact.ts'
import { reapOnce } from '../reaper.ts'
import type { Duty, DutyContext } from './duty.ts'

export interface ReapingOptions {
  /** How long the store must have answered without a break before leases that ran out count; default 6,000: one lease. */
  readonly graceMs?: number
  /** Crashes under a task before it fails; default 3. */
  readonly crashes?: number
}

const EVERY_MS = 2_000

/**
 * Buries dead workers, as every worker does. For fleets whose workers have all gone: the dead do not stay in lists, and their
 * tasks are ready when somebody comes.
 */
export function reaping({ graceMs = 6_000, crashes = 3 }: ReapingOptions = {}): Duty {
  const own = ownIdentity()
  /** Of the present term: the grace counts from its beginning. */
  let term: { readonly signal: AbortSignal; readonly contact: StoreContact } | null = null
  const contactIn = ({ clock, random, signal }: DutyContext): StoreContact => {
    if (term?.signal !== signal) {
      const contact = new StoreContact({
        clock,
        random,
        // A process that was stopped meanwhile may have slept through an outage that kept the others from renewing.
        longestSilenceMs: Math.max(graceMs / 2, 1.5 * EVERY_MS),
        signal,
        // A pass that fails is told by the coordinator; one that waits is not news: the workers say that the store is away.
        onError: () => undefined,
      })
      term = { signal, contact }
    }
    return term.contact
  }
  return {
    name: 'reaping',
    everyMs: EVERY_MS,
    pass: async (context) => {
      const contact = contactIn(context)
      const { workers, released, failed } = await reapOnce({ store: context.store, contact, own, graceMs, crashes })
      return { workers: workers.length, released, failed }
    },
  }
}
