import type { ServiceDefinition } from './model.ts'
import { checkName, checkOptions, definitionError, show } from './names.ts'

declare const CLIENT: unique symbol

/** A service whose client has the type `Client`. */
export interface Service<Client> extends ServiceDefinition {
  /** For the type checker only. */
  readonly [CLIENT]?: Client
}

export interface ServiceOptions<Client> {
  /** Names of secrets, read from the environment when the service is opened. */
  readonly secrets?: readonly string[]
  /** Opens the client: lazily, once for each slot. */
  readonly open: ServiceDefinition<Client>['open']
  /** Closes it when the slot is drained. */
  readonly close?: (client: Client) => void | Promise<void>
}

/** A named client that steps may use: a database, an API, a mail server. Give it to a step with `.use({ smtp })`. */
export function service<Client>(name: string, options: ServiceOptions<Client>): Service<Client> {
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
  const { close } = options
  return {
    name,
    secrets: options.secrets ?? [],
    open: options.open,
    // Only what `open` gave is ever handed to it.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    close: close === undefined ? null : (client) => close(client as Client),
  }
}
