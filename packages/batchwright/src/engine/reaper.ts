import type { ReapResult, Store } from '../store/contract.ts'
import type { StoreContact } from './contact.ts'
import type { ProcessIdentity } from '../kernel/process-identity.ts'
import { isSurelyDead } from '../kernel/process-identity.ts'

export interface ReaperOptions {
  readonly store: Pick<Store, 'listWorkers' | 'reap'>
  readonly contact: StoreContact
  readonly own: ProcessIdentity
  /** A lease that has run out is reaped only after this much unbroken contact: an outage is not the death of all workers. */
  readonly graceMs: number
  /** Crashes under a task before it fails. */
  readonly crashes: number
}

/** One pass: buries processes of this host that are surely dead at once, and others when their leases have run out. */
export async function reapOnce(options: ReaperOptions): Promise<ReapResult> {
  const { store, contact, own } = options
  const workers = await contact.call(() => store.listWorkers({ states: ['alive'], host: own.host, orExpired: true }))
  const knownDead = workers.filter((worker) => isSurelyDead(worker, own)).map((worker) => worker.workerId)
  const onlyKnown = contact.unbrokenMs() < options.graceMs
  // What there is to do is seen by reading: a fleet of idle workers must not write all the time.
  const overdue = !onlyKnown && workers.some((worker) => worker.expired)
  if (!overdue && knownDead.length === 0) return { workers: [], released: 0, failed: 0 }
  return contact.call(() => store.reap(knownDead, { crashes: options.crashes, onlyKnown }))
}
