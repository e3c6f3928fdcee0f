import type { JobDefinition, KeyedState, ServiceDefinition, WindowSpec } from '../../job/index.ts'
import { didYouMean } from '../../job/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { LogLine, RunContext, WindowValue } from '../../protocol/index.ts'
import type { ContextBase } from '../../runtime/index.ts'

/** What a step finds around it in a test. */
export interface StepTestOptions {
  /** Parameters of the run, as on a command line or as JSON; of a job those not given have their defaults. */
  readonly params?: Readonly<Record<string, JsonValue>>
  /** Key of the run's window (`'2026-03'`), for a step of a job; else a window: `monthly().parse('2026-03')`. */
  readonly window?: string | WindowValue
  /**
   * Clients in place of services, by the service's name; for a function by the name it uses. A service that has none fails
   * when it is used.
   */
  readonly services?: Readonly<Record<string, unknown>>
  /** Rows of the step's lookups, by the names that it uses: typed, or as their source would have them. */
  readonly lookups?: Readonly<Record<string, readonly object[]>>
  /** Keyed state that the step finds. */
  readonly state?: Readonly<Record<string, JsonValue>>
  /** The run's idea of now, ISO 8601; default the end of the window, else 2026-01-01T00:00:00Z. */
  readonly now?: string
  /** Seed of the run; default 1. */
  readonly seed?: number
  /** Contract version that the records were written under: older ones are upcast. Default the present one. */
  readonly contractVersion?: number
  /** Called with what the step logs. */
  readonly log?: (line: Pick<LogLine, 'level' | 'message' | 'fields'>) => void
}

const DEFAULT_NOW = '2026-01-01T00:00:00.000Z'

/** The run as the step knows it. `job` is null for a function by itself. */
export function contextFor(
  job: JobDefinition | null,
  options: StepTestOptions,
  use: Readonly<Record<string, unknown>>,
): Omit<ContextBase, 'state'> {
  const window = windowOf(job?.window ?? null, options.window)
  const run: RunContext = {
    runId: 'test',
    job: job?.name ?? 'test',
    revision: 1,
    window,
    parameters: parametersOf(job, options.params),
    logicalTime: options.now ?? window?.end ?? DEFAULT_NOW,
    seed: options.seed ?? 1,
  }
  const { log } = options
  return {
    run,
    use,
    signal: new AbortController().signal,
    log: (level, message, fields) => {
      log?.({ level, message, ...(fields === undefined ? {} : { fields }) })
    },
  }
}

function windowOf(spec: WindowSpec | null, given: string | WindowValue | undefined): WindowValue | null {
  if (typeof given !== 'string') return given ?? null
  if (spec !== null) return spec.parse(given)
  throw new BatchwrightError({
    code: 'WINDOW_INVALID',
    message: `expected a window for a function or a job without windows, found the text ${JSON.stringify(given)}`,
    hint: `Give the window itself: window: monthly().parse(${JSON.stringify(given)}).`,
  })
}

function parametersOf(
  job: JobDefinition | null,
  given: Readonly<Record<string, JsonValue>> | undefined,
): Readonly<Record<string, JsonValue>> {
  const parameters = job?.parameters ?? null
  if (parameters === null) return given ?? {}
  if (given !== undefined) return parameters.parse(given)
  try {
    return parameters.parse({})
  } catch (thrown) {
    // Parameters without defaults that this test does without: the step that reads one will miss it.
    if (thrown instanceof BatchwrightError) return {}
    throw thrown
  }
}

/** Clients by the names that a step uses; those that the test does not give fail where they are used. */
export function clientsFor(
  step: { readonly name: string; readonly services: ReadonlyMap<string, ServiceDefinition> },
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const known = [...step.services.values()].map(({ name }) => name)
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) throw unknownService(step.name, unknown, known)
  return Object.fromEntries(
    [...step.services].map(([name, service]) => [
      name,
      service.name in given ? given[service.name] : missing(step.name, service),
    ]),
  )
}

function missing(step: string, { name }: ServiceDefinition): object {
  return new Proxy(() => undefined, {
    get: (_, member) => {
      // What prints or awaits a client asks for these; they are no calls of it.
      if (typeof member === 'symbol' || member === 'then' || member === 'toJSON') return undefined
      throw notFaked(step, name, `${name}.${member}`)
    },
    apply: () => {
      throw notFaked(step, name, name)
    },
  })
}

function notFaked(step: string, service: string, used: string): BatchwrightError {
  return new BatchwrightError({
    code: 'SERVICE_NOT_FAKED',
    message: `step ${step} used ${used}, and the test gives no client for the service ${service}`,
    hint: `Give one: services: { ${service}: fakeService(${service}, { ... }).client }.`,
    details: { step, service },
  })
}

function unknownService(step: string, given: string, known: readonly string[]): BatchwrightError {
  return new BatchwrightError({
    code: 'SERVICE_UNKNOWN',
    message: `services: step ${step} uses no service ${JSON.stringify(given)}; it uses ${known.join(', ') || 'none'}`,
    hint: `${didYouMean(given, known)}Name it as service('name', ...) does.`,
    details: { service: given, known },
  })
}

/** Fills a step's keyed state with what a test gives. */
export function fillState(state: KeyedState, given: Readonly<Record<string, JsonValue>> | undefined): void {
  for (const [key, value] of Object.entries(given ?? {})) state.set(key, value)
}
