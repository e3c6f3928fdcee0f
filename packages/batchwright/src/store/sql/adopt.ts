import type { DeadLetterReplay, NewRun } from '../contract/index.ts'
import type { StepState } from '../states.ts'
import type { RunRef } from './advance.ts'
import { refused } from './refusals.ts'
import { emit } from './events.ts'
import { json, number, text } from './rows.ts'
import type { Session } from './session.ts'
import { addTotals, type Totals } from './totals.ts'

/**
 * What a run takes over from an earlier one when dead letters are replayed (PROTOCOLS 22). Tasks and outputs are copied
 * set by set, in the transaction that makes the run: there is no moment at which it has half of them.
 */

/** The state that each step is born in, after a look at whether the replay makes a whole run. */
export async function adoptedStates(
  session: Session,
  run: NewRun,
  replay: DeadLetterReplay,
): Promise<(step: string) => StepState> {
  await refuseOtherRuns(session, run, replay)
  const adopted = new Set(replay.adopted)
  const whole = replay.partitions === null ? adopted : new Set([...adopted, replay.step])
  for (const step of run.steps) {
    if (!whole.has(step.name)) continue
    const missing = step.after.find((name) => !adopted.has(name))
    if (missing !== undefined) {
      throw invalid(run, `step ${step.name} is taken over and comes after ${missing}, which runs again`)
    }
  }
  const names = new Set(run.steps.map(({ name }) => name))
  const unknown = [...whole, replay.step].find((name) => !names.has(name))
  if (unknown !== undefined) throw invalid(run, `it has no step ${unknown}`)
  if (adopted.has(replay.step)) throw invalid(run, `step ${replay.step} is taken over whole and runs again`)
  return (step) => {
    if (adopted.has(step)) return 'succeeded'
    return step === replay.step && replay.partitions !== null ? 'running' : 'waiting'
  }
}

/** Copies what is taken over. The steps' rows are there, in the states of `adoptedStates`. */
export async function adopt(session: Session, ref: RunRef, replay: DeadLetterReplay): Promise<void> {
  await keepInputs(session, ref, replay)
  for (const name of replay.adopted) await adoptStep(session, ref, replay.ofRunId, name)
  if (replay.partitions !== null) await adoptPartitions(session, ref, replay, replay.partitions)
}

/** Every step that was planned is planned on the same input again. */
async function keepInputs(session: Session, ref: RunRef, replay: DeadLetterReplay): Promise<void> {
  await session.run(
    `insert into plans (run, step, plan, snapshot)
     select n.run, n.step, case when n.state = 'waiting' then null else p.plan end, p.snapshot
     from steps n
       join runs r on r.run_id = :ofRunId
       join steps o on o.run = r.run and o.name = n.name
       join plans p on p.run = o.run and p.step = o.step
     where n.run = :run`,
    { run: ref.run, ofRunId: replay.ofRunId },
  )
}

async function adoptStep(session: Session, ref: RunRef, ofRunId: string, name: string): Promise<void> {
  await session.run(
    `update steps set (tasks, counters, controls, verification) =
         (select o.tasks, o.counters, o.controls, o.verification from steps o join runs r on r.run = o.run
          where r.run_id = :ofRunId and o.name = steps.name),
       started_at = store_now(), verified_at = store_now(), ended_at = store_now()
     where run = :run and name = :name`,
    { run: ref.run, name, ofRunId },
  )
  await copyTasks(session, ref, ofRunId, name, [])
  await emit(session, { runId: ref.runId, step: name, type: 'step.adopted', data: { of: ofRunId, state: 'succeeded' } })
}

async function adoptPartitions(
  session: Session,
  ref: RunRef,
  replay: DeadLetterReplay,
  again: readonly number[],
): Promise<void> {
  const { ofRunId, step: name } = replay
  await copyTasks(session, ref, ofRunId, name, again)
  const place = { run: ref.run, name }
  const counted = await session.get(
    `select count(*) as tasks, count(*) filter (where t.state = 'ready') as again
     from tasks t join steps s on s.run = t.run and s.step = t.step
     where t.run = :run and s.name = :name and t.kind = 'partition'`,
    place,
  )
  const tasks = counted === undefined ? 0 : number(counted, 'tasks')
  const ready = counted === undefined ? 0 : number(counted, 'again')
  if (ready === 0 || ready !== new Set(again).size) {
    throw refused(
      'REPLAY_INVALID',
      `run ${ref.runId}: expected ${again.length} partitions of step ${name} to run again, found ${ready} of ${tasks} with such indexes`,
      'Name partitions that the step has, each once, and at least one.',
      { runId: ref.runId, step: name },
    )
  }
  const totals = await adoptedTotals(session, place)
  await session.run(
    `update steps set tasks = :tasks, remaining = :ready, counters = :counters, controls = :controls,
       started_at = store_now()
     where run = :run and name = :name`,
    { ...place, tasks, ready, counters: JSON.stringify(totals.counters), controls: JSON.stringify(totals.controls) },
  )
  // A resume finds by it that the step has been planned.
  await session.run(
    `insert into tasks (run, step, kind, idx, state, fence, label)
     select run, step, 'plan', 0, 'succeeded', 0, 'plan ' || name from steps where run = :run and name = :name`,
    place,
  )
  await emit(session, {
    runId: ref.runId,
    step: name,
    type: 'step.adopted',
    data: { of: ofRunId, state: 'running', partitions: tasks, again: ready },
  })
}

/** A step's partitions with their outputs; those that run `again` are ready, and have none. */
async function copyTasks(
  session: Session,
  ref: RunRef,
  ofRunId: string,
  name: string,
  again: readonly number[],
): Promise<void> {
  const values = { run: ref.run, name, ofRunId, again }
  const pairs = `steps n
       join runs r on r.run_id = :ofRunId
       join steps s on s.run = r.run and s.name = n.name
       join tasks t on t.run = s.run and t.step = s.step and t.kind = 'partition'`
  const others = `not (${session.dialect.among('t.idx', 'again', 'integer')})`
  await session.run(
    `insert into tasks (run, step, kind, idx, state, fence, label, partition_plan, origin, place, lane)
     select n.run, n.step, t.kind, t.idx, case when ${others} then 'succeeded' else 'ready' end, 0, t.label,
       t.partition_plan, t.origin, t.place, case when n.metered = 1 then n.lane end
     from ${pairs} where n.run = :run and n.name = :name order by t.idx`,
    values,
  )
  await session.run(
    `insert into outputs (task_id, body)
     select c.task_id, o.body from ${pairs}
       join outputs o on o.task_id = t.task_id
       join tasks c on c.run = n.run and c.step = n.step and c.kind = 'partition' and c.idx = t.idx
     where n.run = :run and n.name = :name and ${others}`,
    values,
  )
}

/** Control totals are decimals, and added as decimals: not in SQL. */
async function adoptedTotals(
  session: Session,
  place: { readonly run: number; readonly name: string },
): Promise<Totals> {
  const pages = session.pages(
    `select o.body from steps s
       join tasks t on t.run = s.run and t.step = s.step and t.kind = 'partition'
       join outputs o on o.task_id = t.task_id
     where s.run = :run and s.name = :name`,
    place,
  )
  const parts: Totals[] = []
  for await (const rows of pages) {
    for (const row of rows) {
      const { counters, controls } = json<Totals>(row, 'body')
      parts.push({ counters, controls })
    }
  }
  return addTotals(parts)
}

async function refuseOtherRuns(session: Session, run: NewRun, replay: DeadLetterReplay): Promise<void> {
  // What it has stays until this run has taken it over: retention waits.
  const row = await session.get(
    `select run, job, state, pruned from runs where run_id = :ofRunId${session.dialect.forKeyShare}`,
    { ofRunId: replay.ofRunId },
  )
  if (row === undefined) throw notReplayable(run, replay, 'there is none')
  if (text(row, 'job') !== run.job) throw notReplayable(run, replay, `it is of job ${text(row, 'job')}`)
  if (text(row, 'state') !== 'succeeded') throw notReplayable(run, replay, `it is ${text(row, 'state')}`)
  if (number(row, 'pruned') > 0) throw notReplayable(run, replay, 'its tasks were deleted: it is older than is kept')
  const steps = await session.all('select name, comes_after from steps where run = :run', { run: number(row, 'run') })
  const had = steps.map((step) => shape(text(step, 'name'), json<readonly string[]>(step, 'comes_after')))
  const has = run.steps.map((step) => shape(step.name, step.after))
  if (had.toSorted().join() === has.toSorted().join()) return
  throw notReplayable(run, replay, 'its steps are others')
}

function shape(name: string, after: readonly string[]): string {
  return `${name} after ${after.toSorted().join(' ')}`
}

function notReplayable(run: NewRun, replay: DeadLetterReplay, found: string): Error {
  return refused(
    'RUN_NOT_REPLAYABLE',
    `run ${run.runId} replays dead letters of run ${replay.ofRunId}: expected a run of job ${run.job} that has succeeded, with the same steps; ${found}`,
    'Let the run succeed first; where the job has changed, make a new revision: batchwright rerun.',
    { runId: run.runId, ofRunId: replay.ofRunId },
  )
}

function invalid(run: NewRun, found: string): Error {
  return refused(
    'REPLAY_INVALID',
    `run ${run.runId} replays dead letters: expected steps to be taken over with all that they come after; ${found}`,
    'Take over a step only with all steps that it comes after.',
    { runId: run.runId },
  )
}
