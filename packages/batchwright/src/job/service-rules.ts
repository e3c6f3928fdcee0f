import { parseDuration, parseLimitRate, parseRatio, type Duration, type Rate, type Ratio } from '../kernel/units.ts'
import type { BreakerRule, ProbeRule, RateRule, ServiceRules } from '../protocol/index.ts'
import { checkOptions, definitionError, show } from './names.ts'

/** How much a service bears, from the whole fleet together. */
export interface ServiceLimits {
  /** At most so many calls in any second (`50/s`), minute (`100/min`) or hour, wherever that second is laid. */
  readonly rate?: Rate
  /**
   * How many of them may leave together after a pause; default 1: they leave evenly spaced. The steady rate is lower by as
   * many, since no second may see more than `rate`.
   */
  readonly burst?: number
  /** Calls under way at once. */
  readonly concurrency?: number
}

/** When a service that fails is left alone, and for how long. */
export interface BreakerOptions {
  /** It opens where at least this share of the calls in the window failed; default 50%. */
  readonly failures?: Ratio
  /** It needs at least so many calls in the window; default 20. */
  readonly calls?: number
  /** Default 30s. */
  readonly window?: Duration
  /** How long it stays open before one call tries again; default 10s. Each time in a row twice as long. */
  readonly open?: Duration
  /** At the longest; default 5min. */
  readonly longest?: Duration
  /** Whether what a call threw speaks against the service. Default: whatever it was. */
  readonly counts?: (thrown: unknown) => boolean
}

/** What a probe may say of a service. Times in milliseconds. */
export interface ServiceReading {
  /** Default: how long the probe took. */
  readonly latency?: number
  /** How far a replica is behind. */
  readonly lag?: number
  /** Load, in whatever unit the limit is in: CPU share, length of a queue. */
  readonly load?: number
}

/** How a service is asked whether it does well. */
export interface ProbeOptions<Client> {
  /** Asks; throws where the service does not answer. */
  readonly ask: (client: Client) => ServiceReading | undefined | Promise<ServiceReading | undefined>
  /** One worker of the fleet asks this often, while the service is in use; default 10s. */
  readonly every?: Duration
  /** More than one of these is too much: calls at once are halved, and come back one by one. */
  readonly latency?: Duration
  readonly lag?: Duration
  readonly load?: number
}

export interface RuleOptions {
  readonly limits?: ServiceLimits
  readonly breaker?: BreakerOptions | false
  readonly probe?: ProbeOptions<never>
}

/** Reads limits, breaker and probe of a service. Throws SERVICE_INVALID, UNIT_INVALID. */
export function rulesOf(service: string, place: string, options: RuleOptions): ServiceRules {
  const limits = options.limits ?? {}
  checkOptions(`${place} limits`, limits, ['rate', 'burst', 'concurrency'])
  const concurrency = limits.concurrency === undefined ? null : whole(`${place} concurrency`, limits.concurrency)
  return {
    service,
    rate: rateOf(place, limits),
    concurrency,
    breaker: options.breaker === false ? null : breakerOf(`${place} breaker`, options.breaker ?? {}),
    probe: options.probe === undefined ? null : probeOf(`${place} probe`, options.probe, concurrency),
  }
}

/** Those of a service that nothing limits, and that nobody leaves alone. */
export function noRules(service: string): ServiceRules {
  return { service, rate: null, concurrency: null, breaker: null, probe: null }
}

function rateOf(place: string, limits: ServiceLimits): RateRule | null {
  if (limits.rate === undefined) {
    if (limits.burst === undefined) return null
    throw invalid(`${place} burst`, 'there is no rate that it could be a burst of', "Give rate, as in rate: '50/s'.")
  }
  const { count, perMs } = parseLimitRate(limits.rate, `${place} rate`)
  const burst = limits.burst === undefined ? 1 : whole(`${place} burst`, limits.burst)
  if (burst <= count) return { count, perMs, burst }
  throw invalid(
    `${place} burst`,
    `expected at most the ${String(count)} that the rate ${limits.rate} allows, found ${String(burst)}`,
    'Lower burst, or raise rate.',
  )
}

function breakerOf(place: string, options: BreakerOptions): BreakerRule {
  checkOptions(place, options, ['failures', 'calls', 'window', 'open', 'longest', 'counts'])
  const failures = parseRatio(options.failures ?? '50%', `${place} failures`)
  if (failures === 0)
    throw invalid(`${place} failures`, 'expected more than 0%', 'The least is calls: 1, failures: 1%.')
  const openMs = time(`${place} open`, options.open ?? '10s')
  const given = options.longest === undefined ? Math.max(300_000, openMs) : time(`${place} longest`, options.longest)
  if (given < openMs) throw invalid(`${place} longest`, 'it is shorter than open', 'Swap them, or raise longest.')
  return {
    failures,
    calls: options.calls === undefined ? 20 : whole(`${place} calls`, options.calls),
    windowMs: time(`${place} window`, options.window ?? '30s'),
    openMs,
    longestMs: given,
  }
}

function probeOf(place: string, options: ProbeOptions<never>, concurrency: number | null): ProbeRule {
  checkOptions(place, options, ['ask', 'every', 'latency', 'lag', 'load'])
  if (typeof options.ask !== 'function') {
    throw invalid(`${place} ask`, `expected a function, found ${show(options.ask)}`, 'ask(client) returns a reading.')
  }
  if (concurrency === null) {
    throw invalid(place, 'there is no concurrency that it could lower', 'Give limits: { concurrency: 8 } beside it.')
  }
  const { latency, lag, load } = options
  if (latency === undefined && lag === undefined && load === undefined) {
    throw invalid(place, 'it does not say what is too much', "Give latency: '200ms', lag: '5s' or load: 0.8.")
  }
  if (load !== undefined && !(Number.isFinite(load) && load > 0)) {
    throw invalid(`${place} load`, `expected a number above 0, found ${show(load)}`, 'For example 0.8.')
  }
  return {
    everyMs: time(`${place} every`, options.every ?? '10s'),
    latencyMs: latency === undefined ? null : time(`${place} latency`, latency),
    lagMs: lag === undefined ? null : time(`${place} lag`, lag),
    load: load ?? null,
  }
}

function whole(place: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw invalid(place, `expected a whole number from 1, found ${show(value)}`, 'For example 8.')
}

function time(place: string, given: Duration): number {
  const ms = parseDuration(given, place)
  if (ms > 0) return ms
  throw invalid(place, 'expected more than nothing, found no time at all', 'Leave it out for the default.')
}

function invalid(place: string, problem: string, hint: string): Error {
  return definitionError('SERVICE_INVALID', place, problem, hint)
}
