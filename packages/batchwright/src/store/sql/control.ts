import type { TaskKind } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import type { RunRow, RunVerbs } from '../contract/index.ts'
import { ENDED_RUN_STATES } from '../states.ts'
import { moveStep, openSteps, publishTogether, stepHeads, type RunRef, type StepHead } from './advance.ts'
import { keepAttempts } from './attempts.ts'
import { refused, runNotFound } from './refusals.ts'
import { dropCopiesOf } from './copies.ts'
import { emit } from './events.ts'
import { holdSteps } from './lanes.ts'
import { cancelTasks } from './leases.ts'
import { stepOutput } from './reads.ts'
import { lockRun } from './locks.ts'
import { number, text } from './rows.ts'
import { findRun } from './runs.ts'
import type { Session } from './session.ts'
import { addTotals } from './totals.ts'

/** What people do to runs: cancel, pause, and take up again. */

type FoundRun = NonNullable<Awaited<ReturnType<typeof findRun>>>

async function existing(session: Session, runId: string): Promise<FoundRun> {
  const found = await findRun(session, runId)
  if (found === undefined) throw runNotFound(runId)
  return found
}

/** The run as it is, and stays until this verb has ended. */
async function lockExisting(session: Session, runId: string): Promise<FoundRun> {
  const { ref } = await existing(session, runId)
  await lockRun(session, ref, 'all')
  return existing(session, runId)
}

function refuseEnded(run: RunRow, what: string): void {
  if (!ENDED_RUN_STATES.some((state) => state === run.state)) return
  throw refused(
    'RUN_ENDED',
    `expected a queued or running run to ${what}, found run ${run.runId} ${run.state}`,
    run.state === 'succeeded' ? 'Ask for a new revision: batchwright rerun.' : 'Take it up again: batchwright retry.',
    { runId: run.runId, state: run.state },
  )
}

export async function cancelRun(
  session: Session,
  runId: string,
  reason: { readonly by: string; readonly why: string },
): Promise<RunRow> {
  const { ref, run } = await lockExisting(session, runId)
  refuseEnded(run, 'cancel')
  const intended = await session.get(
    `select count(*) as count from publications where run = :run and state = 'intended'`,
    {
      run: ref.run,
    },
  )
  if (intended !== undefined && number(intended, 'count') > 0) {
    throw refused(
      'RUN_PUBLISHING',
      `expected a run that is not publishing, found run ${runId} in the act: readers may see part of its output already`,
      'Let it finish; roll its datasets back afterwards if they should not be current.',
      { runId },
    )
  }
  for (const head of await stepHeads(session, ref.run)) {
    if (!isEnded(head)) await moveStep(session, ref, head, 'cancelled')
  }
  await dropCopiesOf(session, ref.run, 'run cancelled')
  const tasks = await cancelTasks(session, ref.run)
  await holdSteps(session, ref.run, true)
  await session.run(`update runs set state = 'cancelled', ended_at = store_now() where run = :run`, { run: ref.run })
  await emit(session, { runId, type: 'run.cancelled', data: { by: reason.by, why: reason.why, tasks } })
  return (await existing(session, runId)).run
}

function isEnded({ state }: StepHead): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled' || state === 'skipped'
}

export async function pauseRun(session: Session, runId: string, paused: boolean, by: string): Promise<RunRow> {
  const { ref, run } = await lockExisting(session, runId)
  refuseEnded(run, paused ? 'pause' : 'resume')
  if (run.paused === paused) return run
  await session.run('update runs set paused = :paused where run = :run', { run: ref.run, paused: paused ? 1 : 0 })
  await holdSteps(session, ref.run, paused)
  await emit(session, { runId, type: paused ? 'run.paused' : 'run.resumed', data: { by } })
  return (await existing(session, runId)).run
}

type Reopening = Parameters<RunVerbs['reopenRun']>[1]

export async function reopenRun(session: Session, runId: string, how: Reopening): Promise<RunRow> {
  const { ref, run } = await lockExisting(session, runId)
  if (run.state !== 'failed' && run.state !== 'cancelled') {
    throw refused(
      'RUN_NOT_RESUMABLE',
      `expected a failed or cancelled run, found run ${runId} ${run.state}`,
      run.state === 'succeeded' ? 'Ask for a new revision: batchwright rerun.' : 'It is under way already.',
      { runId, state: run.state },
    )
  }
  if (run.pruned === true) {
    throw refused(
      'RUN_PRUNED',
      `expected a run whose tasks are there, found that those of run ${runId} were deleted: it ended longer ago than is kept`,
      'Ask for a new revision: batchwright rerun.',
      { runId },
    )
  }
  await requeue(session, ref, how)
  await readyTasks(session, ref)
  if (how.from !== undefined) await restartFrom(session, ref, how.from)
  await restoreSteps(session, ref)
  if (how.partition !== undefined) await restartPartition(session, ref, how.partition)
  await openSteps(session, ref)
  await publishTogether(session, ref)
  await holdSteps(session, ref.run, false)
  return (await existing(session, runId)).run
}

async function requeue(session: Session, ref: RunRef, how: Reopening): Promise<void> {
  await session.run(
    `update runs set state = 'queued', paused = 0, started_at = null, ended_at = null, failure = null,
       code_version = coalesce(:codeVersion, code_version), artifact_path = coalesce(:artifactPath, artifact_path)
     where run = :run`,
    { run: ref.run, codeVersion: how.code?.codeVersion ?? null, artifactPath: how.code?.artifactPath ?? null },
  )
  await emit(session, {
    runId: ref.runId,
    type: 'run.reopened',
    data: {
      by: how.by,
      from: how.from ?? null,
      partition: how.partition === undefined ? null : `${how.partition.step} ${how.partition.index}`,
      codeVersion: how.code?.codeVersion ?? null,
    },
  })
}

/** Failed and cancelled tasks become ready; every task that has not succeeded gets fresh attempts and is due at once. */
async function readyTasks(session: Session, ref: RunRef): Promise<void> {
  const readied = await session.run(
    `update tasks set state = 'ready', attempts_used = 0, crash_count = 0, not_before = 0
     where run = :run and state in ('failed', 'cancelled')`,
    { run: ref.run },
  )
  await session.run(
    `update tasks set attempts_used = 0, crash_count = 0, not_before = 0
     where run = :run and state = 'ready' and (attempts_used > 0 or crash_count > 0 or not_before > 0)`,
    { run: ref.run },
  )
  if (readied > 0) await emit(session, { runId: ref.runId, type: 'tasks.readied', data: { count: readied } })
}

/** Failed and cancelled steps return to the state that their tasks are in. */
async function restoreSteps(session: Session, ref: RunRef): Promise<void> {
  for (const head of await stepHeads(session, ref.run)) {
    if (head.state !== 'failed' && head.state !== 'cancelled') continue
    await moveStep(session, ref, head, await stateOfTasks(session, ref, head))
  }
}

async function stateOfTasks(session: Session, ref: RunRef, head: StepHead): Promise<StepHead['state']> {
  const row = await session.get(
    `select
       count(*) filter (where kind = 'verify' and state = 'succeeded') as verified,
       count(*) filter (where kind = 'verify') as verifying,
       count(*) filter (where kind = 'plan' and state = 'succeeded') as planned,
       count(*) filter (where kind = 'plan') as planning
     from tasks where run = :run and step = :step and kind in ('plan', 'verify')`,
    { run: ref.run, step: head.step },
  )
  if (row === undefined) return 'waiting'
  if (number(row, 'verified') > 0) return 'publishing'
  if (number(row, 'verifying') > 0) return 'verifying'
  if (number(row, 'planned') > 0) return 'running'
  return number(row, 'planning') > 0 ? 'planning' : 'waiting'
}

/** A step and everything that depends on it, in order of definition. */
function withDependants(heads: readonly StepHead[], first: string): readonly StepHead[] {
  const names = new Set([first])
  for (const head of heads) if (head.after.some((name) => names.has(name))) names.add(head.name)
  return heads.filter(({ name }) => names.has(name))
}

function knownStep(heads: readonly StepHead[], ref: RunRef, name: string): StepHead {
  const head = heads.find((candidate) => candidate.name === name)
  if (head !== undefined) return head
  throw refused(
    'STEP_NOT_FOUND',
    `run ${ref.runId}: expected one of its steps (${heads.map((one) => one.name).join(', ')}), found ${name}`,
    'Name a step of the run: batchwright show.',
    { runId: ref.runId, step: name },
  )
}

async function restartFrom(session: Session, ref: RunRef, from: string): Promise<void> {
  const heads = await stepHeads(session, ref.run)
  knownStep(heads, ref, from)
  for (const head of withDependants(heads, from)) await emptyStep(session, ref, head)
  await withdrawGroup(session, ref)
}

/** Back to waiting, without tasks. The input it was planned on stays: a new plan must find the same. */
async function emptyStep(session: Session, ref: RunRef, head: StepHead): Promise<void> {
  const place = { run: ref.run, step: head.step }
  await withdrawIntents(session, ref, head.step)
  await session.run(
    `update steps set tasks = 0, remaining = 0, retries = 0, planned_under = null, verification = null, controls = '{}',
       counters = :counters
     where run = :run and step = :step`,
    { ...place, counters: JSON.stringify(NO_COUNTERS) },
  )
  await session.run('delete from checkpoints where run = :run and step = :step', place)
  await deleteTasks(session, place, ['plan', 'partition', 'verify', 'publish'])
  await session.run('update plans set plan = null where run = :run and step = :step', place)
  if (head.state !== 'waiting') await moveStep(session, ref, head, 'waiting', { reason: 'restarted' })
}

/**
 * Deletes a step's tasks of these kinds. Tasks made from now on start above every fence that was here, because fences name
 * the folders of attempts.
 */
async function deleteTasks(
  session: Session,
  place: { readonly run: number; readonly step: number },
  kinds: readonly TaskKind[],
): Promise<void> {
  const values = { ...place, kinds }
  const these = `run = :run and step = :step and ${session.dialect.among('kind', 'kinds', 'text')}`
  await session.run(
    `update steps set fence_floor = ${session.dialect.greatest('fence_floor', `coalesce((select max(fence) + max(fence) % 2 from tasks where ${these}), 0)`)}
     where run = :run and step = :step`,
    values,
  )
  await session.run(`delete from outputs where task_id in (select task_id from tasks where ${these})`, values)
  await session.run(keepAttempts(these), values)
  await session.run(`delete from tasks where ${these}`, values)
}

/** Intents of a step's publish task that did not come to an end. Their numbers are not given out again. */
async function withdrawIntents(session: Session, ref: RunRef, step: number): Promise<void> {
  await session.run(
    `delete from publications where run = :run and state = 'intended'
       and task_id in (select task_id from tasks where run = :run and step = :step and kind = 'publish')`,
    { run: ref.run, step },
  )
}

/** The task that publishes a group stands for the whole of it: where one member starts again, it has to be made anew. */
async function withdrawGroup(session: Session, ref: RunRef): Promise<void> {
  for (const head of await stepHeads(session, ref.run)) {
    if (head.publish !== 'together' || head.state === 'succeeded') continue
    await withdrawIntents(session, ref, head.step)
    await deleteTasks(session, { run: ref.run, step: head.step }, ['publish'])
  }
}

/**
 * Makes one partition ready again, from its start: its step runs again, what it published with the others waits, and every
 * step that read it starts again.
 */
async function restartPartition(
  session: Session,
  ref: RunRef,
  partition: NonNullable<Reopening['partition']>,
): Promise<void> {
  const heads = await stepHeads(session, ref.run)
  const head = knownStep(heads, ref, partition.step)
  const row = await session.get(
    `select task_id, state from tasks where run = :run and step = :step and kind = 'partition' and idx = :index`,
    { run: ref.run, step: head.step, index: partition.index },
  )
  if (row === undefined || head.state === 'planning') {
    throw refused(
      'PARTITION_NOT_FOUND',
      `run ${ref.runId}, step ${partition.step}: expected a partition with index ${partition.index}, found none`,
      'Name a partition of the step: batchwright show.',
      { runId: ref.runId, step: partition.step, index: partition.index },
    )
  }
  const taskId = number(row, 'task_id')
  for (const dependant of withDependants(heads, head.name)) {
    if (dependant.step !== head.step) await emptyStep(session, ref, dependant)
  }
  await withdrawGroup(session, ref)
  if (text(row, 'state') === 'succeeded') await takeBack(session, ref, head, taskId)
  await session.run('delete from checkpoints where task_id = :taskId', { taskId })
  await emit(session, {
    runId: ref.runId,
    step: head.name,
    type: 'task.restarted',
    data: { task: taskId, index: partition.index },
  })
}

/** succeeded -> ready: the output goes, with what was counted of it, and the step goes back to running. */
async function takeBack(session: Session, ref: RunRef, head: StepHead, taskId: number): Promise<void> {
  await session.run(
    `update tasks set state = 'ready', attempts_used = 0, crash_count = 0, not_before = 0 where task_id = :taskId`,
    { taskId },
  )
  await session.run('delete from outputs where task_id = :taskId', { taskId })
  const rest = addTotals((await stepOutput(session, ref.runId, head.name)).tasks.map(({ output }) => output))
  await session.run(
    `update steps set remaining = remaining + 1, counters = :counters, controls = :controls, verification = null
     where run = :run and step = :step`,
    {
      run: ref.run,
      step: head.step,
      counters: JSON.stringify(rest.counters),
      controls: JSON.stringify(rest.controls),
    },
  )
  if (head.state === 'running') return
  await withdrawIntents(session, ref, head.step)
  await deleteTasks(session, { run: ref.run, step: head.step }, ['verify', 'publish'])
  await moveStep(session, ref, head, 'running', { reason: 'a partition restarted' })
}
