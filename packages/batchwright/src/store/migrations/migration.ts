/**
 * One change of the tables, for both databases. What has been released is never edited: a new change is a new migration.
 * Several statements, separated by semicolons; run in one transaction together with the record that it was applied.
 */
export interface Migration {
  readonly version: number
  readonly name: string
  /** The oldest version of the code that can still work with a store after this migration. */
  readonly oldestCompatible: number
  /** Null where there is nothing to do; the record is written all the same. */
  readonly sqlite: string | null
  readonly postgres: string | null
}
