import { BatchwrightError } from '../../kernel/errors.ts'

/** What a store says of its tables. Version 0: it has none yet. */
export interface AppliedVersion {
  readonly version: number
  /** The oldest version of the code that can work with it. */
  readonly oldestCompatible: number
}

/**
 * Whether migrations up to `known` are to be applied. A store that is ahead is used as it is while its last migration still
 * admits this version, so that the machines of a fleet can be upgraded one after the other. Throws STORE_NEWER_VERSION,
 * and STORE_OLDER_VERSION where `apply` is false. `where`: the store, as it may be shown.
 */
export function needsMigration(where: string, store: AppliedVersion, known: number, apply: boolean): boolean {
  if (store.version > known && known < store.oldestCompatible) throw newerVersion(where, store, known)
  if (store.version >= known) return false
  if (!apply) throw olderVersion(where, store.version, known)
  return true
}

function newerVersion(where: string, store: AppliedVersion, known: number): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_NEWER_VERSION',
    message:
      `expected a store of version ${known} or older at ${where}, found version ${store.version}, ` +
      `which needs a Batchwright that knows version ${store.oldestCompatible} or newer`,
    hint: 'Upgrade this project to the version that wrote the store, as with `npm install batchwright@latest`, and run the command again.',
    details: {
      path: where,
      storeVersion: store.version,
      knownVersion: known,
      oldestCompatible: store.oldestCompatible,
    },
  })
}

function olderVersion(where: string, found: number, known: number): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_OLDER_VERSION',
    message: `expected a store of version ${known} at ${where}, found version ${found}, and was told not to migrate it`,
    hint: 'Open the store with migrations allowed once: any command of the newer batchwright does it.',
    details: { path: where, storeVersion: found, knownVersion: known },
  })
}
