/**
 * Who gets the next free slot. Every step is in a lane: of its run's tenant, its own pool, its run's priority. A claim takes
 * from tenants by their weights; of one tenant, what has the higher priority first, then the older run. Lanes of pools that
 * are closed or full, and of tenants that hold as much as they may, are passed by.
 */
export interface LaneVerbs {
  /**
   * Makes or changes a pool. A lower limit ends no lease: nothing more is claimed until enough have ended. `configured`
   * marks a value of the configuration, which changes nothing as long as it says what it said before: so what a person
   * changed by hand stays. Refused with POOL_INVALID.
   */
  setPool(name: string, change: PoolChange, by: string): Promise<PoolRow>
  /** Makes or changes a tenant. Refused with TENANT_INVALID; the tenant '' has no limit. */
  setTenant(name: string, change: TenantChange, by: string): Promise<TenantRow>
  /** By name. */
  listPools(): Promise<readonly PoolRow[]>
  /** By name; '' is the tenant of runs that name none. */
  listTenants(): Promise<readonly TenantRow[]>
  /** Steps of a run with tasks that cannot be claimed now because of their lane, in order of definition. */
  waitingSteps(runId: string): Promise<readonly WaitingStep[]>
}

export interface PoolChange {
  /** Most leases at once, over the whole fleet; null for no limit. Absent: as it is. */
  readonly slots?: number | null
  /** A closed pool gives out nothing. Absent: as it is. */
  readonly open?: boolean
  readonly configured?: boolean
}

export interface TenantChange {
  /** Its share beside other tenants that wait: a whole number, 1 for a tenant made new. Absent: as it is. */
  readonly weight?: number
  /** Most leases at once; null for no limit. Absent: as it is. */
  readonly slots?: number | null
  readonly configured?: boolean
}

export interface PoolRow {
  readonly name: string
  readonly slots: number | null
  readonly open: boolean
  /** Leases held now. */
  readonly inUse: number
  /** Steps with tasks that wait in it. */
  readonly waiting: number
}

export interface TenantRow {
  readonly name: string
  readonly weight: number
  readonly slots: number | null
  /** Leases held now; of the tenant '' only those in pools. */
  readonly inUse: number
  readonly waiting: number
}

/** Why a lane gives nothing, first cause first. */
export interface WaitingStep {
  readonly step: string
  readonly cause:
    | { readonly kind: 'pool-closed'; readonly pool: string }
    | { readonly kind: 'pool-full'; readonly pool: string; readonly slots: number; readonly inUse: number }
    | { readonly kind: 'tenant-full'; readonly tenant: string; readonly slots: number; readonly inUse: number }
}
