/**
 * The PostgreSQL that benchmarks measure: the one that `BATCHWRIGHT_BENCH_POSTGRES` names, else one that is made for the
 * measurement, with PostgreSQL's own durable defaults (fsync and synchronous_commit on) and nothing tuned.
 */
import { createDatabase, startPostgres, type TestDatabase } from '../test/postgres/index.ts'

export interface BenchServer {
  /** URL of the database `postgres`, for those who make databases of their own. */
  readonly url: string
  /** An empty database. */
  database(): Promise<TestDatabase>
  close(): Promise<void>
}

export async function benchPostgres(): Promise<BenchServer> {
  const named = process.env['BATCHWRIGHT_BENCH_POSTGRES']
  if (named !== undefined && named !== '') {
    return { url: named, database: () => createDatabase({ url: named }), close: () => Promise.resolve() }
  }
  const server = await startPostgres()
  return { url: server.url, database: () => createDatabase({ url: server.url }), close: () => server.close() }
}
