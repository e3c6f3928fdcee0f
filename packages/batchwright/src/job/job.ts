import { parseDuration, type Duration } from '../kernel/units.ts'
import type { WindowValue } from '../protocol/index.ts'
import { assemble } from './graph.ts'
import { parsePriority } from './lanes.ts'
import type { JobDefinition } from './model.ts'
import { checkName, checkOptions, definitionError, didYouMean, show } from './names.ts'
import { FunctionBuilder, ReduceBuilder, SqlBuilder } from './other-builders.ts'
import type { Parameters } from './parameters.ts'
import { parseRetryBudget, type RetryBudgetOptions } from './policies.ts'
import { RecordsBuilder } from './records-builder.ts'
import type { Declaring, StepBuilder } from './step-builder.ts'
import type { JobTypes, Steps } from './step-types.ts'
import type { Window } from './window.ts'

/** What a job says of itself beside its steps. */
export interface JobOptions<DeclaredWindow, DeclaredParameters> {
  /** One sentence, for lists. */
  readonly description?: string
  /** Who is asked when it fails: a team, an address. */
  readonly owner?: string
  /** The slice of data time that a run is about. Absent: runs have no window. */
  readonly window?: DeclaredWindow
  readonly parameters?: DeclaredParameters
  /** Of a whole run. Default: none. */
  readonly timeout?: Duration
  /** How fast its tasks are tried again, all together. Default: at most 50 retries in any second; `false` for no limit. */
  readonly retryBudget?: RetryBudgetOptions | false
  /** On whose behalf it runs: workers' slots are shared between tenants. A name, as of jobs. Default: none. */
  readonly tenant?: string
  /** Beside other runs of its tenant: the higher goes first. A whole number from -1000 to 1000. Default 0. */
  readonly priority?: number
}

/** Of a job that declares none: any name is a type error. */
type NoParameters = object

/** What the options of a job say about the context of its steps. */
export interface TypesOf<DeclaredWindow, DeclaredParameters> extends JobTypes {
  readonly window: DeclaredWindow extends Window ? WindowValue : null
  readonly parameters: DeclaredParameters extends Parameters<infer Values extends JobTypes['parameters']>
    ? Values
    : NoParameters
}

const JOB = Symbol.for('batchwright.job')
const OPTIONS = ['description', 'owner', 'window', 'parameters', 'timeout', 'retryBudget', 'tenant', 'priority']

/**
 * Defines a job: its options, and a function that declares its steps. Runs nothing and touches nothing; what can be known
 * to be wrong is refused here. A job file exports it as its default.
 *
 * @param name - In commands, tables and metrics: lower case, digits, `-` and `_`.
 * @param options - Window, parameters, owner, description, timeout.
 * @param build - Declares the steps. It is called at once, and must not be asynchronous.
 * @example
 * ```ts
 * import { contract, csv, dataset, field, job, jsonl, record } from 'batchwright'
 *
 * const row = contract(1, record({ id: field.text() }))
 * const input = dataset('ids', { files: 'in/*.csv', format: csv(), contract: row })
 * const output = dataset('copied_ids', { location: 'out/ids', format: jsonl(), contract: row })
 *
 * export default job('copy', {}, (steps) => {
 *   steps.records('copy').read(input).write(output)
 * })
 * ```
 */
export function job<
  DeclaredWindow extends Window | undefined = undefined,
  DeclaredParameters extends Parameters<unknown> | undefined = undefined,
>(
  name: string,
  options: JobOptions<DeclaredWindow, DeclaredParameters>,
  build: (steps: Steps<TypesOf<DeclaredWindow, DeclaredParameters>>) => void,
): JobDefinition {
  checkName('job', name)
  const place = `job ${show(name)}`
  checkOptions(place, options, OPTIONS)
  if (typeof build !== 'function') {
    throw definitionError(
      'JOB_INVALID',
      place,
      `expected a function that declares steps, found ${show(build)}`,
      "job('name', { ... }, (steps) => { ... }).",
    )
  }
  const window = windowOf(place, options.window)
  const declared = declareSteps<TypesOf<DeclaredWindow, DeclaredParameters>>(name, place, build)
  const definition: JobDefinition = {
    name,
    description: options.description ?? null,
    owner: options.owner ?? null,
    window,
    parameters: parametersOf(place, options.parameters),
    timeoutMs: options.timeout === undefined ? null : parseDuration(options.timeout, `${place} timeout`),
    retryBudget: parseRetryBudget(`${place} retryBudget`, options.retryBudget ?? {}),
    ...(options.tenant === undefined ? {} : { tenant: checkName('tenant', options.tenant) }),
    ...(options.priority === undefined ? {} : { priority: parsePriority(`${place} priority`, options.priority) }),
    ...assemble(place, declared, window),
  }
  return Object.freeze(Object.defineProperty(definition, JOB, { value: true }))
}

/** Whether a value is a job: what a job file's default export must be. */
export function isJob(value: unknown): value is JobDefinition {
  return typeof value === 'object' && value !== null && JOB in value
}

function windowOf(place: string, window: unknown): Window | null {
  if (window === undefined) return null
  if (isWindow(window)) return window
  throw definitionError(
    'JOB_INVALID',
    `${place} window`,
    `expected a window, found ${show(window)}`,
    "For example window: monthly({ timezone: 'Europe/London' }).",
  )
}

function isWindow(value: unknown): value is Window {
  return typeof value === 'object' && value !== null && 'containing' in value && 'inZone' in value
}

function parametersOf(place: string, given: Parameters<unknown> | undefined): Parameters<unknown> | null {
  if (given === undefined) return null
  if (typeof given === 'object' && 'schema' in given && 'parse' in given) return given
  throw definitionError(
    'JOB_INVALID',
    `${place} parameters`,
    `expected parameters, found ${show(given)}`,
    'For example parameters({ month: field.text() }).',
  )
}

function declareSteps<Job extends JobTypes>(
  name: string,
  place: string,
  build: (steps: Steps<Job>) => unknown,
): ReadonlyMap<string, StepBuilder> {
  const builders = new Map<string, StepBuilder>()
  let open = true
  const declaring: Declaring = {
    job: name,
    get open() {
      return open
    },
    find: (step) => builders.get(step),
  }
  const add = <Builder extends StepBuilder>(builder: Builder): Builder => {
    if (!declaring.open)
      throw builder.error(
        'declare',
        'the job is already built',
        'Declare steps inside the function that job() is given.',
        'STEP_ORDER',
      )
    if (builders.has(builder.name)) {
      throw definitionError(
        'STEP_DUPLICATE',
        place,
        `two steps are called ${show(builder.name)}`,
        'Rename one of them.',
        { step: builder.name },
      )
    }
    builders.set(builder.name, builder)
    return builder
  }
  const steps = {
    records: (step: string) => add(new RecordsBuilder(declaring, step)),
    reduce: (step: string) => add(new ReduceBuilder(declaring, step)),
    sql: (step: string) => add(new SqlBuilder(declaring, step)),
    function: (step: string, first: unknown, second?: unknown) =>
      add(
        second === undefined
          ? new FunctionBuilder(declaring, step, {}, first)
          : new FunctionBuilder(declaring, step, first, second),
      ),
  }
  const known = new Proxy(steps, { get: (target, kind) => kindOf(place, target, kind) })
  // The border between the chain that the type checker walks, stage by stage, and the builders that carry it out.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  const result = build(known as unknown as Steps<Job>)
  if (result instanceof Promise) {
    result.catch(() => undefined)
    throw definitionError(
      'JOB_INVALID',
      place,
      'the function that declares steps is asynchronous',
      'Definitions do no I/O: take async and await away, and move the work into a step.',
    )
  }
  open = false
  return builders
}

function kindOf(place: string, steps: object, kind: string | symbol): unknown {
  const found: unknown = Reflect.get(steps, kind)
  if (found !== undefined || typeof kind === 'symbol') return found
  const kinds = Object.keys(steps)
  throw definitionError(
    'STEP_KIND_UNKNOWN',
    place,
    `there is no kind of step called ${show(kind)}`,
    `${didYouMean(kind, kinds)}Kinds: ${kinds.join(', ')}.`,
  )
}
