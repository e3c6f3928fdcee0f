import type { ServiceDefinition } from './model.ts'
import { checkName, checkOptions, definitionError, show } from './names.ts'

export interface ServiceOptions<Client> {
  /** Names of secrets, read from the environment when the service is opened. */
  readonly secrets?: readonly string[]
  /** Opens the client: lazily, once for each slot. */
  readonly open: ServiceDefinition<Client>['open']
  /** Closes it when the slot is drained. */
  readonly close?: (client: Client) => void | Promise<void>
}

/** A named client that steps may use: a database, an API, a mail server. Give it to a step with `.use({ smtp })`. */
export function service<Client>(name: string, options: ServiceOptions<Client>): ServiceDefinition<Client> {
  checkName('service', name)
  const place = `service ${show(name)}`
  checkOptions(place, options, ['secrets', 'open', 'close'])
  if (typeof options.open !== 'function') {
    throw definitionError(
      'SERVICE_INVALID',
      `${place} open`,
      `expected a function, found ${show(options.open)}`,
      'open({ secrets, signal }) returns the client.',
    )
  }
  return { name, secrets: options.secrets ?? [], open: options.open, close: options.close ?? null }
}
