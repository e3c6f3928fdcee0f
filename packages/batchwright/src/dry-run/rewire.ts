/** The job as a dry run runs it: sample in, nothing published, everything judged afterwards. */
import { datasetFolder } from '../data/index.ts'
import { jsonl } from '../job/index.ts'
import type {
  CheckDefinition,
  DatasetDefinition,
  JobDefinition,
  RecordsStep,
  RetryPolicy,
  StepDefinition,
  StepInput,
  StepOutputDefinition,
} from '../job/index.ts'
import { newSeen, watchRecords, watchReduce, type Seen } from './capture.ts'
import type { SampledDataset } from './inputs.ts'
import { mirrored } from './mirror.ts'

export interface Rewired {
  readonly job: JobDefinition
  /** By step. */
  readonly seen: ReadonlyMap<string, Seen>
}

/** Checks that count all records, which a sample has not. */
export function judgesCounts(check: CheckDefinition): boolean {
  return check.check === 'rowCount'
}

export interface RewireOptions {
  /** The steps that run, in order. */
  readonly steps: readonly StepDefinition[]
  readonly inputs: ReadonlyMap<string, SampledDataset>
  readonly project: string
  /** The sample is all that a run would read. */
  readonly whole: boolean
}

export function rewire(job: JobDefinition, options: RewireOptions): Rewired {
  const seen = new Map(options.steps.map((step) => [step.name, newSeen()]))
  const names = new Set(seen.keys())
  const steps = options.steps.map((step) => {
    const eyes = seen.get(step.name) ?? newSeen()
    return watched(unlimited(placed(step, names, options)), eyes)
  })
  const datasets = new Map(
    [...job.datasets].map(([name, dataset]) => [name, options.inputs.get(name)?.definition ?? dataset]),
  )
  return { job: { ...job, steps, datasets, timeoutMs: null }, seen }
}

/** One attempt: whoever looks wants to know of the failure now. */
function once(retry: RetryPolicy): RetryPolicy {
  return { ...retry, attempts: 1 }
}

function placed(step: StepDefinition, names: ReadonlySet<string>, options: RewireOptions): StepDefinition {
  const place = (dataset: DatasetDefinition): DatasetDefinition =>
    options.inputs.get(dataset.name)?.definition ?? dataset
  const move = (input: StepInput): StepInput =>
    input.from === 'step' ? input : { ...input, dataset: place(input.dataset) }
  const base = {
    after: step.after.filter((name) => names.has(name)),
    output: step.output === null ? null : moved(step.output, options),
    named: new Map(
      [...step.named].map(([name, one]) => [
        name,
        { ...one, output: one.output === null ? null : moved(one.output, options) },
      ]),
    ),
    lookups: new Map([...step.lookups].map(([name, lookup]) => [name, { ...lookup, dataset: place(lookup.dataset) }])),
    shuffles: step.shuffles.filter((shuffle) => names.has(shuffle.to)).map((shuffle) => ({ ...shuffle, buckets: 1 })),
    publish: 'none' as const,
    isolation: 'inline' as const,
    retry: once(step.retry),
  }
  switch (step.kind) {
    case 'records':
      return {
        ...step,
        ...base,
        target: null,
        input: move(step.input),
        controls: comparableControls(step, options),
        partition: { by: 'file', size: null, count: null, key: null },
      }
    case 'reduce':
      return { ...step, ...base, buckets: 1 }
    case 'sql':
      return { ...step, ...base, tables: new Map([...step.tables].map(([table, input]) => [table, move(input)])) }
    case 'function':
      return { ...step, ...base }
  }
}

/**
 * Control totals without those that another step declares over another dataset: samples of two datasets need not agree, though
 * the whole of both does.
 */
function comparableControls(step: RecordsStep, { steps, whole }: RewireOptions): RecordsStep['controls'] {
  if (whole || step.input.from === 'step') return step.controls
  const before = steps.filter((each) => step.after.includes(each.name))
  const theirs = new Set(before.flatMap((each) => ('controls' in each ? [...each.controls.keys()] : [])))
  return new Map([...step.controls].filter(([name]) => !theirs.has(name)))
}

/** Written into the scratch folder; its checks warn, so that one that does not hold stops nothing. */
function moved(output: StepOutputDefinition, { project, whole }: RewireOptions): StepOutputDefinition {
  const { dataset } = output
  const checks = dataset.checks
    .filter((check) => whole || !judgesCounts(check))
    .map((check): CheckDefinition => ({ ...check, severity: 'warn' }))
  const location: DatasetDefinition['location'] = {
    kind: 'published',
    folder: mirrored(datasetFolder(project, dataset), project),
  }
  const format = dataset.format.format === 'table' ? jsonl() : dataset.format
  return { ...output, dataset: { ...dataset, checks, format, location } }
}

/** Limits are judged when everything has been seen. */
function unlimited(step: StepDefinition): StepDefinition {
  if (step.kind !== 'records') return step
  return { ...step, rejects: new Map(), skip: { ratio: 1, count: null } }
}

function watched(step: StepDefinition, seen: Seen): StepDefinition {
  if (step.kind === 'records') return watchRecords(step, seen)
  return step.kind === 'reduce' ? watchReduce(step, seen) : step
}
