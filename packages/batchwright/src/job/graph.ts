/** The steps of a job put together: who waits for whom, in an order that works; datasets that agree. */
import type {
  DatasetDefinition,
  RecordsStep,
  ServiceDefinition,
  ShuffleDefinition,
  StepDefinition,
  WindowSpec,
} from './model.ts'
import { definitionError, didYouMean, show } from './names.ts'
import { ReduceBuilder } from './other-builders.ts'
import { DEFAULT_COMMIT, DEFAULT_PARTITION, NO_DEAD_LETTERS } from './policies.ts'
import type { AnyDataset, DraftInput, StepBuilder, Surroundings } from './step-builder.ts'
import { nests } from './window.ts'

export interface Assembled {
  readonly steps: readonly StepDefinition[]
  readonly datasets: ReadonlyMap<string, DatasetDefinition>
}

/** Checks the declared steps as a whole, and makes their definitions, each after everything it waits for. */
export function assemble(
  place: string,
  builders: ReadonlyMap<string, StepBuilder>,
  window: WindowSpec | null,
): Assembled {
  if (builders.size === 0)
    throw definitionError('JOB_EMPTY', place, 'it has no steps', "Declare one: steps.records('name').read(...).")
  for (const builder of builders.values()) builder.checkComplete()
  const waiting = waitingOf(builders)
  const order = inOrder(place, builders, waiting)
  checkServices(place, order)
  const datasets = new Datasets(place, window)
  for (const builder of order) datasets.take(builder)
  for (const builder of order) {
    for (const input of builder.inputs()) datasets.checkInput(builder, 'read', input)
    for (const input of builder.lookupInputs) datasets.checkInput(builder, 'lookup', input)
  }

  const steps = order.flatMap((builder) => {
    const waits = (waiting.get(builder) ?? []).map((step) => step.name)
    const read = order.flatMap((other) => outputsRead(other, builder))
    const surroundings: Surroundings = {
      after: afterOf(builder, waits),
      readInside: read.some(({ output, inside }) => output === null && inside),
      namedRead: namedRead(read),
      shuffles: order.flatMap((other) => shufflesTo(other, builder.name)),
      resolve: (dataset) => datasets.resolve(dataset),
    }
    const definition = builder.define(surroundings)
    return [...implicitMap(builder, definition, waits, surroundings), definition]
  })
  return { steps, datasets: datasets.resolved }
}

/** A reduce step with an implicit map waits for that in place of what it reads. */
function afterOf(builder: StepBuilder, waits: readonly string[]): readonly string[] {
  if (!(builder instanceof ReduceBuilder) || builder.upstream.implicit === null) return waits
  return [builder.upstream.step, ...waits.filter((name) => !isRead(builder, name))]
}

function isRead(builder: StepBuilder, name: string): boolean {
  return builder.inputs().some((input) => input.from === 'step' && input.step.name === name)
}

interface OutputRead {
  readonly output: string | null
  /** As it is: not cut by key, and not from the dataset it goes to. */
  readonly inside: boolean
}

/** The outputs of a step that another one reads. */
function outputsRead(reader: StepBuilder, read: StepBuilder): readonly OutputRead[] {
  const inside = reader.kind !== 'sql' && !(reader instanceof ReduceBuilder && reader.upstream.implicit === null)
  return reader
    .inputs()
    .flatMap((input) => (input.from === 'step' && input.step === read ? [{ output: input.output, inside }] : []))
}

function namedRead(read: readonly OutputRead[]): Surroundings['namedRead'] {
  const named = new Map<string, { readonly inside: boolean }>()
  for (const { output, inside } of read) {
    if (output !== null) named.set(output, { inside: inside || named.get(output)?.inside === true })
  }
  return named
}

function shufflesTo(reader: StepBuilder, name: string): readonly ShuffleDefinition[] {
  return reader instanceof ReduceBuilder && reader.upstream.step === name ? [reader.shuffle] : []
}

/** A reduce step over a dataset: a records step of no operations reads it and cuts it by key. */
function implicitMap(
  builder: StepBuilder,
  definition: StepDefinition,
  waits: readonly string[],
  surroundings: Surroundings,
): readonly RecordsStep[] {
  if (!(builder instanceof ReduceBuilder) || builder.upstream.implicit === null) return []
  const { implicit } = builder.upstream
  return [
    {
      kind: 'records',
      name: builder.upstream.step,
      after: waits,
      output: null,
      readInside: false,
      shuffles: [builder.shuffle],
      named: new Map(),
      publish: 'none',
      retry: definition.retry,
      timeoutMs: definition.timeoutMs,
      isolation: definition.isolation,
      processMemory: definition.processMemory,
      ...(definition.pool === undefined ? {} : { pool: definition.pool }),
      services: new Map(),
      lookups: new Map(),
      files: new Map(),
      input:
        implicit.from === 'step'
          ? { from: 'step', step: implicit.step.name, output: implicit.output }
          : { from: 'dataset', dataset: surroundings.resolve(implicit.dataset), windows: implicit.windows },
      operations: [],
      partition: DEFAULT_PARTITION,
      commit: DEFAULT_COMMIT,
      rejects: new Map(),
      skip: NO_DEAD_LETTERS,
      controls: new Map(),
      stateVersion: 0,
      target: null,
    },
  ]
}

/** Fakes, secrets and messages name a service: it must be one. */
function checkServices(place: string, builders: readonly StepBuilder[]): void {
  const byName = new Map<string, ServiceDefinition>()
  for (const builder of builders) {
    for (const service of builder.usedServices) {
      const other = byName.get(service.name)
      if (other !== undefined && other !== service) {
        throw definitionError(
          'SERVICE_DUPLICATE',
          place,
          `two services are called ${show(service.name)}`,
          'Rename one, or import the same definition in both places.',
          { service: service.name },
        )
      }
      byName.set(service.name, service)
    }
  }
}

// ---------------------------------------------------------------- order

type Waiting = ReadonlyMap<StepBuilder, readonly StepBuilder[]>

function waitingOf(builders: ReadonlyMap<string, StepBuilder>): Waiting {
  const waiting = new Map<StepBuilder, readonly StepBuilder[]>()
  for (const builder of builders.values()) {
    const named = builder.waitsFor.map((step) => {
      const found = typeof step === 'string' ? builders.get(step) : step
      if (found !== undefined) return found
      throw builder.error(
        'after',
        `there is no step ${show(step)} in this job`,
        `${didYouMean(typeof step === 'string' ? step : step.name, builders.keys())}Steps: ${[...builders.keys()].join(', ')}.`,
        'STEP_UNKNOWN',
      )
    })
    const read = builder.inputs().flatMap((input) => (input.from === 'step' ? [input.step] : []))
    waiting.set(builder, [...new Set([...read, ...named])])
  }
  return waiting
}

/** As declared, but for steps that wait for later ones. Throws STEP_CYCLE. */
function inOrder(place: string, builders: ReadonlyMap<string, StepBuilder>, waiting: Waiting): readonly StepBuilder[] {
  const done = new Set<StepBuilder>()
  const path: StepBuilder[] = []
  const visit = (builder: StepBuilder): void => {
    if (done.has(builder)) return
    const from = path.indexOf(builder)
    if (from !== -1) {
      const circle = [...path.slice(from), builder].map((step) => show(step.name)).join(' waits for ')
      const cycle = definitionError(
        'STEP_CYCLE',
        place,
        circle,
        'Take one of these dependencies away: .read() or .after().',
      )
      throw path.at(-1)?.locate(cycle, 'after', 'read') ?? cycle
    }
    path.push(builder)
    for (const other of waiting.get(builder) ?? []) visit(other)
    path.pop()
    done.add(builder)
  }
  for (const builder of builders.values()) visit(builder)
  return [...done]
}

// ---------------------------------------------------------------- datasets

/** The datasets of one job: one definition a name, one writer each, windows that fit the job's. */
class Datasets {
  readonly resolved = new Map<string, DatasetDefinition>()
  readonly #declared = new Map<string, AnyDataset>()
  readonly #writers = new Map<string, StepBuilder>()
  readonly #place: string
  readonly #window: WindowSpec | null

  constructor(place: string, window: WindowSpec | null) {
    this.#place = place
    this.#window = window
  }

  take(builder: StepBuilder): void {
    for (const input of [...builder.inputs(), ...builder.lookupInputs]) {
      if (input.from === 'dataset') this.#add(input.dataset)
    }
    if (builder.draftOutput !== null) this.#written(builder, 'write', builder.draftOutput.dataset)
    for (const { dataset } of builder.namedOutputs.values()) this.#written(builder, 'outputs', dataset)
    for (const dataset of builder.fileOutputs.values()) this.#written(builder, 'files', dataset)
  }

  #written(builder: StepBuilder, method: string, dataset: AnyDataset): void {
    this.#add(dataset)
    const other = this.#writers.get(dataset.name)
    if (other !== undefined) {
      throw builder.error(
        method,
        `the dataset ${show(dataset.name)} is already written by the step ${show(other.name)}`,
        'Write a dataset of its own, or bring the records together in one step.',
        'DATASET_TWO_WRITERS',
      )
    }
    this.#writers.set(dataset.name, builder)
    this.#checkOutputWindow(builder, method, this.resolve(dataset))
  }

  resolve(dataset: AnyDataset): DatasetDefinition {
    return this.resolved.get(dataset.name) ?? dataset
  }

  #add(dataset: AnyDataset): void {
    const other = this.#declared.get(dataset.name)
    if (other === dataset) return
    if (other !== undefined) {
      throw definitionError(
        'DATASET_DUPLICATE',
        this.#place,
        `two datasets are called ${show(dataset.name)}`,
        'Rename one, or import the same definition in both places.',
      )
    }
    this.#declared.set(dataset.name, dataset)
    this.resolved.set(dataset.name, dataset.inZone(this.#window?.timezone ?? 'UTC'))
  }

  #checkOutputWindow(builder: StepBuilder, method: string, dataset: DatasetDefinition): void {
    const { window } = dataset
    const own = this.#window
    if (window === null) return
    const same =
      own !== null && own.kind === window.kind && own.lengthMs === window.lengthMs && own.timezone === window.timezone
    if (same) return
    throw builder.error(
      method,
      `the dataset ${show(dataset.name)} has ${describe(window)}, and a run of the job has ${describe(own)}`,
      own === null
        ? `Give the job a window: window: ${declaration(window)}.`
        : `A run publishes one window: give the dataset window: ${declaration(own)}.`,
      'WINDOW_MISFIT',
    )
  }

  checkInput(builder: StepBuilder, method: 'read' | 'lookup', input: DraftInput): void {
    if (input.from !== 'dataset') return
    const dataset = this.resolve(input.dataset)
    const { select } = input.windows
    const writer = this.#writers.get(dataset.name)
    if (writer !== undefined && select !== 'previous' && select !== 'at') {
      throw builder.error(
        method,
        `the dataset ${show(dataset.name)} is written by the step ${show(writer.name)} of this job, and published only when the run is over`,
        method === 'read'
          ? `Read the step: .read(${writer.name}), or earlier windows: .read(${dataset.name}.previous(1)).`
          : `Look rows up in earlier windows: lookup(${dataset.name}.previous(1), ...), or in a dataset of another job.`,
        'DATASET_NOT_YET_PUBLISHED',
      )
    }
    if (dataset.window === null || select === 'at') {
      if (dataset.window !== null && this.#window === null) throw this.#misfit(builder, method, dataset, dataset.window)
      return
    }
    if (this.#window === null || !nests(dataset.window, this.#window))
      throw this.#misfit(builder, method, dataset, dataset.window)
  }

  #misfit(builder: StepBuilder, method: 'read' | 'lookup', dataset: DatasetDefinition, window: WindowSpec): Error {
    return builder.error(
      method,
      `the dataset ${show(dataset.name)} has ${describe(window)}, which do not fit into ${describe(this.#window)} of the job`,
      this.#window === null
        ? `Give the job a window: window: ${declaration(window)}.`
        : `Say which windows to read: .read(${dataset.name}.at((window) => [...])).`,
      'WINDOW_MISFIT',
    )
  }
}

function describe(window: WindowSpec | null): string {
  if (window === null) return 'no window'
  if (window.kind === 'interval') return `windows of ${(window.lengthMs ?? 0) / 1000} s`
  return `windows of a ${window.kind} (${window.timezone})`
}

const DECLARATIONS = { hour: 'hourly', day: 'daily', week: 'weekly', month: 'monthly' } as const

function declaration(window: WindowSpec): string {
  if (window.kind === 'interval') return `every('${(window.lengthMs ?? 0) / 1000}s')`
  return `${DECLARATIONS[window.kind]}({ timezone: '${window.timezone}' })`
}
