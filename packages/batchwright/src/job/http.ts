import { parseDuration, type Duration } from '../kernel/units.ts'
import type { HttpAnswer, HttpTarget, ServiceDefinition } from './model.ts'
import { checkOptions, definitionError, show } from './names.ts'
import type { Service } from './service.ts'

declare const SENT: unique symbol

/** An address that takes records of the type `Row`: what `http({ ... })` gives, for `.write()`. */
export interface HttpSink<Row> extends HttpTarget {
  /** For the type checker only. */
  readonly [SENT]?: (record: Row) => void
}

/** What the client of an HTTP service may say. Headers are added to every request: the place for a token. */
export interface HttpClient {
  readonly headers?: Readonly<Record<string, string>>
  /** Makes the request; default: Node's own `fetch`. For tests, and for agents with certificates of their own. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

interface CommonHttpOptions {
  /** Whose limits, breaker and headers the requests have. */
  readonly service?: Service<HttpClient>
  /** Default POST. */
  readonly method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  /** Requests of one task under way at once; default 4. The service's own limits hold for all tasks together. */
  readonly concurrency?: number
  /**
   * Header that carries a key which is the same on every replay of the records, so that the other side can leave out what it
   * has had: `Idempotency-Key`. With it, and for PUT and DELETE, the guarantee is `idempotent`; else `at-least-once`.
   */
  readonly idempotencyKey?: string
  /** Whether an answer means that it took place; default: a status from 200 to 299. */
  readonly success?: (answer: HttpAnswer) => boolean
  /** Of one request, its answer read; default 30s. */
  readonly timeout?: Duration
  /** The longest that a Retry-After of the other side is believed; default 5min. */
  readonly retryAfter?: Duration
}

/** One request for each record. */
export interface HttpOptions<Row> extends CommonHttpOptions {
  readonly url: string | ((record: Row) => string)
  /** What is sent, as JSON; default: the record. */
  readonly body?: (record: Row, key: string) => unknown
  readonly batch?: 1
}

/** One request for several records. */
export interface HttpBatchOptions<Row> extends CommonHttpOptions {
  readonly url: string
  /** What is sent, as JSON; default: a list of the records. `keys[i]` is the key of `records[i]`. */
  readonly body?: (records: readonly Row[], keys: readonly string[]) => unknown
  /** Records in one request, at most. One that is refused (4xx) is halved, down to the records that are to blame. */
  readonly batch: number
}

const OPTIONS = [
  'service',
  'method',
  'url',
  'body',
  'headers',
  'batch',
  'concurrency',
  'idempotencyKey',
  'success',
  'timeout',
  'retryAfter',
]
const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const
const DEFAULT_CONCURRENCY = 4
const PLACE = 'http()'

/**
 * An address that takes the records of a step: `.write(http({ ... }))`. Records that it refuses (4xx) become dead letters;
 * while it fails or asks for patience (5xx, 429, Retry-After) they wait.
 *
 * @example
 * ```ts
 * import { http, service } from 'batchwright'
 *
 * export const crm = service('crm', {
 *   secrets: ['CRM_TOKEN'],
 *   limits: { rate: '50/s', concurrency: 8 },
 *   open: ({ secrets }) => ({ headers: { authorization: `Bearer ${secrets.CRM_TOKEN}` } }),
 * })
 *
 * export const contacts = http<{ id: string; mail: string }>({
 *   service: crm,
 *   url: 'https://crm.example/contacts',
 *   idempotencyKey: 'Idempotency-Key',
 * })
 * ```
 */
export function http<Row extends object>(options: HttpOptions<Row>): HttpSink<Row>
// Apart: a union of both would give `body` two meanings, and its parameters no type.
// eslint-disable-next-line @typescript-eslint/unified-signatures
export function http<Row extends object>(options: HttpBatchOptions<Row>): HttpSink<Row>
export function http(options: HttpOptions<never> | HttpBatchOptions<never>): HttpSink<never> {
  checkOptions(PLACE, options, OPTIONS)
  const method = options.method ?? 'POST'
  if (!METHODS.includes(method)) {
    throw invalid('method', `expected ${METHODS.join(', ')}, found ${show(method)}`, 'Leave it out for POST.')
  }
  const batch = whole('batch', options.batch ?? 1)
  const idempotencyKey = headerName(options.idempotencyKey)
  return {
    kind: 'http',
    service: serviceOf(options.service),
    method,
    url: urlOf(options.url, batch),
    body: bodyOf(options.body, batch),
    headers: options.headers ?? {},
    batch,
    concurrency: whole('concurrency', options.concurrency ?? DEFAULT_CONCURRENCY),
    idempotencyKey,
    success: successOf(options.success),
    timeoutMs: time('timeout', options.timeout ?? '30s'),
    retryAfterMs: time('retryAfter', options.retryAfter ?? '5min'),
    guarantee: idempotencyKey !== null || method === 'PUT' || method === 'DELETE' ? 'idempotent' : 'at-least-once',
  }
}

/** The name under which a step's services have that of its address: no name that `.use()` could give. */
export function httpService(service: Pick<ServiceDefinition, 'name'>): string {
  return `http ${service.name}`
}

/** Whether a value is what `http()` gives. */
export function isHttpTarget(value: unknown): value is HttpTarget {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'http' && 'guarantee' in value
}

function serviceOf(service: unknown): ServiceDefinition | null {
  if (service === undefined) return null
  if (isService(service)) return service
  throw invalid('service', `expected a service, found ${show(service)}`, "Make it with service('name', { open }).")
}

function isService(value: unknown): value is ServiceDefinition {
  return typeof value === 'object' && value !== null && 'open' in value && 'rules' in value
}

function urlOf(url: unknown, batch: number): HttpTarget['url'] {
  if (typeof url === 'string') {
    checkUrl(url)
    return url
  }
  if (typeof url !== 'function') {
    throw invalid('url', `expected an address, found ${show(url)}`, "For example url: 'https://crm.example/contacts'.")
  }
  if (batch > 1) {
    throw invalid('url', 'several records go to one address, and this is a function of one record', 'Leave batch out.')
  }
  const of: unknown = url
  return ([record]) => {
    // The step's own records are what it is called with: the chain's types have checked the function.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    const address = (of as (record: object | undefined) => unknown)(record)
    if (typeof address === 'string') return checkUrl(address)
    throw invalid('url', `expected the function to return an address, found ${show(address)}`, 'Return it as text.')
  }
}

function checkUrl(url: string): string {
  const parsed = URL.parse(url)
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return url
  throw invalid('url', `expected an http or https address, found ${show(url)}`, "For example 'https://crm.example/a'.")
}

function bodyOf(body: unknown, batch: number): HttpTarget['body'] {
  if (body === undefined) return batch === 1 ? ([record]) => record : (records) => records
  if (typeof body !== 'function') {
    throw invalid('body', `expected a function, found ${show(body)}`, 'Leave it out to send records as they are.')
  }
  const of: unknown = body
  // As with `url`.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  if (batch > 1) return of as HttpTarget['body']
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return ([record], [key]) => (of as (record: object | undefined, key: string | undefined) => unknown)(record, key)
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

function headerName(name: string | undefined): string | null {
  if (name === undefined) return null
  if (typeof name === 'string' && HEADER_NAME.test(name)) return name
  throw invalid(
    'idempotencyKey',
    `expected the name of a header, found ${show(name)}`,
    "For example 'Idempotency-Key'.",
  )
}

function successOf(success: HttpOptions<never>['success']): HttpTarget['success'] {
  if (success === undefined || typeof success === 'function') return success ?? null
  throw invalid('success', `expected a function, found ${show(success)}`, 'Leave it out for a status from 200 to 299.')
}

function whole(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw invalid(option, `expected a whole number from 1, found ${show(value)}`, 'Leave it out for the default.')
}

function time(option: string, given: Duration): number {
  const ms = parseDuration(given, `${PLACE} ${option}`)
  if (ms > 0) return ms
  throw invalid(option, 'expected more than nothing, found no time at all', 'Leave it out for the default.')
}

function invalid(option: string, problem: string, hint: string): Error {
  return definitionError('HTTP_SINK_INVALID', `${PLACE} ${option}`, problem, hint)
}
