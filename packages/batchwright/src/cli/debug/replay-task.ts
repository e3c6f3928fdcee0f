/** One task, worked through once more with its sinks off, and held against what the run recorded. */
import type { RecordsStep, ReduceStep } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ControlTotals, Counters } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import { replayRecords, replayReduce } from '../../runtime/index.ts'
import type { DryKey, DryRecord, RecordPlace, Replayed } from '../../runtime/index.ts'
import type { RunRow, TaskRow } from '../../store/index.ts'
import { usageError } from '../failure.ts'
import { lettersOf } from '../letters.ts'
import { lastReplayOf } from '../mended.ts'
import { runTitle } from '../view.ts'
import { isGone, placeOf } from './replayed-task.ts'
import type { ReplayedTask } from './replayed-task.ts'
import type { Scene } from './scene.ts'
import { inputOf } from './steps-before.ts'
import type { StepBefore, TaskInput } from './steps-before.ts'

export interface ReplayChoice {
  /** The only record that is wanted; null for all. */
  readonly only: RecordPlace | null
  /** The only key of a reduce step that is wanted; null for all. */
  readonly key: string | null
  /** Only records with this fate are kept; null for all. */
  readonly fate: DryRecord['fate'] | null
  /** Most records or keys kept. */
  readonly limit: number
}

/** What a replay found. Records and keys: those that were chosen, up to the limit; `total`: all that were chosen. */
export interface Replay {
  readonly records: readonly DryRecord[]
  readonly keys: readonly DryKey[]
  readonly total: number
  /** Of everything that was worked through; null where single records or keys were asked for. */
  readonly counters: Counters | null
  readonly controls: ControlTotals
  /** What differs from what the run recorded, in sentences; null where that is not known or was not compared. */
  readonly differences: readonly string[] | null
  /** Steps that were worked through again first, since what they handed on is not kept any more. */
  readonly before: readonly StepBefore[]
}

/** Replays a partition. Throws DEBUG_NOT_POSSIBLE, DEBUG_INPUT_GONE, DEBUG_NEEDS_SERVICES, DEBUG_STEP_BEFORE_FAILED, RECORD_NOT_FOUND, and for reduce steps FOLD_FAILED. */
export async function replayTask(scene: Scene, replayed: ReplayedTask, choice: ReplayChoice): Promise<Replay> {
  const { step } = scene
  try {
    switch (step.kind) {
      case 'records':
        return await replayOfRecords(scene, step, replayed, choice, await inputOf(scene, step, replayed))
      case 'reduce':
        return await replayOfReduce(scene, step, replayed, choice, await inputOf(scene, step, replayed))
      case 'sql':
      case 'function':
        throw notPossible(step.name, step.kind, replayed.run)
    }
  } catch (thrown) {
    throw isGone(thrown) ? inputGone(scene, replayed, thrown) : thrown
  }
}

async function replayOfRecords(
  scene: Scene,
  step: RecordsStep,
  { store, run, task }: ReplayedTask,
  choice: ReplayChoice,
  { partition, folders, before: stepsBefore }: TaskInput,
): Promise<Replay> {
  const { context, scratch, before } = scene
  const mended = (await lastReplayOf(store, run, step.name))?.file ?? null
  const replay = replayRecords({ step, context, folders, scratch, partition, mended, only: choice.only, before })
  const records: DryRecord[] = []
  const dead = new Map<string, DryRecord>()
  let total = 0
  let next = await replay.next()
  for (; next.done !== true; next = await replay.next()) {
    for (const record of next.value) {
      if (record.fate === 'dead') dead.set(record.letterId, record)
      if (choice.fate !== null && choice.fate !== record.fate) continue
      total += 1
      if (records.length < choice.limit) records.push(record)
    }
  }
  const { counters, controls } = next.value
  if (choice.only !== null) {
    if (total === 0 && choice.fate === null) throw recordNotFound(choice.only, next.value, { run, task })
    return { records, keys: [], total, counters: null, controls: {}, differences: null, before: stepsBefore }
  }
  const differences =
    task.output === null
      ? null
      : [...countsThatDiffer(task.output.counters, counters), ...(await lettersThatDiffer(task, dead))]
  return { records, keys: [], total, counters, controls, differences, before: stepsBefore }
}

async function replayOfReduce(
  scene: Scene,
  step: ReduceStep,
  { run, task }: ReplayedTask,
  choice: ReplayChoice,
  { partition, folders, before: stepsBefore }: TaskInput,
): Promise<Replay> {
  const { context, before, signal } = scene
  before()
  const dry = await replayReduce({ step, context, folders, partition })
  const keys: DryKey[] = []
  let [total, read, written] = [0, 0, 0]
  for await (const key of dry.finish((each) => choice.key === null || each === choice.key)) {
    signal.throwIfAborted()
    total += 1
    read += key.added
    written += key.records.length
    if (keys.length < choice.limit) keys.push(key)
  }
  const { controls } = dry
  if (choice.key !== null) {
    if (total === 0) throw keyNotFound(choice.key, { run, task })
    return { records: [], keys, total, counters: null, controls, differences: null, before: stepsBefore }
  }
  const recorded = task.output?.counters ?? null
  const counters = { ...NO_COUNTERS, read, accepted: read, written }
  const differences = recorded === null ? null : countsThatDiffer(recorded, counters)
  return { records: [], keys, total, counters, controls, differences, before: stepsBefore }
}

const COMPARED = ['read', 'accepted', 'written', 'dropped', 'deadByRule', 'deadByContract', 'deadByError'] as const
const WORDS: Readonly<Record<(typeof COMPARED)[number], string>> = {
  read: 'records read',
  accepted: 'records accepted',
  written: 'records written',
  dropped: 'records dropped',
  deadByRule: 'records rejected by rules',
  deadByContract: 'records that break the contract',
  deadByError: 'records that failed',
}

function countsThatDiffer(recorded: Counters, found: Counters): readonly string[] {
  const counts = COMPARED.filter((count) => recorded[count] !== found[count]).map(
    (count) => `${WORDS[count]}: ${String(found[count])}, the run recorded ${String(recorded[count])}`,
  )
  const reasons = [...new Set([...Object.keys(recorded.reasons), ...Object.keys(found.reasons)])].sort()
  const byReason = reasons
    .filter((reason) => (recorded.reasons[reason] ?? 0) !== (found.reasons[reason] ?? 0))
    .map(
      (reason) =>
        `set aside for ${reason}: ${String(found.reasons[reason] ?? 0)}, the run recorded ${String(recorded.reasons[reason] ?? 0)}`,
    )
  return [...counts, ...byReason]
}

/** Letters named one by one. */
const NAMED = 5

async function lettersThatDiffer(task: TaskRow, dead: ReadonlyMap<string, DryRecord>): Promise<readonly string[]> {
  const passing: string[] = []
  const known = new Set<string>()
  for await (const { id, position } of lettersOf(task)) {
    known.add(id)
    if (!dead.has(id)) passing.push(`record ${String(position.record)} of ${position.source} (${id})`)
  }
  const fresh = [...dead.values()]
    .filter(({ letterId }) => !known.has(letterId))
    .map(({ position }) => `record ${String(position.record)} of ${position.source}`)
  return [
    ...passing.slice(0, NAMED).map((record) => `${record} was set aside by the run, and passes now`),
    ...more(passing.length - NAMED, 'that pass now'),
    ...fresh.slice(0, NAMED).map((record) => `${record} passed in the run, and is set aside now`),
    ...more(fresh.length - NAMED, 'that are set aside now'),
  ]
}

function more(count: number, which: string): readonly string[] {
  return count > 0 ? [`and ${String(count)} more ${which}`] : []
}

// ---------------------------------------------------------------- what cannot be replayed

function notPossible(step: string, kind: 'sql' | 'function', run: RunRow): Error {
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  return usageError({
    code: 'DEBUG_NOT_POSSIBLE',
    message:
      kind === 'sql'
        ? `step ${step} is a query: there is no code of yours to step through`
        : `step ${step} is a function: what it does cannot be done without doing it`,
    hint:
      kind === 'sql'
        ? 'look at what it reads and writes with `batchwright datasets cat`'
        : `\`batchwright rerun ${run.job}${window} --inline --inspect-brk\` stops at its breakpoints in a real run`,
    details: { step, kind },
  })
}

function inputGone({ step }: Scene, { run, task }: ReplayedTask, cause: Error): BatchwrightError {
  const reads = step.kind === 'records' && step.input.from === 'dataset' ? step.input.dataset.name : null
  const upstream =
    step.kind !== 'function' && step.kind !== 'sql' && step.input.from === 'step' ? step.input.step : null
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  const place = placeOf({ run, task })
  return new BatchwrightError({
    code: 'DEBUG_INPUT_GONE',
    message:
      upstream === null
        ? `the input of ${place} is not there as the run read it: ${cause.message}`
        : `what step ${upstream} handed to ${place} is not there as it was: ${cause.message}`,
    hint:
      upstream === null
        ? `bring the files of ${reads ?? 'the dataset'} back; dead letters keep their text: \`batchwright dead-letters debug ID --run ${run.runId}\``
        : `debug step ${upstream}, which reads before it, or stop in a new revision: \`batchwright rerun ${run.job}${window} --inline --inspect-brk\``,
    details: { runId: run.runId, step: step.name, partition: task.index ?? 0, upstream },
    cause,
  })
}

function recordNotFound(
  place: RecordPlace,
  { first, last }: Replayed,
  { run, task }: Pick<ReplayedTask, 'run' | 'task'>,
): Error {
  const of = place.source === undefined ? '' : ` of ${place.source}`
  const wanted =
    'record' in place ? `record ${String(place.record)}${of}` : `record that starts at byte ${String(place.offset)}`
  const holds =
    first === null || last === null
      ? 'it has no records'
      : `it holds records ${String(first.record)} of ${first.source} to ${String(last.record)} of ${last.source}`
  return usageError({
    code: 'RECORD_NOT_FOUND',
    message: `partition ${String(task.index ?? 0)} of step ${task.step} has no ${wanted}: ${holds}`,
    hint: `\`batchwright dead-letters list ${run.runId}\` shows records and their numbers; another partition may hold it`,
    details: { runId: run.runId, step: task.step, partition: task.index ?? 0, ...place },
  })
}

function keyNotFound(key: string, { run, task }: Pick<ReplayedTask, 'run' | 'task'>): Error {
  return usageError({
    code: 'RECORD_NOT_FOUND',
    message: `partition ${String(task.index ?? 0)} of step ${task.step} of ${runTitle(run)} has no key ${JSON.stringify(key)}`,
    hint: 'keys are spread over the partitions of the step: try another, or leave --key out to see those that are here',
    details: { runId: run.runId, step: task.step, partition: task.index ?? 0, key },
  })
}
