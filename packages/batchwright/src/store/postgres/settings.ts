import { BatchwrightError } from '../../kernel/errors.ts'

/** How a store's database is used. Each may be given in the URL too, as a parameter of the same name. */
export interface PostgresSettings {
  /** Holds the store's tables. Default `batchwright`. Made where there is none and the user may make it. */
  readonly schema: string
  /** Connections that verbs share, at most. Default 4. One more listens. */
  readonly pool: number
  /**
   * The connection that listens for notifications: a URL of its own where `url` leads through a pooler in transaction mode,
   * which loses them; `off` to ask twice a second instead. Default: the same URL.
   */
  readonly listen: string
  /** Whether statements are prepared by name. `false` for poolers that cannot carry them. Default `true`. */
  readonly prepare: boolean
  /** A statement that takes longer is ended, and its verb fails with STORE_BUSY; milliseconds. Default 30,000. */
  readonly statementTimeoutMs: number
}

/** Settings, and what is left of the URL for the client: it knows `sslmode`, `host` and the like. */
export interface PostgresTarget extends PostgresSettings {
  readonly connectionString: string
  /** The URL as it may be shown: without password and parameters. */
  readonly shown: string
}

const DEFAULT_SCHEMA = 'batchwright'
const DEFAULT_POOL = 4
const DEFAULT_STATEMENT_TIMEOUT_MS = 30_000
/** Of PostgreSQL's 63 bytes, `batchwright_` goes to the name of the channel. */
const LONGEST_SCHEMA = 51

/** Reads a URL and what is said beside it. Throws STORE_ADDRESS_INVALID. */
export function readTarget(url: string, beside: Partial<PostgresSettings>): PostgresTarget {
  const parsed = parse(url)
  const take = (name: string): string | null => {
    const value = parsed.searchParams.get(name)
    parsed.searchParams.delete(name)
    return value
  }
  const [schema, pool, listen, prepare, timeout] = ['schema', 'pool', 'listen', 'prepare', 'statement_timeout'].map(
    take,
  )
  const target = {
    schema: beside.schema ?? schema ?? DEFAULT_SCHEMA,
    pool: beside.pool ?? whole('pool', pool ?? null, DEFAULT_POOL),
    listen: beside.listen ?? listen ?? url,
    prepare: beside.prepare ?? yes('prepare', prepare ?? null, true),
    statementTimeoutMs:
      beside.statementTimeoutMs ?? whole('statement_timeout', timeout ?? null, DEFAULT_STATEMENT_TIMEOUT_MS),
    connectionString: parsed.href,
    shown: showUrl(parsed),
  }
  if (!/^[a-z_][a-z0-9_]*$/.test(target.schema) || target.schema.length > LONGEST_SCHEMA) {
    throw invalid(
      `schema: expected lower case letters, digits and underscores, at most ${LONGEST_SCHEMA}, found ${JSON.stringify(target.schema)}`,
    )
  }
  return target
}

/** Without password and parameters. */
export function showUrl(url: URL): string {
  const shown = new URL(url)
  shown.password = ''
  shown.search = ''
  return shown.href
}

function parse(url: string): URL {
  const parsed = URL.parse(url)
  // The text itself is not shown: a password may stand in it.
  if (parsed === null) throw invalid('expected a URL such as postgres://user@host:5432/database, found something else')
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:') {
    throw invalid(`expected a URL that begins with postgres://, found ${parsed.protocol}//`)
  }
  return parsed
}

function whole(name: string, found: string | null, otherwise: number): number {
  if (found === null) return otherwise
  const value = Number(found)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw invalid(`${name}: expected a whole number above 0, found ${JSON.stringify(found)}`)
}

function yes(name: string, found: string | null, otherwise: boolean): boolean {
  if (found === null) return otherwise
  if (found === 'true' || found === 'false') return found === 'true'
  throw invalid(`${name}: expected true or false, found ${JSON.stringify(found)}`)
}

function invalid(found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_ADDRESS_INVALID',
    message: `the store's address: ${found}`,
    hint: 'Write it as in BATCHWRIGHT_STORE=postgres://batchwright@db.example:5432/batchwright; the password may be given as PGPASSWORD.',
  })
}
