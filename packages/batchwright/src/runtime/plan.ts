import { planDataset, planUpstream, samplePartition, wholeOpener, type PlannedInput } from '../data/index.ts'
import {
  Fault,
  planFingerprint,
  type DatasetDefinition,
  type JobDefinition,
  type PartitionPolicy,
  type RecordsStep,
  type SqlStep,
  type StepDefinition,
  type StepInput,
} from '../job/index.ts'
import { canonicalJson, sha256 } from '../kernel/digest.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { failPoint } from '../kernel/failpoint.ts'
import type {
  AttemptEnd,
  AttemptPort,
  PartitionPlan,
  PlanAssignment,
  Snapshot,
  SnapshotFile,
  StepOutput,
} from '../protocol/index.ts'
import { findStep } from './find-step.ts'
import type { SlotHost } from './host.ts'
import { planItems, type PlanningMeans } from './items/plan-items.ts'
import { checkBounds, writeLookupPlan } from './lookups/plan.ts'

import { planReduce } from './reduce/plan-reduce.ts'
import { planTables } from './sql/tables.ts'
import { Stops } from './stop.ts'
import { reduceSkew } from './reduce/reduce-skew.ts'
import { skewNotes } from './skew.ts'
import { prepareStepTable } from './tables.ts'
import { chooseWindows } from './windows.ts'

/** Partitions sent at once: a statement of the store holds so many. */
const BATCH = 1000

/** A step's plan; `files` is null where it reads no dataset. */
interface Plan {
  readonly files: readonly SnapshotFile[] | null
  /** Made one by one where there may be a million of them. */
  readonly partitions: readonly PartitionPlan[] | AsyncIterable<PartitionPlan>
  readonly notes: readonly string[]
}

/** The snapshot that a step's own input must be found as: without the files of its lookups. */
function ofInput(assignment: PlanAssignment): PlanAssignment {
  return { ...assignment, expected: onlyFiles(assignment.expected, undefined) }
}

function onlyFiles(expected: Snapshot | null, lookup: string | undefined): Snapshot | null {
  return expected === null ? null : { ...expected, files: expected.files.filter((file) => file.lookup === lookup) }
}

/** Fixes the inputs of a step's lookups, which every partition reads whole. */
async function withLookups(
  assignment: PlanAssignment,
  step: StepDefinition,
  plan: Plan,
  host: SlotHost,
): Promise<Plan> {
  if (step.lookups.size === 0) return plan
  const files: SnapshotFile[] = []
  const notes: string[] = []
  const inputs = new Map<string, PlannedInput>()
  for (const [name, lookup] of step.lookups) {
    const expected = onlyFiles(assignment.expected, name)
    const input = { from: 'dataset', dataset: lookup.dataset, windows: lookup.windows } as const
    const planned = await planDatasetInput(
      { ...assignment, expected },
      { ...input, dataset: asSnapshot(input.dataset) },
      WHOLE_FILES,
      host,
    )
    checkBounds(step.name, name, lookup, planned)
    inputs.set(name, planned)
    files.push(...planned.files.map((file) => ({ ...file, lookup: name })))
    notes.push(...planned.notes.map((note) => `lookup ${name}: ${note}`))
  }
  const lookups = await writeLookupPlan(assignment.folders.run, step.name, inputs)
  return {
    files: [...(plan.files ?? []), ...files],
    partitions: withPlanOf(lookups, plan.partitions),
    notes: [...plan.notes, ...notes],
  }
}

async function* withPlanOf(
  lookups: NonNullable<PartitionPlan['lookups']>,
  partitions: Plan['partitions'],
): AsyncGenerator<PartitionPlan> {
  for await (const partition of partitions) yield { ...partition, lookups }
}

const WHOLE_FILES: PartitionPolicy = { by: 'file', size: null, count: null, key: null }

/** Fixes a step's input, cuts it into partitions and sends them. Planning the same input again gives the same plan. */
export async function runPlan(
  assignment: PlanAssignment,
  job: JobDefinition,
  port: AttemptPort,
  host: SlotHost,
): Promise<AttemptEnd> {
  const stops = new Stops(port.signal)
  try {
    const step = findStep(job, assignment.step)
    const means = { job, port, host, stops }
    await prepareStepTable(assignment, step, host)
    const plan = await withLookups(assignment, step, await planStep(ofInput(assignment), step, means), host)
    const partitions = await sendPartitions(plan.partitions, port, stops)
    if (partitions === null) return { kind: 'givenBack', counters: null }
    return {
      kind: 'planned',
      plan: {
        snapshot: plan.files === null ? null : snapshotOf(plan.files),
        partitions,
        fingerprint: planFingerprint(job, assignment.step),
        notes: plan.notes,
      },
    }
  } finally {
    stops.release()
  }
}

/** Sends partitions in batches: one is made while the one before it is stored. How many they were; null where it was stopped. */
async function sendPartitions(partitions: Plan['partitions'], port: AttemptPort, stops: Stops): Promise<number | null> {
  let count = 0
  let batch: PartitionPlan[] = []
  let stored = Promise.resolve()
  const send = async (): Promise<void> => {
    await stored
    if (count > 0) failPoint('plan.batch-added')
    count += batch.length
    stored = port.partitions(batch)
    // It is awaited before the next one, or at the end; until then its failure is no failure that nobody handles.
    stored.catch(() => undefined)
    batch = []
  }
  for await (const partition of partitions) {
    batch.push(partition)
    if (batch.length < BATCH) continue
    if (stops.asked()) return null
    await send()
  }
  if (batch.length > 0) await send()
  await stored
  if (count > 0) failPoint('plan.batch-added')
  return count
}

async function planStep(assignment: PlanAssignment, step: StepDefinition, means: PlanningMeans): Promise<Plan> {
  switch (step.kind) {
    case 'records':
      return planRecords(assignment, step, means.host)
    case 'reduce': {
      const partitions = await planReduce(step, upstreamOf(assignment, step.input.step), assignment.folders)
      return { files: null, partitions, notes: await reduceSkew(step, partitions, assignment.folders) }
    }
    case 'sql':
      return planSql(assignment, step, means)
    case 'function':
      return {
        files: null,
        partitions: step.each === null ? [single(step.name)] : planItems(assignment, step, step.each, means),
        notes: [],
      }
  }
}

async function planRecords(assignment: PlanAssignment, step: RecordsStep, host: SlotHost): Promise<Plan> {
  const { policy, notes } = partitionPolicy(step)
  const planned = await planInput(assignment, step, policy, host)
  const files = step.input.from === 'dataset' ? planned.files : null
  const skew = await keyedSkew(assignment, step, planned.partitions, host)
  return { files, partitions: planned.partitions, notes: [...notes, ...planned.notes, ...skew] }
}

/** Partitions by key each keep a share of the whole input: keys of some of its records say how even the shares will be. */
async function keyedSkew(
  { folders }: PlanAssignment,
  { input, partition }: RecordsStep,
  partitions: readonly PartitionPlan[],
  { databases }: SlotHost,
): Promise<readonly string[]> {
  const { key, count } = partition
  if (partition.by !== 'keyHash' || key === null || count === null) return []
  const dataset = input.from === 'dataset' ? input.dataset : null
  const open = wholeOpener({ dataset, policy: partition, folders, databases })
  const inputs = partitions.filter((_, index) => index % count === 0)
  const every = Math.max(1, Math.floor(inputs.length / SAMPLED_INPUTS))
  const keys: string[] = []
  for (const each of inputs.filter((_, index) => index % every === 0).slice(0, SAMPLED_INPUTS)) {
    for (const record of await samplePartition(open, each)) if (!(record instanceof Fault)) keys.push(key(record))
  }
  const remedy =
    'cut by a finer key (a second field of the record beside it), or by auto where the key need not stay together'
  return skewNotes(keys, { count, called: 'partition', remedy })
}

/** Files, or groups of tasks, that keys are sampled from. */
const SAMPLED_INPUTS = 8

function planInput(
  assignment: PlanAssignment,
  step: RecordsStep,
  policy: PartitionPolicy,
  host: SlotHost,
): Promise<PlannedInput> {
  const { folders, lineage = null } = assignment
  const { input } = step
  if (input.from === 'dataset') return planDatasetInput(assignment, input, policy, host)
  const upstream = upstreamOf(assignment, input.step)
  return planUpstream({ upstream, output: input.output, policy, step: step.name, folders, lineage })
}

function planDatasetInput(
  { folders, run, expected, step }: PlanAssignment,
  input: Extract<StepInput, { readonly from: 'dataset' }>,
  policy: PartitionPolicy,
  { databases }: SlotHost,
): Promise<PlannedInput> {
  return planDataset({
    dataset: input.dataset,
    windows: chooseWindows(input, run.window),
    parameters: run.parameters,
    policy,
    step,
    folders,
    expected,
    databases,
  })
}

/** Every slot that looks rows up has to find the same ones: a table is copied as one transaction sees it. */
function asSnapshot(dataset: DatasetDefinition): DatasetDefinition {
  const { location } = dataset
  if (location.kind !== 'table') return dataset
  return { ...dataset, location: { ...location, read: { ...location.read, consistency: 'snapshot' } } }
}

/** What `distinct` within a file remembers must not be cut: its files are read whole. */
function partitionPolicy(step: RecordsStep): { readonly policy: PartitionPolicy; readonly notes: readonly string[] } {
  const { partition } = step
  const wholeFiles = step.operations.some(
    (operation) => operation.operation === 'distinct' && operation.within === 'file',
  )
  if (!wholeFiles || partition.by === 'file' || partition.by === 'keyHash') return { policy: partition, notes: [] }
  const notes =
    partition.by === 'auto' ? [] : [`partitions are whole files, not ${partition.by}: distinct within a file`]
  return { policy: { ...partition, by: 'file' }, notes }
}

async function planSql(assignment: PlanAssignment, step: SqlStep, { job, host }: PlanningMeans): Promise<Plan> {
  const files: SnapshotFile[] = []
  const notes: string[] = step.deterministic ? [] : ['the query states no order: its bytes may differ between runs']
  const tables = await planTables(step, job, {
    ofStep: (name) => upstreamOf(assignment, name),
    ofDataset: async (input) => {
      const planned = await planDatasetInput(assignment, input, WHOLE_FILES, host)
      files.push(...planned.files)
      notes.push(...planned.notes)
      return planned.files
    },
    folders: assignment.folders,
  })
  const readsDatasets = [...step.tables.values()].some((input) => input.from === 'dataset')
  return {
    files: readsDatasets ? files : null,
    partitions: [{ ...single(step.name), payload: tables.payload, records: tables.records, bytes: tables.bytes }],
    notes,
  }
}

function single(step: string): PartitionPlan {
  return { index: 0, payload: null, label: step, records: null, bytes: null }
}

function upstreamOf({ upstream, step }: PlanAssignment, name: string): StepOutput {
  const found = upstream.find((output) => output.step === name)
  if (found !== undefined) return found
  throw new BatchwrightError({
    code: 'UPSTREAM_MISSING',
    message: `step ${step}: expected the output of step ${name}, which it reads, found ${upstream.map((output) => output.step).join(', ') || 'none'}`,
    hint: 'The code of the job has changed since the run was made: make a new revision with `batchwright rerun JOB --window WINDOW`.',
    details: { step, upstream: name },
  })
}

/** A step's exact input, with a digest over what names each file and its content. */
function snapshotOf(files: readonly SnapshotFile[]): Snapshot {
  const named = files.map(({ dataset, window, path, sha256: digest, lookup }) => ({
    dataset,
    window: window?.key ?? null,
    path,
    sha256: digest,
    ...(lookup === undefined ? {} : { lookup }),
  }))
  return { files, digest: sha256(canonicalJson(named)) }
}
