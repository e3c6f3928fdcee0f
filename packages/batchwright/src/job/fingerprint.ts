import { canonicalJson, sha256 } from '../kernel/digest.ts'
import { eachPrint } from './each.ts'
import { BatchwrightError, type JsonValue } from '../kernel/errors.ts'
import type { DatasetDefinition, JobDefinition, RecordSchema, StepDefinition, StepInput, WindowSpec } from './model.ts'
import { Decimal } from '../kernel/decimal.ts'
import { didYouMean } from './names.ts'
import { datasetsWritten } from './outputs.ts'

/** What a plan, its checkpoints and its parts depend on. Where one of these differs, a run cannot go on under the new code. */
export type FingerprintPart = 'graph' | 'partitioning' | 'contracts' | 'formats' | 'windows' | 'keys' | 'state'

const MEANINGS: Readonly<Record<FingerprintPart, string>> = {
  graph: 'what the step reads, writes and waits for',
  partitioning: 'how its input is cut',
  contracts: 'the contract of a dataset it reads or writes',
  formats: 'the format of a dataset it reads or writes',
  windows: 'a window',
  keys: 'the code of a key function',
  state: 'the version or the place of its state',
}

/** The parts of a step's definition that a plan depends on, each with its content. */
export function planParts(job: JobDefinition, step: string): Readonly<Record<FingerprintPart, JsonValue>> {
  const definition = stepOf(job, step)
  const datasets = datasetsOf(definition)
  return {
    graph: {
      kind: definition.kind,
      inputs: Object.fromEntries(inputsOf(definition).map(([name, input]) => [name, inputName(input)])),
      after: definition.after,
      output: definition.output?.dataset.name ?? null,
      readInside: definition.readInside,
      shuffles: definition.shuffles.map(({ to, buckets, output }) => ({
        to,
        buckets,
        ...(output === null ? {} : { output }),
      })),
      ...namedOf(definition),
      ...lookupsOf(definition),
      ...filesOf(definition),
    },
    partitioning: {
      recordsPerPart: definition.output?.recordsPerPart ?? null,
      ...(definition.kind === 'records'
        ? { by: definition.partition.by, size: definition.partition.size, count: definition.partition.count }
        : {}),
      ...(definition.kind === 'reduce' ? { buckets: definition.buckets } : {}),
      ...(definition.kind === 'function' && definition.each !== null ? { each: eachPrint(definition.each) } : {}),
    },
    contracts: Object.fromEntries(
      datasets.map((dataset) => [
        dataset.name,
        { version: dataset.contract.version, fields: fieldsOf(dataset.contract.schema) },
      ]),
    ),
    formats: Object.fromEntries(datasets.map((dataset) => [dataset.name, { ...dataset.format, ...tableOf(dataset) }])),
    windows: {
      job: windowOf(job.window),
      datasets: Object.fromEntries(datasets.map((dataset) => [dataset.name, windowOf(dataset.window)])),
    },
    keys: keyFunctions(definition).map(String),
    state: stateOf(definition),
  }
}

/** Of a plan: its parts with a short SHA-256 each, as text. Equal texts: a run may go on under the new code. */
export function planFingerprint(job: JobDefinition, step: string): string {
  return Object.entries(planParts(job, step))
    .map(([part, content]) => `${part}:${sha256(canonicalJson(content)).slice(0, 16)}`)
    .join(' ')
}

/** Sentences that name what differs between two fingerprints; none where they are equal. */
export function fingerprintDifferences(before: string, after: string): readonly string[] {
  if (before === after) return []
  const [then, now] = [partsOf(before), partsOf(after)]
  return [...new Set([...then.keys(), ...now.keys()])]
    .filter((part) => then.get(part) !== now.get(part))
    .map((part) => (isPart(part) ? `${part}: ${MEANINGS[part]} is another` : `${part} is another`))
}

function partsOf(fingerprint: string): ReadonlyMap<string, string> {
  return new Map(
    fingerprint.split(' ').map((text) => {
      const [part = '', digest = ''] = text.split(':')
      return [part, digest]
    }),
  )
}

function isPart(part: string): part is FingerprintPart {
  return Object.hasOwn(MEANINGS, part)
}

function stepOf(job: JobDefinition, name: string): StepDefinition {
  const step = job.steps.find((candidate) => candidate.name === name)
  if (step !== undefined) return step
  const names = job.steps.map((candidate) => candidate.name)
  throw new BatchwrightError({
    code: 'STEP_UNKNOWN',
    message: `job ${JSON.stringify(job.name)}: there is no step ${JSON.stringify(name)}`,
    hint: `${didYouMean(name, names)}Steps: ${names.join(', ')}.`,
  })
}

function inputsOf(step: StepDefinition): readonly (readonly [string, StepInput])[] {
  switch (step.kind) {
    case 'records':
    case 'reduce':
      return [['input', step.input]]
    case 'sql':
      return [...step.tables]
    case 'function':
      return []
  }
}

function inputName(input: StepInput): JsonValue {
  if (input.from === 'step') return { step: input.step, ...(input.output === null ? {} : { output: input.output }) }
  const { windows } = input
  return {
    dataset: input.dataset.name,
    select: windows.select,
    count: 'count' in windows ? windows.count : null,
    at: windows.select === 'at' ? String(windows.at) : null,
  }
}

function datasetsOf(step: StepDefinition): readonly DatasetDefinition[] {
  const read = inputsOf(step).flatMap(([, input]) => (input.from === 'dataset' ? [input.dataset] : []))
  const looked = [...step.lookups.values()].map(({ dataset }) => dataset)
  return [...read, ...looked, ...datasetsWritten(step).map(({ dataset }) => dataset)]
}

function lookupsOf({ lookups }: StepDefinition): Readonly<Record<string, JsonValue>> {
  if (lookups.size === 0) return {}
  const inputs = [...lookups].map(([name, { by, duplicates, ...input }]): readonly [string, JsonValue] => [
    name,
    { input: inputName({ from: 'dataset', ...input }), by, duplicates },
  ])
  return { lookups: Object.fromEntries(inputs) }
}

/** Absent where there are none: plans made before there were named outputs stay the same. */
function namedOf({ named }: StepDefinition): Readonly<Record<string, JsonValue>> {
  if (named.size === 0) return {}
  const outputs = [...named].map(([name, { output, readInside }]): readonly [string, JsonValue] => [
    name,
    {
      dataset: output?.dataset.name ?? null,
      recordsPerPart: output?.recordsPerPart ?? null,
      readInside,
    },
  ])
  return { named: Object.fromEntries(outputs) }
}

function filesOf({ files }: StepDefinition): Readonly<Record<string, JsonValue>> {
  if (files.size === 0) return {}
  return { files: Object.fromEntries([...files].map(([name, { dataset }]) => [name, dataset.name])) }
}

/** A position in one table means nothing in another, nor in the same one when rows get into it in another way. */
function tableOf({ location, key }: DatasetDefinition): Readonly<Record<string, JsonValue>> {
  if (location.kind !== 'table') return {}
  const { table, mode, windowBy, read } = location
  return { table: { ...table }, mode, windowBy, read: { ...read }, key: key ?? [] }
}

function fieldsOf(schema: RecordSchema): JsonValue {
  if (schema.fields === null) return 'another library'
  return schema.fields.map(({ name, column, type, optional, defaultValue }) => ({
    name,
    column,
    type: { ...type },
    optional,
    default:
      defaultValue === undefined ? null : Decimal.is(defaultValue) ? defaultValue.toString() : { value: defaultValue },
  }))
}

function windowOf(window: WindowSpec | null): JsonValue {
  return window === null ? null : { kind: window.kind, timezone: window.timezone, lengthMs: window.lengthMs }
}

/** Functions that decide where a record goes. Their text stands for them: a change that only renames stops a resume too. */
function keyFunctions(step: StepDefinition): readonly unknown[] {
  const own =
    step.kind === 'records'
      ? [step.partition.key, ...step.operations.map((each) => (each.operation === 'distinct' ? each.by : null))]
      : []
  return [...step.shuffles.map((shuffle) => shuffle.key), ...(step.kind === 'reduce' ? [step.key] : []), ...own].filter(
    (key) => key !== null,
  )
}

function stateOf(step: StepDefinition): JsonValue {
  if (step.kind === 'function') return { version: step.stateVersion }
  if (step.kind !== 'records') return null
  const distinct = step.operations.map((each) => (each.operation === 'distinct' ? each.within : null))
  // What a step without `distinct` does between reading and writing may come, go and move: nothing remembers its place.
  return { version: step.stateVersion, distinct: distinct.some((within) => within !== null) ? distinct : [] }
}
