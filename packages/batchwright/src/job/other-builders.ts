import type { Size } from '../kernel/units.ts'
import { readEach } from './each.ts'
import type {
  EachDefinition,
  FoldDefinition,
  FunctionContext,
  FunctionStep,
  ReduceStep,
  ShuffleDefinition,
  SqlStep,
  StepInput,
} from './model.ts'
import { asText, checkOptions, show } from './names.ts'
import { StepBuilder, type Declaring, type DraftInput, type Surroundings } from './step-builder.ts'

/** Four tasks use the cores of a small machine and cost nothing on a smaller one. Constant: the output's bytes depend on it. */
const DEFAULT_BUCKETS = 4

/** Behind `steps.reduce(name)`. */
export class ReduceBuilder extends StepBuilder {
  readonly kind = 'reduce'
  #input: DraftInput | null = null
  #key: ((record: object) => string) | null = null
  #fold: FoldDefinition | null = null
  #buckets = DEFAULT_BUCKETS
  #controls: ReduceStep['controls'] = new Map()

  read(input: unknown): this {
    this.#input = this.readInput(input)
    return this
  }

  by(key: (record: object) => unknown): this {
    this.once('by')
    this.needsFunction('by', key, 'a function of a record that gives its key')
    this.#key = asText(key, (record) => {
      const value = key(record)
      if (typeof value === 'string') return value
      throw this.error(
        'by',
        `expected a key of text, found ${show(value)}`,
        'Make it text: .by((order) => String(order.id)); of several fields: .by((line) => `${line.customer}/${line.month}`).',
        'KEY_INVALID',
      )
    })
    return this
  }

  use(services: unknown): this {
    this.setServices(services)
    return this
  }

  lookup(lookups: unknown): this {
    this.setLookups(lookups)
    return this
  }

  fold(fold: FoldDefinition): this {
    this.once('fold')
    checkOptions(this.place('fold'), fold, ['initial', 'add', 'finish'])
    this.needsFunction('fold', fold.initial, 'initial to be a function')
    this.needsFunction('fold', fold.add, 'add to be a function')
    this.needsFunction('fold', fold.finish, 'finish to be a function')
    this.#fold = fold
    return this
  }

  memory(size: Size): this {
    this.setMemory(size)
    return this
  }

  buckets(count: number): this {
    this.once('buckets')
    this.#buckets = this.wholeFrom1('buckets', 'the number of buckets', count)
    return this
  }

  control(controls: unknown): this {
    this.once('control')
    this.#controls = this.controlsOf(controls)
    return this
  }

  write(dataset: unknown, options?: unknown): this {
    this.setOutput(dataset, options)
    return this
  }

  inputs(): readonly DraftInput[] {
    return this.#input === null ? [] : [this.#input]
  }

  checkComplete(): void {
    this.#parts()
    this.checkUsed('lookup')
  }

  /** The step that hands its records over cut by key: the one read, or an implicit one where that is a dataset or SQL. */
  get upstream(): { readonly step: string; readonly implicit: DraftInput | null } {
    const { input } = this.#parts()
    const direct = input.from === 'step' && input.step.kind !== 'sql'
    return direct ? { step: input.step.name, implicit: null } : { step: `${this.name}.map`, implicit: input }
  }

  get shuffle(): ShuffleDefinition {
    return { to: this.name, output: this.#outputRead, key: this.#parts().key, buckets: this.#buckets }
  }

  /** The named output of the upstream step that it reads; none of an implicit one. */
  get #outputRead(): string | null {
    const { input } = this.#parts()
    return input.from === 'step' && this.upstream.implicit === null ? input.output : null
  }

  define(surroundings: Surroundings): ReduceStep {
    const { key, fold } = this.#parts()
    return {
      ...this.base(surroundings),
      kind: 'reduce',
      input: { from: 'step', step: this.upstream.step, output: this.#outputRead },
      key,
      buckets: this.#buckets,
      fold,
      memoryBytes: this.memoryBytes,
      controls: this.#controls,
    }
  }

  #parts(): { input: DraftInput; key: (record: object) => string; fold: FoldDefinition } {
    const [input, key, fold] = [this.#input, this.#key, this.#fold]
    if (input !== null && key !== null && fold !== null) return { input, key, fold }
    const missing = input === null ? 'read' : key === null ? 'by' : 'fold'
    throw this.error(
      missing,
      'it is missing',
      `steps.reduce(${JSON.stringify(this.name)}).read(...).by(...).fold({ initial, add, finish }).`,
      'STEP_ORDER',
    )
  }
}

const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Behind `steps.sql(name)`. */
export class SqlBuilder extends StepBuilder {
  readonly kind = 'sql'
  #tables = new Map<string, DraftInput>()
  #query: string | null = null

  read(tables: Readonly<Record<string, unknown>> | null): this {
    this.once('read')
    if (typeof tables !== 'object' || tables === null || Object.keys(tables).length === 0) {
      throw this.error('read', `expected tables by name, found ${show(tables)}`, 'For example .read({ lines }).')
    }
    for (const [table, given] of Object.entries(tables)) {
      if (!TABLE_NAME.test(table)) {
        throw this.error(
          'read',
          `expected a table name of letters, digits and _, found ${show(table)}`,
          'Tables are named as in the query.',
        )
      }
      const input = this.inputOf('read', given)
      if (input.from === 'dataset' && input.dataset.location.kind === 'table') {
        throw this.error(
          'read',
          `${show(table)} is a table of another database, which the query cannot see`,
          'Let a records step read it and write a dataset of files, and read that.',
          'STEP_INPUT_INVALID',
        )
      }
      this.#tables.set(table, input)
    }
    return this
  }

  query(query: string): this {
    this.once('query')
    if (typeof query !== 'string' || query.trim() === '') {
      throw this.error(
        'query',
        `expected a query, found ${show(query)}`,
        'For example .query(`select ... from lines order by ...`).',
      )
    }
    this.#query = query
    return this
  }

  memory(size: Size): this {
    this.setMemory(size)
    return this
  }

  write(dataset: unknown, options?: unknown): this {
    this.setOutput(dataset, options)
    return this
  }

  inputs(): readonly DraftInput[] {
    return [...this.#tables.values()]
  }

  checkComplete(): void {
    this.#parts()
    for (const [table, input] of this.#tables) {
      if (input.from !== 'step') continue
      const { step, output } = input
      if (step.writes(output)?.location.kind === 'table') {
        throw this.error(
          'read',
          `${show(table)} is what step ${show(step.name)} writes into a table of another database, which the query cannot see`,
          'Write a dataset of files before it, and read that.',
          'STEP_INPUT_INVALID',
        )
      }
      if (output === null && step.draftOutput === null) {
        throw this.error(
          'read',
          `the table ${show(table)} is the step ${show(step.name)}, which writes no dataset, so its columns are not known`,
          `Let ${JSON.stringify(step.name)} .write() a dataset.`,
        )
      }
      if (output === null || step.namedOutputs.has(output)) continue
      throw this.error(
        'read',
        `the table ${show(table)} is the output ${show(output)} of the step ${show(step.name)}, which goes to no dataset, so its columns are not known`,
        `Let ${JSON.stringify(step.name)} name one: .outputs({ ${output}: dataset }).`,
      )
    }
  }

  define(surroundings: Surroundings): SqlStep {
    const query = this.#parts()
    const tables = new Map<string, StepInput>()
    for (const [table, input] of this.#tables) tables.set(table, this.resolveInput(input, surroundings))
    return {
      ...this.base(surroundings),
      kind: 'sql',
      tables,
      query,
      memoryBytes: this.memoryBytes,
      deterministic: /\border\s+by\b/i.test(query),
    }
  }

  #parts(): string {
    if (this.#tables.size > 0 && this.#query !== null && this.draftOutput !== null) return this.#query
    const missing = this.#tables.size === 0 ? 'read' : this.#query === null ? 'query' : 'write'
    throw this.error(
      missing,
      'it is missing',
      `steps.sql(${JSON.stringify(this.name)}).read({ table }).query(\`...\`).write(dataset).`,
      'STEP_ORDER',
    )
  }
}

type RunFunction = (context: FunctionContext) => unknown

function isRunFunction(value: unknown): value is RunFunction {
  return typeof value === 'function'
}

/** Behind `steps.function(name, run)`. */
export class FunctionBuilder extends StepBuilder {
  readonly kind = 'function'
  readonly #run: RunFunction
  readonly #each: EachDefinition | null
  readonly #stateVersion: number

  constructor(declaring: Declaring, name: string, options: unknown, run: unknown) {
    super(declaring, name)
    checkOptions(this.place('function'), options, ['each', 'use', 'lookup', 'files', 'stateVersion'])
    if (!isRunFunction(run)) {
      throw this.error(
        'function',
        `expected the function that the step runs, found ${show(run)}`,
        "steps.function('name', async (context) => { ... }).",
      )
    }
    this.#run = run
    const given: Readonly<Record<string, unknown>> = typeof options === 'object' ? { ...options } : {}
    if (given['use'] !== undefined) this.services = this.servicesOf('function', given['use'])
    if (given['lookup'] !== undefined) this.declaredLookups = this.lookupsOf('function', given['lookup'])
    this.checkUsed('function')
    if (given['files'] !== undefined) this.setFiles('function', given['files'])
    this.#each = given['each'] === undefined ? null : this.#eachOf(given['each'])
    this.#stateVersion = this.wholeFrom1('function', 'stateVersion', given['stateVersion'] ?? 1)
  }

  #eachOf(given: unknown): EachDefinition {
    const each = readEach(given)
    if ('from' in each) return each
    throw this.error('function', each.problem, each.hint)
  }

  inputs(): readonly DraftInput[] {
    return []
  }

  checkComplete(): void {
    // Its constructor was told everything.
  }

  define(surroundings: Surroundings): FunctionStep {
    return {
      ...this.base(surroundings),
      kind: 'function',
      run: this.#run,
      each: this.#each,
      stateVersion: this.#stateVersion,
    }
  }
}
