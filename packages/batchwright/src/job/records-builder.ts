import { httpService, isHttpTarget } from './http.ts'
import type { HttpTarget, PartitionPolicy, ProcessContext, RecordOperation, RecordsStep } from './model.ts'
import { checkName, checkOptions, didYouMean, show } from './names.ts'
import {
  DEFAULT_COMMIT,
  DEFAULT_PARTITION,
  NO_DEAD_LETTERS,
  parseCommit,
  parseLimit,
  parsePartition,
  type CommitOptions,
  type LimitOption,
  type PartitionOptions,
} from './policies.ts'
import { OutputReference, StepBuilder, type DraftInput, type Surroundings } from './step-builder.ts'

/** Records that readers hand over at once, at most. */
const READ_AT_ONCE = 1000
/** Records sent between two looks at whether to stop or to commit: some seconds of a slow address. */
const TARGET_CHUNK = 100
const SMALLEST = [100, 125, 200, 250, 500]

/** Behind `steps.records(name)`. The chain's types are in step-types.ts. */
export class RecordsBuilder extends StepBuilder {
  readonly kind = 'records'
  #input: DraftInput | null = null
  #operations: RecordOperation[] = []
  #partition: PartitionPolicy = DEFAULT_PARTITION
  #commit = DEFAULT_COMMIT
  #rejects: RecordsStep['rejects'] = new Map()
  #skip = NO_DEAD_LETTERS
  #controls: RecordsStep['controls'] = new Map()
  #stateVersion = 0
  #rebalance: 'auto' | 'never' = 'auto'
  #target: HttpTarget | null = null
  /** Outputs that `.output(name)` was asked for. */
  readonly #readByName = new Set<string>()

  read(input: unknown): this {
    this.#input = this.readInput(input)
    return this
  }

  use(services: unknown): this {
    this.#beforeProcess('use')
    this.setServices(services)
    return this
  }

  lookup(lookups: unknown): this {
    this.#beforeProcess('lookup')
    this.setLookups(lookups)
    return this
  }

  files(outputs: unknown): this {
    this.#beforeProcess('files')
    this.once('files')
    this.setFiles('files', outputs)
    return this
  }

  state(options: { readonly version?: number } = {}): this {
    this.#beforeProcess('state')
    this.once('state')
    checkOptions(this.place('state'), options, ['version'])
    this.#stateVersion = this.wholeFrom1('state', 'version', options.version ?? 1)
    return this
  }

  process(
    process: (record: never, context: ProcessContext) => unknown,
    options: { readonly concurrency?: number } = {},
  ): this {
    this.#beforePolicies('process')
    this.needsFunction('process', process, 'a function of a record')
    checkOptions(this.place('process'), options, ['concurrency'])
    const concurrency = this.wholeFrom1('process', 'concurrency', options.concurrency ?? 1)
    this.#operations.push({ operation: 'process', process, concurrency })
    return this
  }

  distinct(options: {
    readonly within: 'file' | 'partition'
    readonly reject?: string
    readonly by?: (record: never, source: never) => unknown
  }): this {
    this.#beforePolicies('distinct')
    checkOptions(this.place('distinct'), options, ['within', 'reject', 'by'])
    if (options.by !== undefined) this.needsFunction('distinct', options.by, 'by to be a function of a record')
    this.#operations.push({
      operation: 'distinct',
      within: this.choice('distinct', options.within, ['file', 'partition']),
      reject: options.reject === undefined ? null : checkName('rule', options.reject),
      by: options.by ?? null,
    })
    return this
  }

  rejects(limits: Readonly<Record<string, LimitOption | undefined>> | null): this {
    this.once('rejects')
    if (typeof limits !== 'object' || limits === null || Array.isArray(limits)) {
      throw this.error(
        'rejects',
        `expected limits by rule, found ${show(limits)}`,
        "For example .rejects({ missing_customer: '40%', '*': '1%' }).",
      )
    }
    this.#rejects = new Map(
      Object.entries(limits).flatMap(([rule, limit]) => {
        if (limit === undefined) return []
        return [
          [
            rule === '*' ? rule : checkName('rule', rule),
            parseLimit(`${this.place('rejects')} ${rule}`, limit),
          ] as const,
        ]
      }),
    )
    return this
  }

  skip(limit: LimitOption): this {
    this.once('skip')
    this.#skip = parseLimit(this.place('skip'), limit)
    return this
  }

  commit(options: CommitOptions): this {
    this.once('commit')
    this.#commit = parseCommit(this.place('commit'), options)
    return this
  }

  partition(by: PartitionPolicy['by'], options: PartitionOptions<never> = {}): this {
    this.once('partition')
    this.#partition = parsePartition(this.place('partition'), by, options)
    return this
  }

  rebalance(mode: 'auto' | 'never'): this {
    this.once('rebalance')
    this.#rebalance = this.choice('rebalance', mode, ['auto', 'never'])
    return this
  }

  /** With a name first: control totals of that output. */
  control(first: unknown, second?: unknown): this {
    if (typeof first === 'string') {
      this.once(`control for ${this.#outputName('control', first)}`)
      this.namedControls.set(first, this.controlsOf(second))
      return this
    }
    this.once('control')
    this.#controls = this.controlsOf(first)
    return this
  }

  outputs(datasets: unknown, options: unknown = {}): this {
    this.#needsInput('outputs')
    this.once('outputs')
    if (typeof datasets !== 'object' || datasets === null || Object.keys(datasets).length === 0) {
      throw this.error(
        'outputs',
        `expected datasets by name, found ${show(datasets)}`,
        "For example .outputs({ refunds }), for what process gives with output('refunds', record).",
      )
    }
    for (const [name, dataset] of Object.entries(datasets)) {
      this.namedOutputs.set(this.#outputName('outputs', name), this.draftOutputOf('outputs', dataset, options))
    }
    return this
  }

  output(name: string): OutputReference {
    this.#readByName.add(this.#outputName('output', name))
    return new OutputReference(this, name)
  }

  /** A dataset, or an address. */
  write(given: unknown, options?: unknown): this {
    this.#needsInput('write')
    if (isHttpTarget(given)) this.#setTarget(given)
    else this.setOutput(given, options)
    return this
  }

  #setTarget(target: HttpTarget): void {
    this.once('write')
    this.#target = target
    const { service } = target
    if (service !== null) this.services = new Map([...this.services, [httpService(service), service]])
  }

  inputs(): readonly DraftInput[] {
    return this.#input === null ? [] : [this.#input]
  }

  checkComplete(): void {
    this.checkUsed('lookup')
    this.#needsInput('read')
    const cut = this.#partition.by
    const whole = this.#operations.some((each) => each.operation === 'distinct' && each.within === 'file')
    if (whole && (cut === 'bytes' || cut === 'rows' || cut === 'keyHash')) {
      throw this.error(
        'partition',
        `distinct within a file needs whole files, but ${cut} cuts them`,
        ".partition('file'), or distinct({ within: 'partition' }).",
      )
    }
    const known = [...this.namedOutputs.keys()]
    const unknown = [...this.namedControls.keys()].find((name) => !known.includes(name) && !this.#readByName.has(name))
    if (unknown !== undefined) {
      throw this.error(
        'control',
        `there is no output ${show(unknown)}`,
        `${didYouMean(unknown, known)}Give it a dataset with .outputs({ ${unknown} }), or let a step read .output(${JSON.stringify(unknown)}).`,
        'OUTPUT_UNKNOWN',
      )
    }
    if (this.#input?.from === 'step' && cut !== 'auto' && cut !== 'keyHash') {
      throw this.error(
        'partition',
        `${cut} cuts files, but the step reads the step ${show(this.#input.step.name)}`,
        'Leave .partition() out: the step follows the partitions of the one it reads.',
      )
    }
  }

  define(surroundings: Surroundings): RecordsStep {
    const input = this.#needsInput('read')
    if (this.#target !== null && this.speculation !== null) {
      throw this.error(
        'speculate',
        'the step sends requests, which two attempts at once would send twice',
        'Leave .speculate() out.',
      )
    }
    return {
      ...this.base(surroundings),
      kind: 'records',
      input: this.resolveInput(input, surroundings),
      operations: this.#operations,
      partition: this.#partition,
      commit: this.#target === null ? this.#commit : this.#commitOf(this.#target),
      rejects: this.#rejects,
      skip: this.#skip,
      controls: this.#controls,
      stateVersion: this.#stateVersion,
      ...(this.#rebalance === 'never' ? { rebalance: 'never' } : {}),
      target: this.#target,
    }
  }

  /**
   * Requests of several records must be cut in the same places after a crash, or their keys would be others: chunks then end
   * where readers' batches (of 1,000 records at most) can end as well.
   */
  #commitOf(target: HttpTarget): RecordsStep['commit'] {
    const given = this.hasCalled('commit')
    if (target.batch === 1) return given ? this.#commit : { ...this.#commit, chunk: TARGET_CHUNK }
    const whole = this.#partition.by === 'keyHash'
    const least = whole ? READ_AT_ONCE : TARGET_CHUNK
    const chunk = given
      ? this.#commit.chunk
      : Math.max(least, SMALLEST.find((size) => size >= target.batch) ?? READ_AT_ONCE)
    if (READ_AT_ONCE % chunk === 0 && chunk >= (whole ? READ_AT_ONCE : 1)) return { ...this.#commit, chunk }
    throw this.error(
      'commit',
      `expected a chunk that ${String(READ_AT_ONCE)} is a multiple of, found ${String(chunk)}: requests of ${String(target.batch)} records must be cut alike after a crash`,
      whole ? 'With partitions by keyHash: chunk: 1000.' : 'For example chunk: 500, or 250; or leave it out.',
    )
  }

  #outputName(method: string, name: string): string {
    if (name !== 'main' && name !== 'inside') return checkName('output', name)
    throw this.error(
      method,
      `the name ${show(name)} stands for the records without a name`,
      'Publish them with .write(dataset); read them by reading the step itself.',
      'OUTPUT_NAME_RESERVED',
    )
  }

  #needsInput(method: string): DraftInput {
    if (this.#input !== null) return this.#input
    throw this.error(
      method,
      'the step does not say what it reads',
      `steps.records(${JSON.stringify(this.name)}).read(dataset or step) comes first.`,
      'STEP_ORDER',
    )
  }

  #beforeProcess(method: string): void {
    this.#needsInput(method)
    if (!this.#operations.some((each) => each.operation === 'process')) return
    throw this.error(
      method,
      'it comes after .process(), which it is for',
      `Put .${method}() before .process().`,
      'STEP_ORDER',
    )
  }

  /** Limits and controls speak of the records that leave the step: they come when no operation follows. */
  #beforePolicies(method: string): void {
    this.stillOpen(method)
    this.#needsInput(method)
    const late = [
      'rejects',
      'skip',
      'control',
      'outputs',
      'commit',
      'partition',
      'retry',
      'timeout',
      'isolation',
      'publish',
      'rebalance',
      'speculate',
      'pool',
    ].find((policy) => this.hasCalled(policy))
    if (late === undefined) return
    throw this.error(method, `it comes after .${late}()`, `Put .${method}() before .${late}().`, 'STEP_ORDER')
  }
}
