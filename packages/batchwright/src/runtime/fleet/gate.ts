import type { ServiceCall, ServiceDefinition } from '../../job/index.ts'
import { ClockOffset } from '../../kernel/clock-offset.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { CallOutcome, Permit, ProbeReading } from '../../protocol/index.ts'
import { AttemptStopped } from '../stop.ts'
import { otherAnswer, type FleetLine } from './line.ts'

/** What is known of one call when it has ended, beside that it gave or threw something. */
export interface CallEnd<Value> {
  readonly value: Value
  readonly outcome: CallOutcome
  /** The service asked to be left alone for so long. */
  readonly pauseMs: number | null
}

/** A call whose maker can tell how it went. Nothing that it throws is looked at: what throws never left. */
export type ToldRequest<Value> = (signal: AbortSignal) => Promise<CallEnd<Value>>

/**
 * Where calls of services leave. Each waits for its permit: a time slot of the rate, a place of the concurrency, a closed
 * breaker. The slot is looked at here, right before the request is made, on this thread's own clock and by bounds that
 * surely hold: one that comes too late is not used.
 */
export class Gate {
  readonly #line: FleetLine
  readonly #clock: Clock
  readonly #engine = new ClockOffset()
  readonly #probing = new Set<string>()

  constructor(line: FleetLine, clock: Clock) {
    this.#line = line
    this.#clock = clock
  }

  /** What `open` of a service is given. `client` gives the opened one, for probes. */
  callOf(service: ServiceDefinition, client: () => unknown): ServiceCall {
    return async (request) => {
      const { value, thrown } = await this.told<{ value: Awaited<ReturnType<typeof request>> } | null>(
        service,
        client,
        async (signal) => {
          try {
            return { value: { value: await request(signal) }, outcome: 'answered', pauseMs: null }
          } catch (error) {
            const against = service.countsAgainst?.(error) ?? true
            const outcome = signal.aborted ? 'unknown' : against ? 'failed' : 'answered'
            throw new Told(error, outcome)
          }
        },
      ).then(
        (made) => ({ value: made, thrown: null }),
        (error: unknown) => ({ value: null, thrown: { error } }),
      )
      if (thrown !== null) throw thrown.error
      if (value === null) throw new TypeError('a call gave nothing and threw nothing')
      return value.value
    }
  }

  /** Makes one call when it may leave. Rejects with AttemptStopped where the attempt ends or has to wait too long. */
  async told<Value>(service: ServiceDefinition, client: () => unknown, request: ToldRequest<Value>): Promise<Value> {
    if (!isRuled(service) || !this.#line.connected) {
      return await (await outcomeOf(request, new AbortController().signal)).value()
    }
    const { cut, stopped } = await this.#line.attempt()
    for (;;) {
      const permit = await unlessStopped(this.#permit(service), stopped)
      if (permit.probe) void this.#probe(service, client)
      if (!(await this.#timely(permit, stopped))) {
        this.#tell(service, permit, 'unknown', null)
        continue
      }
      const made = await outcomeOf(request, cut)
      this.#tell(service, permit, made.outcome, made.pauseMs)
      return made.value()
    }
  }

  async #permit(service: ServiceDefinition): Promise<Permit> {
    const sent = this.#clock.monotonic()
    const answer = await this.#line.ask({ ask: 'permit', rules: service.rules })
    if (answer.answer === 'refused') throw this.#line.postpone(answer.refusal)
    if (answer.answer !== 'permit') throw otherAnswer('permit', answer)
    const { permit } = answer
    this.#engine.learn({ sent, heard: permit.heardAt, said: permit.saidAt, received: this.#clock.monotonic() })
    return permit
  }

  /** Waits until the permit's time has surely come. False where that may have passed, or the attempt has stopped. */
  async #timely({ leaves }: Permit, stopped: AbortSignal): Promise<boolean> {
    if (leaves === null) return !stopped.aborted
    const here = this.#engine.surelyWithin(leaves.from, leaves.until)
    if (here === null) return false
    try {
      for (let now = this.#clock.monotonic(); now < here.from; now = this.#clock.monotonic()) {
        await this.#clock.sleep(Math.ceil(here.from - now), stopped)
      }
    } catch (thrown) {
      if (!stopped.aborted) throw thrown
      return false
    }
    return this.#clock.monotonic() < here.until
  }

  #tell({ name }: ServiceDefinition, { permit }: Permit, outcome: CallOutcome, pauseMs: number | null): void {
    this.#line.tell({ say: 'call', service: name, permit, outcome, pauseMs })
  }

  /** Asks the service how it does, beside the work. What it says lowers or raises how much is asked of it. */
  async #probe({ name, probe, rules }: ServiceDefinition, client: () => unknown): Promise<void> {
    if (probe === null || this.#probing.has(name)) return
    this.#probing.add(name)
    const began = this.#clock.monotonic()
    let reading: ProbeReading | null
    try {
      const said: unknown = await probe(client())
      reading = readingOf(said, this.#clock.monotonic() - began)
    } catch {
      // That it failed is what the probe found.
      reading = null
    } finally {
      this.#probing.delete(name)
    }
    this.#line.tell({ say: 'reading', rules, reading })
  }
}

/** Waits for a permit, but not beyond the attempt. What did not get one never left: effects know that by the error. */
async function unlessStopped(permit: Promise<Permit>, stopped: AbortSignal): Promise<Permit> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => {
    reject(new AttemptStopped('postponed'))
  }
  if (stopped.aborted) onAbort()
  else stopped.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([permit, promise])
  } finally {
    stopped.removeEventListener('abort', onAbort)
    // One that comes too late goes back with all that the attempt had; a failure of it is told already.
    permit.catch(() => undefined)
  }
}

/** What a request threw, with what that says of the service. */
class Told extends Error {
  readonly thrown: unknown
  readonly outcome: CallOutcome

  constructor(thrown: unknown, outcome: CallOutcome) {
    super('a call failed')
    this.thrown = thrown
    this.outcome = outcome
  }
}

interface Made<Value> {
  readonly outcome: CallOutcome
  readonly pauseMs: number | null
  /** Gives what the request gave, or throws what it threw. */
  readonly value: () => Value
}

async function outcomeOf<Value>(request: ToldRequest<Value>, signal: AbortSignal): Promise<Made<Value>> {
  try {
    const { value, outcome, pauseMs } = await request(signal)
    return { outcome, pauseMs, value: () => value }
  } catch (error) {
    const thrown = error instanceof Told ? error.thrown : error
    return {
      outcome: error instanceof Told ? error.outcome : 'unknown',
      pauseMs: null,
      value: () => {
        throw thrown
      },
    }
  }
}

function isRuled({ rules }: ServiceDefinition): boolean {
  return rules.rate !== null || rules.concurrency !== null || rules.breaker !== null || rules.probe !== null
}

function readingOf(said: unknown, tookMs: number): ProbeReading {
  const given: Readonly<Record<string, unknown>> = typeof said === 'object' && said !== null ? { ...said } : {}
  return {
    latencyMs: numberOf(given['latency']) ?? tookMs,
    lagMs: numberOf(given['lag']),
    load: numberOf(given['load']),
  }
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
