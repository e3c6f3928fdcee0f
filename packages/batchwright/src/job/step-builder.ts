import { CallSites, DECLARED } from './call-sites.ts'
import type { Decimal } from '../kernel/decimal.ts'
import { parseDuration, parseSize, type Duration, type Size } from '../kernel/units.ts'
import { isDataset, isDatasetInput, type Dataset } from './dataset.ts'
import { isLookup } from './lookup.ts'
import type {
  DatasetDefinition,
  FileOutputDefinition,
  LookupDefinition,
  NamedOutputDefinition,
  RetryPolicy,
  ServiceDefinition,
  ShuffleDefinition,
  StepDefinition,
  StepInput,
  StepOutputDefinition,
} from './model.ts'
import { checkName, checkOptions, definitionError, show } from './names.ts'
import { DEFAULT_RETRY, parseRetry, type RetryOptions } from './policies.ts'
import type { ProcessOptions } from './step-types.ts'
import { parseSpeculation, type SpeculateOptions, type Speculation } from './stragglers.ts'

/** Datasets know that they are: others may be given by mistake. */
export type AnyDataset = Dataset<unknown>

/** What a step was told to read, before the graph is known. */
export type DraftInput =
  | {
      readonly from: 'dataset'
      readonly dataset: AnyDataset
      readonly windows: Extract<StepInput, { from: 'dataset' }>['windows']
    }
  /** `output`: null for the records without a name. */
  | { readonly from: 'step'; readonly step: StepBuilder; readonly output: string | null }

export type ControlFunction = (record: never) => Decimal | bigint | number

/** A dataset that a step was told to write. */
export interface DraftOutput {
  readonly dataset: AnyDataset
  readonly recordsPerPart: number
}

/** What `step.output(name)` gives. */
export class OutputReference {
  readonly step: StepBuilder
  readonly output: string

  constructor(step: StepBuilder, output: string) {
    this.step = step
    this.output = output
  }
}

/** What assembly tells a builder about the graph around it. */
export interface Surroundings {
  readonly after: readonly string[]
  readonly readInside: boolean
  /** The named outputs that other steps read, and whether as they are (else cut by key alone). */
  readonly namedRead: ReadonlyMap<string, { readonly inside: boolean }>
  readonly shuffles: readonly ShuffleDefinition[]
  /** The job's copy of a dataset: its window in the job's zone. */
  resolve(dataset: AnyDataset): DatasetDefinition
}

/** The job that steps are being declared in: its identity tells its steps from another job's. */
export interface Declaring {
  readonly job: string
  /** False once the job is built: steps cannot change any more. */
  readonly open: boolean
  find(name: string): StepBuilder | undefined
}

/**
 * Of native memory (sql). Folded state (reduce) lives in the heap of its slot, which is smaller: what does not fit in there
 * would end the slot, not spill.
 */
const DEFAULT_MEMORY: Readonly<Record<StepDefinition['kind'], Size>> = {
  records: '64MB',
  reduce: '64MB',
  sql: '256MB',
  function: '64MB',
}
/** Of a step's own process, bytes. Node with the library loaded takes some 90 MB. */
const LEAST_PROCESS_MEMORY = 128_000_000
export const DEFAULT_RECORDS_PER_PART = 1_000_000

/** What all kinds of steps share: the chain behind `steps.records(...)` and the others, as JavaScript sees it. */
export abstract class StepBuilder {
  readonly name: string
  readonly declaring: Declaring
  abstract readonly kind: StepDefinition['kind']
  readonly waitsFor: (StepBuilder | string)[] = []
  draftOutput: DraftOutput | null = null
  private writtenTable: string | null = null
  readonly namedOutputs = new Map<string, DraftOutput>()
  protected readonly namedControls = new Map<string, ReadonlyMap<string, ControlFunction>>()
  protected retryPolicy: RetryPolicy = DEFAULT_RETRY
  protected timeoutMs: number | null = null
  protected isolationOfStep: StepDefinition['isolation'] = 'thread'
  private processMemory: number | null = null
  protected publishMode: 'together' | 'alone' = 'together'
  protected speculation: Speculation | null = null
  private poolOfStep: string | null = null
  private declaredMemory: number | null = null
  protected services: ReadonlyMap<string, ServiceDefinition> = new Map()
  protected declaredLookups: ReadonlyMap<string, LookupDefinition> = new Map()
  fileOutputs: ReadonlyMap<string, AnyDataset> = new Map()
  readonly #called = new Set<string>()
  readonly #sites = new CallSites()

  constructor(declaring: Declaring, name: string) {
    this.declaring = declaring
    this.name = checkName('step', name)
    this.#sites.note(DECLARED)
  }

  /** Every input, for the graph. */
  abstract inputs(): readonly DraftInput[]
  /** Refuses what is left unsaid at the end of the job. */
  abstract checkComplete(): void
  abstract define(surroundings: Surroundings): StepDefinition

  retry(options: RetryOptions): this {
    this.once('retry')
    this.retryPolicy = parseRetry(this.place('retry'), options)
    return this
  }

  timeout(duration: Duration): this {
    this.once('timeout')
    const ms = parseDuration(duration, this.place('timeout'))
    if (ms === 0)
      throw this.error('timeout', 'expected more than nothing, found no time at all', 'Leave it out for no time-out.')
    this.timeoutMs = ms
    return this
  }

  isolation(isolation: StepDefinition['isolation'], options: ProcessOptions = {}): this {
    this.once('isolation')
    this.isolationOfStep = this.choice('isolation', isolation, ['thread', 'process', 'inline'])
    checkOptions(this.place('isolation'), options, ['memory'])
    if (options.memory !== undefined) this.processMemory = this.memoryOfProcess(options.memory)
    return this
  }

  private memoryOfProcess(size: Size): number {
    const bytes = parseSize(size, this.place('isolation'))
    if (this.isolationOfStep !== 'process') {
      const found = `found memory for isolation '${this.isolationOfStep}'`
      throw this.error('isolation', `expected memory of a process, ${found}`, `Say isolation('process', { memory }).`)
    }
    if (bytes < LEAST_PROCESS_MEMORY) {
      throw this.error(
        'isolation',
        `expected at least 128MB for a process, found ${size}`,
        'Node itself and what it has loaded take most of that.',
      )
    }
    return bytes
  }

  publish(mode: 'together' | 'alone'): this {
    this.once('publish')
    this.publishMode = this.choice('publish', mode, ['together', 'alone'])
    return this
  }

  pool(name: string): this {
    this.once('pool')
    this.poolOfStep = checkName('pool', name)
    return this
  }

  speculate(options: SpeculateOptions = {}): this {
    this.once('speculate')
    this.speculation = parseSpeculation(this.place('speculate'), options)
    return this
  }

  after(...steps: readonly unknown[]): this {
    this.#sites.note('after')
    for (const step of steps) {
      if (typeof step === 'string') this.waitsFor.push(step)
      else if (step instanceof StepBuilder) this.waitsFor.push(this.ofThisJob('after', step))
      else
        throw this.error(
          'after',
          `expected steps or their names, found ${show(step)}`,
          'Pass what steps.records(...) returned.',
        )
    }
    return this
  }

  /** Refuses a call that would silently replace an earlier one, and any call after the job was built. */
  protected once(method: string): void {
    this.#sites.note(method)
    this.stillOpen(method)
    if (this.#called.has(method)) {
      throw this.error(method, 'it is called twice; the first would be forgotten', 'Keep one of the two.')
    }
    this.#called.add(method)
  }

  protected stillOpen(method: string): void {
    if (this.declaring.open && this.draftOutput === null) return
    throw this.error(
      method,
      this.draftOutput === null ? 'the job is already built' : 'it comes after .write(), which ends the chain',
      this.draftOutput === null
        ? 'Declare steps inside the function that job() is given.'
        : `Put .${method}() before .write().`,
      'STEP_ORDER',
    )
  }

  protected hasCalled(method: string): boolean {
    return this.#called.has(method)
  }

  /** The datasets that it looks rows up in, as inputs. */
  get lookupInputs(): readonly DraftInput[] {
    return [...this.declaredLookups.values()].flatMap(({ dataset, windows }) =>
      // A lookup keeps the dataset that it was made from.
      isDataset(dataset) ? [{ from: 'dataset', dataset, windows }] : [],
    )
  }

  get usedServices(): Iterable<ServiceDefinition> {
    return this.services.values()
  }

  protected setServices(services: unknown): void {
    this.once('use')
    this.services = this.servicesOf('use', services)
  }

  protected servicesOf(method: string, services: unknown): ReadonlyMap<string, ServiceDefinition> {
    if (typeof services !== 'object' || services === null) {
      throw this.error(method, `expected services by name, found ${show(services)}`, 'For example .use({ smtp }).')
    }
    return new Map(
      Object.entries(services).map(([name, service]: readonly [string, unknown]) => {
        if (isService(service)) return [name, service] as const
        throw this.error(
          method,
          `expected ${show(name)} to be a service, found ${show(service)}`,
          "Make it with service('name', { open }).",
        )
      }),
    )
  }

  protected setLookups(lookups: unknown): void {
    this.once('lookup')
    this.declaredLookups = this.lookupsOf('lookup', lookups)
  }

  protected lookupsOf(method: string, lookups: unknown): ReadonlyMap<string, LookupDefinition> {
    if (typeof lookups !== 'object' || lookups === null) {
      throw this.error(
        method,
        `expected lookups by name, found ${show(lookups)}`,
        "For example .lookup({ customers: lookup(customers, { by: 'id' }) }).",
      )
    }
    return new Map(
      Object.entries(lookups).map(([name, given]: readonly [string, unknown]) => {
        if (isLookup(given)) return [name, given] as const
        throw this.error(
          method,
          `expected ${show(name)} to be a lookup, found ${show(given)}`,
          `Make it with lookup(dataset, { by: 'id' }).`,
        )
      }),
    )
  }

  protected setFiles(method: string, given: unknown): void {
    if (typeof given !== 'object' || given === null || Object.keys(given).length === 0) {
      throw this.error(
        method,
        `expected datasets of files by name, found ${show(given)}`,
        "For example .files({ thumbs }), with dataset('thumbs', { location, format: files() }).",
      )
    }
    this.fileOutputs = new Map(
      Object.entries(given).map(([name, dataset]: readonly [string, unknown]) => {
        checkName('output', name)
        if (isDataset(dataset) && dataset.format.format === 'files') return [name, dataset] as const
        throw this.error(
          method,
          `expected ${show(name)} to be a dataset of files, found ${isDataset(dataset) ? `${dataset.format.format} ${show(dataset.name)}` : show(dataset)}`,
          "Make it with dataset('thumbs', { location: 'out/thumbs', format: files() }); rows go to .write() and .outputs().",
        )
      }),
    )
  }

  /** Services and lookups share one object, `use`. */
  protected checkUsed(method: string): void {
    const twice = [...this.declaredLookups.keys()].find((name) => this.services.has(name))
    if (twice === undefined) return
    throw this.error(
      method,
      `a service and a lookup are both called ${show(twice)}, and use.${twice} can be only one of them`,
      'Give one of them another name.',
    )
  }

  protected setMemory(size: Size): void {
    this.once('memory')
    const bytes = parseSize(size, this.place('memory'))
    if (bytes < 1_000_000)
      throw this.error('memory', `expected at least 1MB, found ${show(size)}`, 'MB is a million bytes, kB a thousand.')
    this.declaredMemory = bytes
  }

  /** Bytes a step may hold before it spills: as declared, else by its kind. */
  protected get memoryBytes(): number {
    return this.declaredMemory ?? parseSize(DEFAULT_MEMORY[this.kind], 'memory')
  }

  protected setOutput(dataset: unknown, options: unknown = {}): void {
    if (this.draftOutput !== null)
      throw this.error(
        'write',
        'the step already writes a dataset',
        'A second step can read this one and write the other; .outputs({ name: dataset }) takes records by name.',
        'STEP_ORDER',
      )
    this.once('write')
    this.draftOutput = this.draftOutputOf('write', dataset, options)
  }

  /** Refuses what cannot be written. */
  protected draftOutputOf(method: string, dataset: unknown, options: unknown): DraftOutput {
    if (!isDataset(dataset))
      throw this.error(
        method,
        `expected a dataset, found ${show(dataset)}`,
        "Make it with dataset('name', { location, ... }).",
      )
    if (dataset.format.format === 'files') {
      throw this.error(
        method,
        `the dataset ${show(dataset.name)} is made of whole files, and takes no records`,
        `Name it in .files({ ${dataset.name} }), and write to it: files.${dataset.name}.write(name, content).`,
      )
    }
    if (dataset.location.kind === 'files') {
      throw this.error(
        method,
        `the dataset ${show(dataset.name)} is made of files that others put there, so it cannot be written`,
        "Give it location: 'folder' in place of files, or write another dataset.",
        'DATASET_READ_ONLY',
      )
    }
    if (dataset.location.kind === 'table') this.checkTable(method, dataset.name, dataset.location.mode)
    if (dataset.contract.schema.fields === null && dataset.format.format !== 'jsonl') {
      throw this.error(
        method,
        `${dataset.format.format} needs columns, but the contract of ${show(dataset.name)} is a schema of another library`,
        'Describe it with record({ ... }), or use format: jsonl().',
      )
    }
    checkOptions(this.place(method), options, ['recordsPerPart'])
    const recordsPerPart = recordsPerPartOf(options)
    if (!(typeof recordsPerPart === 'number' && Number.isSafeInteger(recordsPerPart) && recordsPerPart >= 1)) {
      throw this.error(
        method,
        `expected recordsPerPart to be a number from 1, found ${show(recordsPerPart)}`,
        'Leave it out for 1,000,000.',
      )
    }
    return { dataset, recordsPerPart }
  }

  private checkTable(method: string, name: string, mode: string | null): void {
    if (mode === null) {
      throw this.error(
        method,
        `the dataset ${show(name)} is a table that is only read`,
        "Say how rows get into it: mode: 'insert', 'upsert' or 'replaceWindow'.",
        'DATASET_READ_ONLY',
      )
    }
    if (this.kind === 'sql') {
      throw this.error(
        method,
        `the dataset ${show(name)} is a table of another database, which a query cannot write into`,
        'Write a dataset of files, and let a records step read it and write the table.',
      )
    }
    if (this.writtenTable !== null) {
      throw this.error(
        method,
        `the step would write two tables, ${show(this.writtenTable)} and ${show(name)}: its position is committed with the rows of one`,
        'Write one of them in a step of its own that reads this one.',
      )
    }
    this.writtenTable = name
  }

  protected readInput(given: unknown): DraftInput {
    this.once('read')
    return this.inputOf('read', given)
  }

  protected inputOf(method: string, given: unknown): DraftInput {
    const dataset = isDataset(given) ? given : isDatasetInput(given) ? given.input.dataset : null
    if (dataset?.format.format === 'files') {
      throw this.error(
        method,
        `the dataset ${show(dataset.name)} is made of whole files, and has no records to be read`,
        'Let the step that writes them write a row for each file, and read those rows.',
        'STEP_INPUT_INVALID',
      )
    }
    if (isDataset(given)) {
      return { from: 'dataset', dataset: given, windows: { select: given.window === null ? 'whole' : 'inside' } }
    }
    if (isDatasetInput(given)) return given.input
    if (given instanceof OutputReference) {
      return { from: 'step', step: this.ofThisJob(method, given.step), output: given.output }
    }
    if (given instanceof StepBuilder) {
      const step = this.ofThisJob(method, given)
      if (step.kind !== 'function') return { from: 'step', step, output: null }
      throw this.error(
        method,
        `the function step ${show(step.name)} gives no records`,
        `Read what it prepares as a dataset, and say .after(${JSON.stringify(step.name)}).`,
      )
    }
    const near = typeof given === 'string' && this.declaring.find(given) !== undefined
    throw this.error(
      method,
      `expected a dataset or a step, found ${show(given)}`,
      near
        ? 'Pass the step itself: what steps.records(...) returned.'
        : 'Pass a dataset(...), or what steps.records(...) returned.',
      'STEP_INPUT_INVALID',
    )
  }

  private ofThisJob(method: string, step: StepBuilder): StepBuilder {
    if (step === this) throw this.error(method, 'the step names itself', 'Name another step.', 'STEP_CYCLE')
    if (step.declaring === this.declaring) return step
    throw this.error(
      method,
      `the step ${show(step.name)} belongs to another job (${show(step.declaring.job)})`,
      'Read the dataset that it writes.',
      'STEP_OF_ANOTHER_JOB',
    )
  }

  protected choice<Choice extends string>(method: string, given: Choice, known: readonly Choice[]): Choice {
    if (known.includes(given)) return given
    throw this.error(
      method,
      `expected ${known.join(' or ')}, found ${show(given)}`,
      `Write ${known.map(show).join(' or ')}.`,
    )
  }

  protected needsFunction(method: string, given: unknown, what: string): void {
    if (typeof given !== 'function')
      throw this.error(method, `expected ${what}, found ${show(given)}`, 'Pass a function.')
  }

  protected wholeFrom1(method: string, what: string, value: unknown): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
    throw this.error(method, `expected ${what} to be a whole number from 1, found ${show(value)}`, 'For example 4.')
  }

  protected controlsOf(controls: unknown): ReadonlyMap<string, ControlFunction> {
    if (typeof controls !== 'object' || controls === null) {
      throw this.error(
        'control',
        `expected functions by name, found ${show(controls)}`,
        'For example .control({ amount: (line) => line.amount }).',
      )
    }
    return new Map(
      Object.entries(controls).map(([name, control]: readonly [string, unknown]) => {
        this.needsFunction('control', control, `${show(checkName('control', name))} to be a function of a record`)
        // The chain's types have checked what it takes and gives.
        // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
        return [name, control as ControlFunction] as const
      }),
    )
  }

  /** `job "billing", step "rate" .retry()`. */
  protected place(method: string): string {
    return `job ${show(this.declaring.job)}, step ${show(this.name)} .${method}()`
  }

  error(method: string, problem: string, hint: string, code: Uppercase<string> = 'STEP_INVALID'): Error {
    const details = { job: this.declaring.job, step: this.name }
    return this.#sites.locate(definitionError(code, this.place(method), problem, hint, details), method, DECLARED)
  }

  /** Shows an error that is found when the job is whole at the call of one of these methods. */
  locate(error: Error, ...methods: readonly string[]): Error {
    return this.#sites.locate(error, ...methods, DECLARED)
  }

  /** The dataset that one of its outputs goes to; null for the records without a name. */
  writes(output: string | null): AnyDataset | undefined {
    return (output === null ? this.draftOutput : this.namedOutputs.get(output))?.dataset
  }

  private get writesNothing(): boolean {
    return this.draftOutput === null && this.namedOutputs.size === 0 && this.fileOutputs.size === 0
  }

  /** Two attempts at once must not write to the same place: what each of them stages is its own. */
  private refuseInPlace(): void {
    if (this.speculation === null) return
    const inPlace = [this.draftOutput, ...this.namedOutputs.values()].find(
      (draft) => draft !== null && draft.dataset.location.kind !== 'published',
    )
    if (inPlace === undefined || inPlace === null) return
    throw this.error(
      'speculate',
      `the dataset ${show(inPlace.dataset.name)} is written in place, where two attempts at once would write twice`,
      'Leave .speculate() out, or write files and load them in a step of their own.',
    )
  }

  protected base(surroundings: Surroundings): BaseDefinition {
    this.refuseInPlace()
    return {
      name: this.name,
      after: surroundings.after,
      output: resolved(this.draftOutput, surroundings),
      readInside: surroundings.readInside,
      shuffles: surroundings.shuffles,
      named: this.namedDefinitions(surroundings),
      publish: this.writesNothing ? 'none' : this.publishMode,
      retry: this.retryPolicy,
      timeoutMs: this.timeoutMs,
      isolation: this.isolationOfStep,
      processMemory: this.processMemory,
      services: this.services,
      ...(this.poolOfStep === null ? {} : { pool: this.poolOfStep }),
      ...(this.speculation === null ? {} : { speculation: this.speculation }),
      lookups: new Map(
        [...this.declaredLookups].map(([name, given]) => [
          name,
          isDataset(given.dataset) ? { ...given, dataset: surroundings.resolve(given.dataset) } : given,
        ]),
      ),
      files: new Map(
        [...this.fileOutputs].map(([name, dataset]) => [name, { dataset: surroundings.resolve(dataset) }]),
      ),
    }
  }

  /** In the order of their names: that of the declarations must not matter to what is written. */
  private namedDefinitions(surroundings: Surroundings): ReadonlyMap<string, NamedOutputDefinition> {
    const names = [...new Set([...this.namedOutputs.keys(), ...surroundings.namedRead.keys()])].sort()
    return new Map(
      names.map((name) => [
        name,
        {
          output: resolved(this.namedOutputs.get(name) ?? null, surroundings),
          readInside: surroundings.namedRead.get(name)?.inside ?? false,
          controls: this.namedControls.get(name) ?? new Map<string, ControlFunction>(),
        },
      ]),
    )
  }

  protected resolveInput(input: DraftInput, surroundings: Surroundings): StepInput {
    return input.from === 'step'
      ? { from: 'step', step: input.step.name, output: input.output }
      : { from: 'dataset', dataset: surroundings.resolve(input.dataset), windows: input.windows }
  }
}

function resolved(draft: DraftOutput | null, surroundings: Surroundings): StepOutputDefinition | null {
  return draft === null ? null : { dataset: surroundings.resolve(draft.dataset), recordsPerPart: draft.recordsPerPart }
}

interface BaseDefinition {
  readonly name: string
  readonly after: readonly string[]
  readonly output: StepOutputDefinition | null
  readonly readInside: boolean
  readonly shuffles: readonly ShuffleDefinition[]
  readonly named: ReadonlyMap<string, NamedOutputDefinition>
  readonly publish: 'together' | 'alone' | 'none'
  readonly retry: RetryPolicy
  readonly timeoutMs: number | null
  readonly isolation: StepDefinition['isolation']
  readonly processMemory: number | null
  readonly services: ReadonlyMap<string, ServiceDefinition>
  readonly pool?: string
  readonly speculation?: Speculation
  readonly lookups: ReadonlyMap<string, LookupDefinition>
  readonly files: ReadonlyMap<string, FileOutputDefinition>
}

function recordsPerPartOf(options: unknown): unknown {
  return typeof options === 'object' && options !== null && 'recordsPerPart' in options
    ? options.recordsPerPart
    : DEFAULT_RECORDS_PER_PART
}

function isService(value: unknown): value is ServiceDefinition {
  return typeof value === 'object' && value !== null && 'open' in value && 'secrets' in value
}
