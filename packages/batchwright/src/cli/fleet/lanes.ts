import type { Store } from '../../store/index.ts'
import type { Session } from '../session.ts'

const BY = 'configuration'

/** Tells the store what the configuration says of pools and tenants. What it said before, and was changed by hand since, stays. */
export async function applyLanes({ project }: Session, store: Store): Promise<void> {
  const { pools, tenants } = project.configuration
  for (const [name, pool] of Object.entries(pools.value)) await store.setPool(name, { ...pool, configured: true }, BY)
  for (const [name, tenant] of Object.entries(tenants.value)) {
    await store.setTenant(name, { ...tenant, configured: true }, BY)
  }
}
