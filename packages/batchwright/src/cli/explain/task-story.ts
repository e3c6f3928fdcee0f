/** The story of one task: each attempt, where, when, from which position, how it ended, what the next one went on from. */
import type { AttemptRow, StepRow, Store, TaskRow } from '../../store/contract.ts'
import type { Place, TaskPlace } from '../place.ts'
import { count, plural } from '../render/text.ts'
import { runTitle } from '../view.ts'
import { redone } from './course.ts'
import { clause, sentence, span } from './sentence.ts'
import type { Sentence, Story } from './sentence.ts'

/** Attempts told; the middle of more is summed up. */
const TOLD = 20

export interface TaskFacts {
  readonly place: Place & { readonly step: StepRow; readonly task: TaskPlace }
  readonly now: number
  /** Null where the task does not exist yet. */
  readonly row: TaskRow | null
  readonly attempts: readonly AttemptRow[]
}

export async function gatherTaskFacts(store: Store, place: TaskFacts['place']): Promise<TaskFacts> {
  const { run, step, task } = place
  const attempts = await store.listAttempts(run.runId, {
    step: step.name,
    kind: task.kind,
    ...(task.index === null ? {} : { index: task.index }),
    limit: 10_000,
  })
  return { place, now: await store.now(), row: await taskRow(store, place), attempts }
}

/** One page from just before it: tasks are listed in order of their place. */
async function taskRow(store: Store, { run, step, task }: TaskFacts['place']): Promise<TaskRow | null> {
  const filter = { step: step.name, kind: task.kind }
  if (task.index === null) return (await store.listTasks(run.runId, { ...filter, limit: 1 }))[0] ?? null
  const [first] = await store.listTasks(run.runId, { ...filter, limit: 1 })
  if (first === undefined || task.index === 0) return first ?? null
  // Partitions of a plan are inserted in order, in one piece: the one before is found by its distance from the first.
  const guess = await store.listTasks(run.runId, {
    ...filter,
    limit: 2,
    afterTaskId: first.taskId + task.index - 1,
  })
  const near = guess.find(({ index }) => index === task.index)
  if (near !== undefined) return near
  const all = await store.listTasks(run.runId, { ...filter, limit: task.index + 1 })
  return all.find(({ index }) => index === task.index) ?? null
}

export function taskStory({ place, now, row, attempts }: TaskFacts): Story {
  const { run, step, task } = place
  const name = task.index === null ? `the ${task.kind} task` : `partition ${task.index}`
  const label = row?.label === undefined || task.index === null ? '' : ` (${row.label})`
  return {
    title: `${name}${label} of step ${step.name}, ${runTitle(run)}, ${row === null ? 'does not exist yet' : `is ${row.state}`}`,
    chapters: [
      { title: 'its input', sentences: input(row) },
      { title: 'its attempts', sentences: history(attempts, now) },
      { title: 'where it stands', sentences: standing(row, step, attempts, now) },
      { title: 'next', sentences: next(place, row) },
    ].filter(({ sentences }) => sentences.length > 0),
  }
}

function input(row: TaskRow | null): readonly Sentence[] {
  const partition = row?.partition ?? null
  if (partition === null) return []
  const { label, records, bytes } = partition
  const size = [
    ...(records === null ? [] : [plural(records, 'record')]),
    ...(bytes === null ? [] : [`${count(bytes)} bytes`]),
  ]
  const text = `It reads ${label}${size.length === 0 ? '' : `: ${size.join(', ')}`}.`
  const read = sentence(null, 'input', text, { label, records, bytes })
  if (row?.origin === undefined) return [read]
  const whence = `It was cut off partition ${row.origin} while that ran, because slots were idle.`
  return [read, sentence(null, 'cut-off', whence, { origin: row.origin })]
}

function history(attempts: readonly AttemptRow[], now: number): readonly Sentence[] {
  const numbered = attempts.map((attempt, position) =>
    attemptSentence(attempt, position + 1, attempts[position + 1], now),
  )
  if (numbered.length <= TOLD) return numbered
  const hidden = numbered.length - TOLD
  const middle = sentence(
    null,
    'more',
    `${plural(hidden, 'attempt')} more, which are not told here: --json has them.`,
    {
      attempts: hidden,
    },
  )
  return [...numbered.slice(0, TOLD / 2), middle, ...numbered.slice(-TOLD / 2)]
}

function attemptSentence(
  attempt: AttemptRow,
  number: number,
  following: AttemptRow | undefined,
  now: number,
): Sentence {
  const { worker, slot, from, leasedAt, endedAt, outcome, reason } = attempt
  const where = `process ${worker.pid} on ${worker.host === '' ? 'an unknown host' : worker.host}${slot === null ? '' : `, slot ${slot}`}`
  const begin =
    attempt.kind !== 'partition'
      ? ''
      : from.sequence === 0
        ? ', from its beginning'
        : `, from checkpoint ${from.sequence} (${plural(from.read, 'record')})`
  const took = span((endedAt ?? now) - leasedAt)
  const text = `Attempt ${number}: ${where}${begin}. ${how(attempt, took)}${onwards(attempt, following)}`
  return sentence(leasedAt, 'attempt', text, {
    attempt: number,
    worker: worker.workerId,
    host: worker.host,
    pid: worker.pid,
    slot,
    leasedAtMs: leasedAt,
    startedAtMs: attempt.startedAt,
    endedAtMs: endedAt,
    outcome,
    reason,
    delayMs: attempt.delayMs,
    fromCheckpoint: from.sequence,
    fromRecord: from.read,
    checkpoints: attempt.checkpoints,
    checkpointedAtMs: attempt.checkpointedAt,
    records: attempt.read,
    fence: attempt.fence,
  })
}

function how(attempt: AttemptRow, took: string): string {
  const reason = attempt.reason ?? ''
  switch (attempt.outcome) {
    case null:
      return `It is under way, since ${took}${progress(attempt)}.`
    case 'succeeded':
      return `It succeeded after ${took}${attempt.kind === 'partition' ? `, with ${plural(attempt.read, 'record')} read` : ''}.`
    case 'retried':
      return `It failed after ${took} with ${reason}${progress(attempt)}; a retry was to follow ${attempt.delayMs === null || attempt.delayMs === 0 ? 'at once' : `${span(attempt.delayMs)} later`}.`
    case 'failed':
      return `It failed after ${took} with ${reason}${progress(attempt)}, and the run with it.`
    case 'returned':
      return `It was given back after ${took} (${reason})${progress(attempt)}; no attempt was used.`
    case 'crashed':
      return `Its worker died: its last sign of life came after ${span(attempt.workedMs)}, and it was found after ${took} that ${reason}${progress(attempt)}.`
    case 'cancelled':
      return `It ended after ${took}, with the run.`
  }
}

function progress({ checkpoints, read, kind }: AttemptRow): string {
  if (kind !== 'partition') return ''
  return checkpoints === 0
    ? ', before its first checkpoint'
    : `, ${plural(checkpoints, 'checkpoint')} made, the last after ${plural(read, 'record')}`
}

function onwards(attempt: AttemptRow, following: AttemptRow | undefined): string {
  if (following === undefined || attempt.endedAt === null || attempt.kind !== 'partition') return ''
  if (attempt.outcome === 'succeeded') return ' Its partition was begun again afterwards.'
  const waited = following.leasedAt - attempt.endedAt
  const again = attempt.outcome === 'crashed' ? redone(attempt) : ''
  return ` The next went on ${span(waited)} after that${again}.`
}

function standing(
  row: TaskRow | null,
  step: StepRow,
  attempts: readonly AttemptRow[],
  now: number,
): readonly Sentence[] {
  if (row === null) {
    return [
      sentence(null, 'waiting', `Step ${step.name} is ${step.state}: the task is made when it gets so far.`, {
        step: step.state,
      }),
    ]
  }
  if (row.state === 'ready') {
    const due = row.notBefore === null ? 0 : row.notBefore - now
    const why =
      due > 0
        ? `It waits for its retry, which is due in ${span(due)}.`
        : row.crashCount > 0
          ? 'It is ready. Since it crashed a worker before, it waits until a worker has nothing else to do.'
          : `It is ready, and waits for a slot.${attempts.length === 0 ? ' Nobody has tried it yet.' : ''}`
    return [sentence(null, 'waiting', why, { dueInMs: Math.max(0, due), crashes: row.crashCount })]
  }
  if (row.error !== null && row.state === 'failed') {
    return [
      sentence(null, 'failed', `${row.error.code}: ${clause(row.error.message)}.`, {
        code: row.error.code,
        hint: row.error.hint ?? null,
        attemptsUsed: row.attemptsUsed,
      }),
    ]
  }
  return []
}

function next({ run, step, task }: TaskFacts['place'], row: TaskRow | null): readonly Sentence[] {
  const commands =
    row?.state === 'failed'
      ? [
          `batchwright logs ${run.runId} --step ${step.name}${task.index === null ? '' : ` --task ${task.index}`}`,
          `batchwright retry ${run.runId}`,
        ]
      : task.index === null
        ? [`batchwright explain ${run.runId}`]
        : [`batchwright logs ${run.runId} --step ${step.name} --task ${task.index}`]
  return commands.map((command) => sentence(null, 'next', command, { command }))
}
