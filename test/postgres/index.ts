/**
 * Real PostgreSQL for tests and benchmarks: one server for a whole test run with a database for each file
 * (`createDatabase`), or a server of one's own that can be stopped, crashed and cut off (`startPostgres`).
 */
export { createDatabase, sharedServer, type TestDatabase } from './databases.ts'
export { asAdministrator, startPostgres, type PostgresServer } from './server.ts'
