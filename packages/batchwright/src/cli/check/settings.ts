/** Settings of a job that are allowed, and that one will be sorry for. */
import { totalmem } from 'node:os'
import type { DatasetDefinition, JobDefinition, Limit, StepDefinition } from '../../job/index.ts'
import { datasetsWritten } from '../../job/index.ts'
import type { DryRunReport } from '../../dry-run/index.ts'
import type { Configuration } from '../configuration.ts'
import { bytes, count } from '../render/text.ts'
import { warning, type CheckItem } from './items.ts'
import { placeOf, type Source } from './places.ts'

export interface SettingsRequest {
  readonly job: JobDefinition
  readonly run: DryRunReport | null
  readonly sources: readonly Source[]
  readonly configuration: Configuration
  /** Records of the newest published version of a dataset; 0 where nothing is published. */
  readonly published: ReadonlyMap<string, number>
  /** Bytes; default the machine's. */
  readonly machineMemory?: number
}

/** Records from which keys no longer fit in memory, and a unique check sorts them on disk. */
const MANY_KEYS = 50_000_000

export function riskySettings(request: SettingsRequest): readonly CheckItem[] {
  const { job } = request
  return [
    ...ownerless(request),
    ...job.steps.flatMap((step) => [...limitsOf(step, request), ...timeoutOf(step, request)]),
    ...job.steps.flatMap((step) => datasetsWritten(step).flatMap(({ dataset }) => checksOf(dataset, request))),
    ...memoryOf(request),
  ]
}

function ownerless({ job, sources }: SettingsRequest): readonly CheckItem[] {
  if (job.owner !== null) return []
  return [
    warning('setting', job.name, {
      code: 'JOB_OWNERLESS',
      message: `job ${job.name} has no owner: nobody is named when it fails`,
      hint: "give it one: job(..., { owner: 'payments', ... })",
      place: placeOf(sources, 'job', job.name),
    }),
  ]
}

function limitsOf(step: StepDefinition, { job, run, sources }: SettingsRequest): readonly CheckItem[] {
  if (step.kind !== 'records') return []
  const place = placeOf(sources, 'step', step.name)
  const items: CheckItem[] = []
  for (const [rule, limit] of [...step.rejects, ['skip', step.skip] as const]) {
    if (!allowsAll(limit)) continue
    items.push(
      warning('setting', job.name, {
        code: 'LIMIT_ALLOWS_ALL',
        message: `${step.name}: ${rule === 'skip' ? '.skip()' : `the limit of ${rule}`} is 100 %: a run may set aside every record and succeed`,
        hint: 'give the share that is normal, with some room',
        place,
      }),
    )
  }
  const unlimited = rulesOf(step, run).filter((rule) => !step.rejects.has(rule) && !step.rejects.has('*'))
  if (unlimited.length > 0) {
    items.push(
      warning('setting', job.name, {
        code: 'REJECTS_UNLIMITED',
        message: `${step.name}: ${unlimited.join(', ')} may reject any number of records`,
        hint: `say how many are normal: .rejects({ ${unlimited[0] ?? '*'}: '5%', '*': '1%' })`,
        place,
      }),
    )
  }
  return items
}

function allowsAll({ ratio, count: most }: Limit): boolean {
  return ratio !== null && ratio >= 1 && most === null
}

/** Rules that are declared, or that the sample has met. */
function rulesOf(step: Extract<StepDefinition, { kind: 'records' }>, run: DryRunReport | null): readonly string[] {
  const declared = step.operations.flatMap((operation) =>
    operation.operation === 'distinct' && operation.reject !== null ? [operation.reject] : [],
  )
  const met = run?.steps.find((each) => each.name === step.name)?.dead ?? []
  const written = step.operations.flatMap((operation) =>
    operation.operation === 'process'
      ? [...String(operation.process).matchAll(/\breject\(\s*(['"`])([\w-]+)\1/g)].map(([, , rule = '']) => rule)
      : [],
  )
  return [
    ...new Set([...declared, ...written, ...met.filter((dead) => dead.cause === 'rule').map((dead) => dead.reason)]),
  ]
}

function timeoutOf(step: StepDefinition, { job, sources }: SettingsRequest): readonly CheckItem[] {
  if (step.kind !== 'function' || step.timeoutMs !== null || job.timeoutMs !== null) return []
  return [
    warning('setting', job.name, {
      code: 'FUNCTION_TIMEOUT_MISSING',
      message: `${step.name}: a function step without a time-out: a call that never returns holds the run up for ever`,
      hint: `steps.function('${step.name}', { timeout: '10min' }, ...), or a timeout for the job`,
      place: placeOf(sources, 'step', step.name),
    }),
  ]
}

function checksOf(dataset: DatasetDefinition, { job, sources, published }: SettingsRequest): readonly CheckItem[] {
  if (dataset.format.format === 'files') return []
  const place = placeOf(sources, 'dataset', dataset.name)
  if (dataset.checks.length === 0) {
    return [
      warning('setting', job.name, {
        code: 'DATASET_UNCHECKED',
        message: `dataset ${dataset.name} is published without a check`,
        hint: 'give it some: checks: [check.unique(...), check.rowCount({ withinOfHistory: 0.5 })]',
        place,
      }),
    ]
  }
  const records = published.get(dataset.name) ?? 0
  const unique = dataset.checks.find((check) => check.check === 'unique')
  if (unique === undefined || records < MANY_KEYS) return []
  return [
    warning('setting', job.name, {
      code: 'UNIQUE_CHECK_LARGE',
      message: `dataset ${dataset.name}: ${unique.name} compares the keys of ${count(records)} records, on disk, before each publication`,
      hint: 'reduce by the key, which makes it unique, and leave the check out; or make it of a part with check.sql(...)',
      place,
    }),
  ]
}

function memoryOf({ job, sources, configuration, machineMemory = totalmem() }: SettingsRequest): readonly CheckItem[] {
  const slots = configuration.slots.value
  return job.steps.flatMap((step) => {
    if (step.kind !== 'reduce' && step.kind !== 'sql') return []
    const tasks = step.kind === 'reduce' ? Math.min(slots, step.buckets) : 1
    const wanted = step.memoryBytes * tasks
    if (wanted <= machineMemory) return []
    return [
      warning('setting', job.name, {
        code: 'MEMORY_BEYOND_MACHINE',
        message: `${step.name}: ${bytes(step.memoryBytes)} of memory for each of ${count(tasks)} at a time is more than this machine has (${bytes(machineMemory)})`,
        hint: 'lower .memory(), or the number of slots: what does not fit is sorted on disk',
        place: placeOf(sources, 'step', step.name),
      }),
    ]
  })
}
