/**
 * store/: the verbs by which runs, steps and tasks change, and the two stores behind them, SQLite and PostgreSQL. Each verb is
 * one transaction together with its events. Here live the contract, the one table of legal transitions, and the SQL; no scheduling
 * decisions, no retry policy, no user code. The conformance suite (conformance/) is for tests only and not in this door.
 */
export type * from './contract/index.ts'
export * from './states.ts'
export { openStore, shownAddress, type OpenStoreOptions, type StoreAddress } from './address.ts'
export { openPostgresStore, type PostgresStoreOptions } from './postgres/open.ts'
export { inspectSqliteStore, networkFileSystemOf, type SqliteStoreFacts } from './sqlite/inspect.ts'
export { openSqliteStore, type SqliteStoreOptions } from './sqlite/open.ts'
