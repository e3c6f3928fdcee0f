import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { Store } from './contract.ts'

/** Where a store is. Plain data: it goes to threads and processes that open the same one. */
export type StoreAddress =
  | {
      readonly kind: 'sqlite'
      /** The file; absolute. */
      readonly path: string
    }
  | {
      readonly kind: 'postgres'
      /** May hold a password: `shownAddress` is for people. */
      readonly url: string
    }

export interface OpenStoreOptions {
  /** Decides leases and due times on SQLite; on PostgreSQL the database's own clock does. */
  readonly clock: Clock
  readonly random?: Random
  /** Whether an older store is brought up to date; default true. */
  readonly migrate?: boolean
  /** For who asks one thing at a time and waits for no change: one connection, no listening. Default false. */
  readonly narrow?: boolean
}

/** Opens the store at an address. Errors as those of `openSqliteStore` and `openPostgresStore`. */
export async function openStore(address: StoreAddress, { narrow, ...options }: OpenStoreOptions): Promise<Store> {
  switch (address.kind) {
    case 'sqlite': {
      const { openSqliteStore } = await import('./sqlite/open.ts')
      return openSqliteStore({ path: address.path, ...options })
    }
    case 'postgres': {
      const { openPostgresStore } = await import('./postgres/open.ts')
      return openPostgresStore({ url: address.url, ...options, ...(narrow === true ? NARROW : {}) })
    }
  }
}

const NARROW = { pool: 1, listen: 'off' } as const

/** An address as it may be shown: a file, or a URL without its password and without options. */
export function shownAddress(address: StoreAddress): string {
  if (address.kind === 'sqlite') return address.path
  const url = new URL(address.url)
  url.password = ''
  url.search = ''
  return url.href
}
