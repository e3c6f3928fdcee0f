/** Pools and tenants, as tables. */
import type { PoolRow, TenantRow } from '../../store/contract.ts'
import type { Column, TableStyle } from './table.ts'
import { table } from './table.ts'
import { count } from './text.ts'

const POOL_COLUMNS: readonly Column[] = [
  { title: 'pool', shrinkTo: 20 },
  { title: 'state' },
  { title: 'in use', align: 'right' },
  { title: 'places', align: 'right' },
  { title: 'steps waiting', align: 'right', dropOrder: 1 },
]

export function poolLines(pools: readonly PoolRow[], style: TableStyle): readonly string[] {
  const rows = pools.map(({ name, slots, open, inUse, waiting }) => [
    name,
    open ? 'open' : 'closed',
    count(inUse),
    slots === null ? 'no limit' : count(slots),
    count(waiting),
  ])
  return table(POOL_COLUMNS, rows, style)
}

const TENANT_COLUMNS: readonly Column[] = [
  { title: 'tenant', shrinkTo: 20 },
  { title: 'weight', align: 'right' },
  { title: 'in use', align: 'right' },
  { title: 'at most', align: 'right' },
  { title: 'steps waiting', align: 'right', dropOrder: 1 },
]

export function tenantLines(tenants: readonly TenantRow[], style: TableStyle): readonly string[] {
  const rows = tenants.map(({ name, weight, slots, inUse, waiting }) => [
    name === '' ? '(none)' : name,
    count(weight),
    name === '' ? '' : count(inUse),
    slots === null ? 'no limit' : count(slots),
    count(waiting),
  ])
  return table(TENANT_COLUMNS, rows, style)
}
