import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { json } from 'node:stream/consumers'
import { ON_DEMAND } from './on-demand.ts'
import { asAdministrator, cutConnections } from './server.ts'

/** A database of one's own on the server that all tests share. */
export interface TestDatabase {
  readonly name: string
  /** With user and password. */
  readonly url: string
  /** Cuts all connections to it; answers with how many. */
  cutConnections(): Promise<number>
  /** Drops it, with whoever is still connected. */
  drop(): Promise<void>
}

/**
 * The server for all tests of a run: the one that `BATCHWRIGHT_TEST_POSTGRES` names (its user must be allowed to create
 * databases), else one that is started at the first call. Throws with words where there is none: nothing is skipped.
 */
export async function sharedServer(): Promise<string> {
  const named = process.env['BATCHWRIGHT_TEST_POSTGRES']
  if (named !== undefined && named !== '') return named
  const port = process.env[ON_DEMAND]
  if (port === undefined) {
    throw new Error('expected vitest with test/postgres/on-demand.ts as global setup, or BATCHWRIGHT_TEST_POSTGRES')
  }
  const answer: unknown = await json(connect(Number(port), '127.0.0.1'))
  if (typeof answer === 'object' && answer !== null) {
    if ('url' in answer && typeof answer.url === 'string') return answer.url
    if ('failed' in answer && typeof answer.failed === 'string') throw new Error(answer.failed)
  }
  throw new Error(`expected the URL of the tests' PostgreSQL, found ${JSON.stringify(answer)}`)
}

/**
 * Creates an empty database, on the shared server or on the one of `url`. `durable: false` lets commits be acknowledged
 * before they are on disk: only for tests that never crash the server, where it saves an fsync for each of thousands.
 */
export async function createDatabase(
  options: { readonly url?: string; readonly durable?: boolean } = {},
): Promise<TestDatabase> {
  const server = options.url ?? (await sharedServer())
  const name = `batchwright_test_${randomBytes(6).toString('hex')}`
  await asAdministrator(server, async (client) => {
    await client.query(`create database ${name}`)
    if (options.durable === false) await client.query(`alter database ${name} set synchronous_commit = off`)
  })
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    name,
    url: url.href,
    cutConnections: () => cutConnections(server, name),
    drop: async () => {
      await asAdministrator(server, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`)
      })
    },
  }
}
