import { parseDuration, type Duration } from '../kernel/units.ts'
import type { ServiceCall, ServiceDefinition } from './model.ts'
import { checkName, checkOptions, definitionError, show } from './names.ts'
import { rulesOf, type BreakerOptions, type ProbeOptions, type ServiceLimits } from './service-rules.ts'

declare const CLIENT: unique symbol

/** A service whose client has the type `Client`. */
export interface Service<Client> extends ServiceDefinition {
  /** For the type checker only. */
  readonly [CLIENT]?: Client
}

/** How a client is opened and closed, and the secrets that it needs. */
export interface ServiceOptions<Client, Secret extends string = string> {
  /**
   * Names of secrets. Each is read when the service is opened: from the environment variable of its name, or from the file
   * that `<NAME>_FILE` names. Where a file changes later, the service is opened anew with what it says then.
   */
  readonly secrets?: readonly Secret[]
  /**
   * Opens the client: once for each slot, when the first step that uses it starts. `signal` is aborted at its end. What goes
   * through `call` is held to the service's limits and counted by its breaker: `send: (mail) => call(() => post(mail))`.
   */
  readonly open: (context: {
    readonly secrets: Readonly<Record<Secret, string>>
    readonly signal: AbortSignal
    readonly call: ServiceCall
  }) => Client | Promise<Client>
  /** Closes it when the slot is drained, or when its secrets have changed. */
  readonly close?: (client: Client) => void | Promise<void>
  /** How long opening may take; default 30s. */
  readonly openWithin?: Duration
  /** How long closing may take before the slot ends without it; default 5s. */
  readonly closeWithin?: Duration
  /** How much it bears from the whole fleet together. Default: no limits. */
  readonly limits?: ServiceLimits
  /** When it is left alone because it fails; `false` for never. */
  readonly breaker?: BreakerOptions | false
  /** How it is asked whether it does well: calls at once are lowered while it does not. Stands after `open`, whose client it is given. */
  readonly probe?: ProbeOptions<NoInfer<Client>>
}

const DEFAULT_OPEN_WITHIN = '30s'
const DEFAULT_CLOSE_WITHIN = '5s'
/** What shells and container platforms take as the name of a variable. */
const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * A named client that steps may use: a database, an API, a mail server. Give it to a step with `.use({ smtp })`.
 *
 * @example
 * ```ts
 * import { service } from 'batchwright'
 *
 * export const rates = service('rates', {
 *   secrets: ['RATES_TOKEN'],
 *   open: ({ secrets }) => ({
 *     of: (currency: string) =>
 *       fetch(`https://rates.example/${currency}`, { headers: { authorization: `Bearer ${secrets['RATES_TOKEN']}` } }),
 *   }),
 * })
 * ```
 */
export function service<Client, const Secret extends string = string>(
  name: string,
  options: ServiceOptions<Client, Secret>,
): Service<Client> {
  checkName('service', name)
  const place = `service ${show(name)}`
  checkOptions(place, options, ['secrets', 'open', 'close', 'openWithin', 'closeWithin', 'limits', 'breaker', 'probe'])
  const { open, close, breaker, probe } = options
  if (typeof open !== 'function') {
    throw invalid(
      `${place} open`,
      `expected a function, found ${show(open)}`,
      'open({ secrets, signal }) returns the client.',
    )
  }
  if (close !== undefined && typeof close !== 'function') {
    throw invalid(
      `${place} close`,
      `expected a function, found ${show(close)}`,
      'close(client) ends what open() began.',
    )
  }
  return {
    name,
    secrets: secretsOf(place, options.secrets ?? []),
    open,
    // Only what `open` gave is ever handed to it.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    close: close === undefined ? null : (client) => close(client as Client),
    openWithinMs: within(`${place} openWithin`, options.openWithin ?? DEFAULT_OPEN_WITHIN),
    closeWithinMs: within(`${place} closeWithin`, options.closeWithin ?? DEFAULT_CLOSE_WITHIN),
    rules: rulesOf(name, place, options),
    countsAgainst: breaker === undefined || breaker === false ? null : (breaker.counts ?? null),
    // As with `close`.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    probe: probe === undefined ? null : (client) => probe.ask(client as Client),
  }
}

function secretsOf(place: string, given: unknown): readonly string[] {
  if (!Array.isArray(given)) {
    throw invalid(
      `${place} secrets`,
      `expected a list of names, found ${show(given)}`,
      "For example secrets: ['SMTP_PASSWORD'].",
    )
  }
  const names: readonly unknown[] = given
  return names.map((name, index) => {
    if (typeof name !== 'string' || !SECRET_NAME.test(name)) {
      throw invalid(
        `${place} secrets`,
        `expected the name of an environment variable, found ${show(name)}`,
        "Name the secret, not its value: secrets: ['SMTP_PASSWORD'].",
      )
    }
    if (names.indexOf(name) === index) return name
    throw invalid(`${place} secrets`, `${show(name)} is named twice`, 'Name each secret once.')
  })
}

function within(place: string, given: Duration): number {
  const ms = parseDuration(given, place)
  if (ms > 0) return ms
  throw invalid(place, 'expected more than nothing, found no time at all', 'Leave it out for the default.')
}

function invalid(place: string, problem: string, hint: string): Error {
  return definitionError('SERVICE_INVALID', place, problem, hint)
}
