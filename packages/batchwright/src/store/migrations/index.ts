/**
 * The tables' history, the same numbers for both databases. Each module holds one migration; a new one is appended here.
 */
import { BASE } from './1-base.ts'
import { ATTEMPTS } from './2-attempts.ts'
import { LANES } from './3-lanes.ts'
import { SERVICES } from './4-services.ts'
import { STRAGGLERS } from './5-stragglers.ts'
import { FLEET } from './6-fleet.ts'
import { RETENTION } from './7-retention.ts'
import type { Migration } from './migration.ts'

export type { Migration } from './migration.ts'

export const MIGRATIONS: readonly Migration[] = [BASE, ATTEMPTS, LANES, SERVICES, STRAGGLERS, FLEET, RETENTION]
