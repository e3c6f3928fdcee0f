import { BatchwrightError } from '../../kernel/errors.ts'

/** Where the database is, as it may be shown. */
export interface Place {
  readonly shown: string
  readonly schema: string
}

/** A code of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html) or of the system; null for others. */
export function codeOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return null
  return thrown.code
}

/** Errors of a socket. */
const SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** The server ends its connections: shut down, crashed, starting up, told to, or idle for too long in a transaction. */
const ENDED = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'])

/** What the client says without a code when its connection goes away. */
const CLIENT_WORDS =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout e(xpired|xceeded)|Query read timeout|Connection ended)/

/** The connection is gone, or was never there. Whether a commit under way took place is not known. */
export function isLost(thrown: unknown): boolean {
  const code = codeOf(thrown)
  if (code !== null) return SOCKET.has(code) || ENDED.has(code) || code.startsWith('08')
  return thrown instanceof Error && (CLIENT_WORDS.test(thrown.message) || thrown instanceof AggregateError)
}

/**
 * Another transaction came first: made again, the whole verb decides by what that one has written. Deadlock, failed
 * serialization, and a row that somebody else has inserted meanwhile.
 */
export function isCrossed(thrown: unknown): boolean {
  const code = codeOf(thrown)
  return code === '40001' || code === '40P01' || code === '23505'
}

/** What a person is told: what was expected, and what to do. */
interface Known {
  readonly code: Uppercase<string>
  readonly expected: string
  readonly hint: (place: Place) => string
  readonly retryable?: boolean
}

const DENIED: Known = {
  code: 'STORE_ACCESS_DENIED',
  expected: 'expected to be let in',
  hint: () => 'Look at the user and password of the URL, or PGPASSWORD, and at pg_hba.conf of the server.',
}
const EXHAUSTED: Known = {
  code: 'STORE_CONNECTIONS_EXHAUSTED',
  expected: 'expected a free connection',
  hint: () =>
    'Raise max_connections of the server, put a pooler before it, or lower `pool` in the URL of the store: each process takes that many, and one to listen.',
  retryable: true,
}
const FULL: Known = {
  code: 'STORE_FULL',
  expected: 'expected room to write',
  hint: () => 'Free space where the database lies; nothing that was acknowledged is lost.',
  retryable: true,
}
const BUSY: Known = {
  code: 'STORE_BUSY',
  expected: 'expected an answer in time',
  hint: () =>
    "Look for sessions that hold locks: select * from pg_stat_activity where state <> 'idle'. The call may be made again.",
  retryable: true,
}
const UNPREPARED: Known = {
  code: 'STORE_POOLER_UNPREPARED',
  expected: 'expected prepared statements to stay with their connection',
  hint: () =>
    'A pooler in transaction mode lies between: add prepare=false to the URL, or set max_prepared_statements in PgBouncer 1.21 or newer.',
}
const FOREIGN: Known = {
  code: 'STORE_CORRUPT',
  expected: 'expected the tables of a Batchwright store',
  hint: () => 'Restore the database from a backup, or name another schema in the URL: ?schema=NAME.',
}

/** By PostgreSQL's code. */
const KNOWN: Readonly<Record<string, Known>> = {
  '28P01': DENIED,
  '28000': DENIED,
  '42501': {
    ...DENIED,
    expected: 'expected the rights to its tables',
    hint: ({ schema }) => `As the database's owner: create schema if not exists ${schema} authorization USER.`,
  },
  '3D000': {
    code: 'STORE_DATABASE_MISSING',
    expected: 'expected the database',
    hint: () => 'Create it once, createdb NAME, and run the same command again.',
  },
  '53300': EXHAUSTED,
  '53400': EXHAUSTED,
  '25006': {
    code: 'STORE_READ_ONLY',
    expected: 'expected a server that takes writes',
    hint: () => 'It is a standby, or was made read-only: use the address of the primary.',
    retryable: true,
  },
  '53100': FULL,
  '53200': FULL,
  '57014': BUSY,
  '55P03': BUSY,
  '40001': BUSY,
  '40P01': BUSY,
  '23505': BUSY,
  '26000': UNPREPARED,
  '42P05': UNPREPARED,
  '42P01': FOREIGN,
  '42703': FOREIGN,
  XX001: FOREIGN,
  XX002: FOREIGN,
}

/** The error to throw for what the client threw: typed where a person can do something about it, unchanged otherwise. */
export function storeError(thrown: unknown, place: Place): unknown {
  if (thrown instanceof BatchwrightError) return thrown
  if (isLost(thrown)) return unreachable(thrown, place)
  const sqlState = codeOf(thrown)
  const known = KNOWN[sqlState ?? '']
  if (known === undefined) return thrown
  return new BatchwrightError({
    code: known.code,
    message: `the store ${place.shown}: ${known.expected}, found: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    hint: known.hint(place),
    details: { store: place.shown, schema: place.schema, sqlState },
    cause: thrown,
    retryable: known.retryable ?? false,
  })
}

function unreachable(thrown: unknown, place: Place): BatchwrightError {
  const causes = thrown instanceof AggregateError ? thrown.errors : [thrown]
  const found = causes.map((cause) => (cause instanceof Error ? cause.message : String(cause))).join('; ')
  return new BatchwrightError({
    code: 'STORE_UNREACHABLE',
    message: `expected to reach the store ${place.shown}, found: ${found}`,
    hint: 'Look whether the server runs and takes connections from here: pg_isready. Work waits for it and goes on by itself.',
    details: { store: place.shown },
    cause: thrown,
    retryable: true,
  })
}

export function closed(place: Place): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_CLOSED',
    message: `expected the store ${place.shown} to be open, found it closed`,
    hint: 'Close the store after the last call has been answered.',
    details: { store: place.shown },
  })
}

export function clientMissing(cause: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'POSTGRES_CLIENT_MISSING',
    message: 'expected the package pg for a store on PostgreSQL, found that it cannot be loaded',
    hint: 'Install it beside batchwright: `npm install pg`.',
    cause,
  })
}
