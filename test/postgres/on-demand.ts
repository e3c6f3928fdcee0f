/**
 * Global setup of the tests: one PostgreSQL server for the whole run, started when the first test asks for it, so that a
 * run without such tests does not pay. Tests ask over a local socket, because they live in other processes.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { startPostgres, type PostgresServer } from './server.ts'

/** Port of the socket that answers with the server's URL. */
export const ON_DEMAND = 'BATCHWRIGHT_TEST_POSTGRES_ON_DEMAND'

export default async function setup(): Promise<() => Promise<void>> {
  let server: Promise<PostgresServer> | undefined
  const desk = createServer((socket) => {
    server ??= startPostgres()
    const end = (words: string): void => {
      socket.on('error', () => undefined)
      socket.end(words)
    }
    server.then(
      ({ url }) => {
        end(JSON.stringify({ url }))
      },
      (thrown: unknown) => {
        end(JSON.stringify({ failed: thrown instanceof Error ? thrown.message : String(thrown) }))
      },
    )
  })
  desk.listen(0, '127.0.0.1').unref()
  await once(desk, 'listening')
  const address = desk.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  process.env[ON_DEMAND] = String(address.port)
  return async () => {
    desk.close()
    // One that did not start has said so to the tests that asked.
    const running = await server?.catch(() => undefined)
    await running?.close()
  }
}
