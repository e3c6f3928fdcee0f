import { systemClock } from '../kernel/clock.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import type { ServiceDefinition } from '../job/index.ts'
import type { Redactor } from '../observe/index.ts'
import type { Gate } from './fleet/gate.ts'
import { readSecret } from './secrets.ts'

type Secrets = Readonly<Record<string, string>>

/** A client that has been opened. */
interface OpenService {
  readonly client: unknown
  readonly secrets: Secrets
  readonly controller: AbortController
}

/** Says what is wrong and does not stop the attempt. */
type Warn = (message: string) => void

/** How often an attempt looks whether the secrets of its services have changed. */
const LOOK_MS = 5_000

/**
 * The slot's named clients. Each is opened when the first attempt that uses it starts, once per slot, and closed when the
 * slot is drained. Secrets are handed to `open` alone.
 */
export class ServicePool {
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #redactor: Redactor
  readonly #gate: Gate
  readonly #open = new Map<ServiceDefinition, Promise<OpenService>>()
  /** Replaced, and still in the hands of calls that are under way. */
  readonly #retired: (readonly [ServiceDefinition, OpenService])[] = []

  constructor(environment: Readonly<Record<string, string | undefined>>, redactor: Redactor, gate: Gate) {
    this.#environment = environment
    this.#redactor = redactor
    this.#gate = gate
  }

  /**
   * The clients of a step, open; `beside` stands beside them in `use`. Throws SECRET_MISSING, SECRET_AMBIGUOUS, SECRET_UNREADABLE, SERVICE_NOT_OPENED; each names
   * the service.
   */
  async use(
    services: ReadonlyMap<string, ServiceDefinition>,
    warn: Warn,
    beside: Readonly<Record<string, unknown>> = {},
  ): Promise<UsedServices> {
    const used = new UsedServices(services, this, warn, beside)
    await used.renew()
    return used
  }

  /**
   * The client of a service: opened where it is not, and anew where its secrets have changed. An open one that cannot be
   * opened anew stays, with a warning: its connection may well outlive the secret.
   */
  async client(service: ServiceDefinition, warn: Warn): Promise<unknown> {
    const known = await this.#open.get(service)
    if (known === undefined) return (await this.#opening(service)).client
    try {
      const secrets = await this.#secretsOf(service)
      if (service.secrets.every((name) => secrets[name] === known.secrets[name])) return known.client
      const fresh = await this.#opening(service)
      this.#retired.push([service, known])
      return fresh.client
    } catch (thrown) {
      this.#open.set(service, Promise.resolve(known))
      warn(`going on with the client that is open: ${reportError(thrown).message}`)
      return known.client
    }
  }

  /** Closes clients that were replaced. Call it when no call of user code is under way in the slot. */
  async closeReplaced(warn: Warn): Promise<void> {
    try {
      await closeAll(this.#retired.splice(0))
    } catch (thrown) {
      warn(`a client with former secrets could not be closed: ${causesOf(thrown)}`)
    }
  }

  /** Closes all open services, the last opened first. Every one is closed, then the first failure is thrown. */
  async close(): Promise<void> {
    const open: (readonly [ServiceDefinition, OpenService])[] = []
    for (const [service, opening] of this.#open) {
      const [opened] = await Promise.allSettled([opening])
      // One that did not open has nothing to close; whoever asked for it was told.
      if (opened.status === 'fulfilled') open.push([service, opened.value])
    }
    this.#open.clear()
    await closeAll([...this.#retired.splice(0), ...open].reverse())
  }

  #opening(service: ServiceDefinition): Promise<OpenService> {
    const opening = this.#opened(service)
    this.#open.set(service, opening)
    opening.catch(() => {
      if (this.#open.get(service) === opening) this.#open.delete(service)
    })
    return opening
  }

  async #opened(service: ServiceDefinition): Promise<OpenService> {
    const secrets = await this.#secretsOf(service)
    const controller = new AbortController()
    let client: unknown
    const call = this.#gate.callOf(service, () => client)
    try {
      const opening = openNow(service, { secrets, signal: controller.signal, call })
      client = await within(opening, service.openWithinMs, 'it took longer', (late) => service.close?.(late))
      return { client, secrets, controller }
    } catch (thrown) {
      controller.abort(thrown)
      throw notOpened(service, this.#redactor.text(reportError(thrown).message), thrown)
    }
  }

  async #secretsOf(service: ServiceDefinition): Promise<Secrets> {
    const secrets: Record<string, string> = {}
    for (const name of service.secrets) {
      const value = await readSecret(name, this.#environment, `service ${service.name}`)
      this.#redactor.hide(value, name)
      secrets[name] = value
    }
    return secrets
  }
}

/** The services of one attempt. */
export class UsedServices {
  readonly #services: ReadonlyMap<string, ServiceDefinition>
  readonly #pool: ServicePool
  readonly #warn: Warn
  readonly #clients: Record<string, unknown>
  readonly #rotates: boolean
  #lookedAt = 0
  /** Calls that overlap share one. */
  #renewing: Promise<void> | null = null

  constructor(
    services: ReadonlyMap<string, ServiceDefinition>,
    pool: ServicePool,
    warn: Warn,
    beside: Readonly<Record<string, unknown>>,
  ) {
    this.#clients = { ...beside }
    this.#services = services
    this.#pool = pool
    this.#warn = warn
    this.#rotates = [...services.values()].some(({ secrets }) => secrets.length > 0)
  }

  /** The clients by the names that the step uses. The same object for the whole attempt: its members may be replaced. */
  get clients(): Readonly<Record<string, unknown>> {
    return this.#clients
  }

  /** Takes the clients from the pool, which opens those that are not open, and anew those whose secrets have changed. */
  async renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null
    })
    await this.#renewing
  }

  async #renew(): Promise<void> {
    this.#lookedAt = systemClock.monotonic()
    for (const [name, service] of this.#services) this.#clients[name] = await this.#pool.client(service, this.#warn)
  }

  /** Before a call of user code is tried again: a secret that has changed may be why it failed. */
  async beforeRetry(): Promise<void> {
    if (this.#rotates) await this.renew()
  }

  /**
   * Between two batches, when no call of user code is under way: every few seconds looks whether a secret has changed. Gives
   * a promise only then.
   */
  look(): Promise<void> | undefined {
    if (!this.#rotates || systemClock.monotonic() - this.#lookedAt < LOOK_MS) return undefined
    return this.#replace()
  }

  async #replace(): Promise<void> {
    await this.renew()
    await this.#pool.closeReplaced(this.#warn)
  }
}

async function closeAll(services: readonly (readonly [ServiceDefinition, OpenService])[]): Promise<void> {
  const failures: unknown[] = []
  for (const [service, { client, controller }] of services) {
    try {
      controller.abort(new Error(`service ${service.name} was closed`))
      const closing = Promise.resolve(service.close?.(client))
      await within(closing, service.closeWithinMs, `service ${service.name}: its close() took longer`)
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'some services could not be closed')
}

/** What `open` throws before it gives a promise fails like the promise. */
async function openNow(
  service: ServiceDefinition,
  context: Parameters<ServiceDefinition['open']>[0],
): Promise<unknown> {
  return await service.open(context)
}

/** Real time, whatever clock a test gave the engine: what is waited for is out in the world. `late` gets what comes too late. */
async function within<Value>(
  work: Promise<Value>,
  ms: number,
  problem: string,
  late: (value: Value) => unknown = () => undefined,
): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>()
  const limit = systemClock.after(
    ms,
    () => {
      reject(new Error(`${problem} than ${ms} ms`))
      // The failure is told already; what becomes of the late one cannot be told to anyone.
      work.then(late).catch(() => undefined)
    },
    { hold: true },
  )
  try {
    return await Promise.race([work, promise])
  } finally {
    limit.stop()
  }
}

function causesOf(thrown: unknown): string {
  const causes: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  return causes.map((cause) => reportError(cause).message).join('; ')
}

function notOpened({ name, secrets }: ServiceDefinition, why: string, cause: unknown): BatchwrightError {
  const read = secrets.length === 0 ? '' : ` (opened with ${secrets.join(', ')})`
  return new BatchwrightError({
    code: 'SERVICE_NOT_OPENED',
    message: `service ${name}${read}: its open() failed: ${why}`,
    hint:
      secrets.length === 0
        ? 'Look whether what it connects to is there, then `batchwright retry RUN` goes on.'
        : `Look whether what it connects to is there, and whether ${secrets.join(', ')} still holds; then \`batchwright retry RUN\` goes on.`,
    cause,
    retryable: true,
    details: { service: name, secrets: [...secrets] },
  })
}
