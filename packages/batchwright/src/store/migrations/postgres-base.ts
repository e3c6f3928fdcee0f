/**
 * What PostgreSQL begins with: all that SQLite has after its second migration, in the same tables, columns and words. Text
 * columns that are compared by order (`run_id`, `kind`) have the collation "C", as SQLite compares bytes.
 */
export const POSTGRES_BASE = ''
