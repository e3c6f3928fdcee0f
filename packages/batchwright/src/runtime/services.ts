import { BatchwrightError } from '../kernel/errors.ts'
import type { ServiceDefinition } from '../job/index.ts'
import type { Redactor } from './redact.ts'

interface OpenService {
  readonly client: Promise<unknown>
  readonly controller: AbortController
}

/**
 * The slot's named clients. Each is opened when the first attempt that uses it starts, once per slot, and closed when the
 * slot is drained. Secrets are read from the environment at opening and handed to `open` alone.
 */
export class ServicePool {
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #redactor: Redactor
  readonly #open = new Map<ServiceDefinition, OpenService>()

  constructor(environment: Readonly<Record<string, string | undefined>>, redactor: Redactor) {
    this.#environment = environment
    this.#redactor = redactor
  }

  /** The clients of a step, by the names it uses. Throws SECRET_MISSING, SERVICE_NOT_OPENED. */
  async use(services: ReadonlyMap<string, ServiceDefinition>): Promise<Readonly<Record<string, unknown>>> {
    const clients: Record<string, unknown> = {}
    for (const [name, service] of services) clients[name] = await this.#client(service)
    return clients
  }

  async #client(service: ServiceDefinition): Promise<unknown> {
    const known = this.#open.get(service)
    if (known !== undefined) return known.client
    const controller = new AbortController()
    const opening: OpenService = { client: this.#opened(service, controller.signal), controller }
    this.#open.set(service, opening)
    try {
      return await opening.client
    } catch (error) {
      this.#open.delete(service)
      throw error
    }
  }

  async #opened(service: ServiceDefinition, signal: AbortSignal): Promise<unknown> {
    const secrets: Record<string, string> = {}
    for (const name of service.secrets) {
      const value = this.#environment[name]
      if (value === undefined || value === '') {
        throw new BatchwrightError({
          code: 'SECRET_MISSING',
          message: `service ${service.name}: expected the environment variable ${name} to be set, found nothing`,
          hint: `Set ${name} where the worker is started.`,
          details: { service: service.name, secret: name },
        })
      }
      this.#redactor.hide(value)
      secrets[name] = value
    }
    try {
      return await service.open({ secrets, signal })
    } catch (cause) {
      throw new BatchwrightError({
        code: 'SERVICE_NOT_OPENED',
        message: `service ${service.name}: its open() failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause,
        retryable: true,
        details: { service: service.name },
      })
    }
  }

  /** Closes all open services, the last opened first. Every one is closed, then the first failure is thrown. */
  async close(): Promise<void> {
    const failures: unknown[] = []
    for (const [service, { client, controller }] of [...this.#open].reverse()) {
      this.#open.delete(service)
      try {
        const opened = await client
        controller.abort(new Error(`service ${service.name} was closed`))
        await service.close?.(opened)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some services could not be closed')
  }
}
