/** `batchwright pools` and `batchwright tenants`: who gets the next free slot. */
import type { PoolChange, PoolRow, TenantChange, TenantRow } from '../../store/contract.ts'
import { applyLanes } from '../fleet/lanes.ts'
import { poolLines, tenantLines } from '../render/lanes.ts'
import { requester } from '../requester.ts'
import type { Session } from '../session.ts'

/** `batchwright pools list`: `{ total, items: [pool] }`. */
export async function listPools(session: Session): Promise<void> {
  const store = await session.store()
  await applyLanes(session, store)
  const rows = await store.listPools()
  session.terminal.printJson({ total: rows.length, items: rows.map(poolJson) })
  session.terminal.print(rows.length === 0 ? ['no pools'] : poolLines(rows, session.terminal))
}

/** `batchwright pools set|close|open NAME`: `{ pool }`. */
export async function changePool(session: Session, name: string, change: PoolChange): Promise<void> {
  const store = await session.store()
  await applyLanes(session, store)
  const row = await store.setPool(name, change, requester())
  session.terminal.printJson({ pool: poolJson(row) })
  session.terminal.print(poolLines([row], session.terminal))
}

/** `batchwright tenants list`: `{ total, items: [tenant] }`. */
export async function listTenants(session: Session): Promise<void> {
  const store = await session.store()
  await applyLanes(session, store)
  const rows = await store.listTenants()
  session.terminal.printJson({ total: rows.length, items: rows.map(tenantJson) })
  session.terminal.print(tenantLines(rows, session.terminal))
}

/** `batchwright tenants set NAME`: `{ tenant }`. */
export async function changeTenant(session: Session, name: string, change: TenantChange): Promise<void> {
  const store = await session.store()
  await applyLanes(session, store)
  const row = await store.setTenant(name, change, requester())
  session.terminal.printJson({ tenant: tenantJson(row) })
  session.terminal.print(tenantLines([row], session.terminal))
}

function poolJson({ name, slots, open, inUse, waiting }: PoolRow): Record<string, string | number | boolean | null> {
  return { name, slots, open, inUse, waitingSteps: waiting }
}

function tenantJson({ name, weight, slots, inUse, waiting }: TenantRow): Record<string, string | number | null> {
  return { name, weight, slots, inUse, waitingSteps: waiting }
}
