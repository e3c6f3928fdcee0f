import type { Checkpoint, PartitionPlan, RunContext, Snapshot, StepKind, TaskKind } from '../../protocol/index.ts'
import type { ClaimedTask, ClaimRequest } from '../contract/index.ts'
import { FIRST_ATTEMPT, KEEP_ATTEMPT, nextAttempt } from './attempts.ts'
import { emit } from './events.ts'
import { flag, json, jsonOrNull, number, text, textOrNull, word, type Row } from './rows.ts'
import { byDialect, type Session } from './session.ts'

/**
 * The lanes that are open, in order: oldest run first, then step by step. A step's state says which of its tasks may be
 * had: partitions of a plan that is not sealed, and all tasks of runs that are paused or ended, are in closed lanes.
 */
const OPEN_LANES = `
  select r.run, r.run_id, r.state as run_state, s.step, s.name,
    case s.state when 'planning' then 'plan' when 'running' then 'partition'
      when 'verifying' then 'verify' else 'publish' end as kind
  from runs r join steps s on s.run = r.run
  where r.state in ('queued', 'running') and r.paused = 0
    and s.state in ('planning', 'running', 'verifying', 'publishing')`
const IN_ORDER = 'order by r.run, s.step'

/** The head of a lane. Answered by the index of claimable tasks alone: finished, leased and deferred ones are not in it. */
export const laneHead = byDialect(
  ({ skipLocked }) => `
  select task_id, crash_count, case when leased_at is null then 0 else 1 end as again from tasks
  where run = :run and step = :step and kind = :kind and state = 'ready' and not_before = 0
    and (avoid is null or avoid <> :workerId)
  order by idx limit :limit${skipLocked}`,
)

/**
 * The claim itself, row by row and by primary key: with a set of ids in the condition, stale statistics make SQLite scan the
 * table. One writer at a time, so that nothing can have come between the two statements; PostgreSQL skips locked rows.
 */
export const LEASE = leaseWith(FIRST_ATTEMPT)
export const leaseAgain = byDialect((dialect) => leaseWith(nextAttempt(dialect)))

function leaseWith(attempt: string): string {
  return `update tasks set state = 'leased', fence = fence + 1, worker = :workerId, claim = :claimId, ${attempt}
    where task_id = :taskId`
}

/** Tasks whose not-before has passed join the others: the index of claimable tasks then has all that can be had. */
export const WAKE_DUE = `
  update tasks set not_before = 0 where state = 'ready' and not_before > 0 and not_before <= store_now()`

export async function claim(session: Session, request: ClaimRequest): Promise<readonly ClaimedTask[]> {
  if (!(await isAlive(session, request.workerId))) return []
  const again = await claimed(session, request.workerId, request.claimId)
  if (again.length > 0) return again
  const load = await loadOf(session, request.workerId)
  if (load.held > 0 && load.suspect) return []
  await session.run(WAKE_DUE)
  const taken: number[] = []
  for (const lane of await openLanes(session, request.runs)) {
    const room = request.limit - taken.length
    if (room <= 0) break
    const head = await session.all(laneHead(session.dialect), { ...lane.key, limit: room, workerId: request.workerId })
    const suspect = head.findIndex((row) => number(row, 'crash_count') > 0)
    const alone = suspect === 0 && taken.length === 0 && load.held === 0
    const had = head.slice(0, alone ? 1 : suspect === -1 ? room : suspect)
    if (had.length > 0) taken.push(...(await lease(session, request, lane, had)))
    // The next in order has crashed a worker before. It waits until it can be had alone, and nothing overtakes it.
    if (suspect !== -1) break
  }
  return taken.length === 0 ? [] : await claimed(session, request.workerId, request.claimId)
}

interface Lane {
  readonly runId: string
  readonly runState: string
  readonly name: string
  readonly key: { readonly run: number; readonly step: number; readonly kind: TaskKind }
}

async function openLanes(session: Session, runs: readonly string[] | undefined): Promise<readonly Lane[]> {
  const rows =
    runs === undefined
      ? await session.all(`${OPEN_LANES} ${IN_ORDER}`)
      : await session.all(`${OPEN_LANES} and ${session.dialect.among('r.run_id', 'runs', 'text')} ${IN_ORDER}`, {
          runs,
        })
  return rows.map((row) => ({
    runId: text(row, 'run_id'),
    runState: text(row, 'run_state'),
    name: text(row, 'name'),
    key: { run: number(row, 'run'), step: number(row, 'step'), kind: word<TaskKind>(row, 'kind') },
  }))
}

/** Leases the tasks at a lane's head; answers with their ids. */
async function lease(
  session: Session,
  request: ClaimRequest,
  lane: Lane,
  head: readonly Row[],
): Promise<readonly number[]> {
  const ids = head.map((row) => number(row, 'task_id'))
  for (const [position, taskId] of ids.entries()) {
    const again = flag(head[position] ?? {}, 'again')
    if (again) await session.run(KEEP_ATTEMPT, { taskId })
    await session.run(again ? leaseAgain(session.dialect) : LEASE, {
      workerId: request.workerId,
      claimId: request.claimId,
      taskId,
    })
  }
  const moved = await session.run(
    `update runs set state = 'running', started_at = store_now() where run = :run and state = 'queued'`,
    { run: lane.key.run },
  )
  if (moved > 0) await emit(session, { runId: lane.runId, type: 'run.running', data: { worker: request.workerId } })
  await emit(session, {
    runId: lane.runId,
    step: lane.name,
    type: 'tasks.leased',
    data: { kind: lane.key.kind, worker: request.workerId, count: ids.length, tasks: ids },
  })
  return ids
}

/** A worker that is alive stays so until the claim has ended: a reaper waits for it. */
async function isAlive(session: Session, workerId: string): Promise<boolean> {
  const alive = `select 1 from workers where worker_id = :workerId and state = 'alive'${session.dialect.forKeyShare}`
  return (await session.get(alive, { workerId })) !== undefined
}

/** What the worker holds already, and whether a task that crashed a worker is among it. */
async function loadOf(
  session: Session,
  workerId: string,
): Promise<{ readonly held: number; readonly suspect: boolean }> {
  const row = await session.get(
    `select count(*) as held, coalesce(max(crash_count), 0) as crashes from tasks where worker = :workerId`,
    { workerId },
  )
  return row === undefined
    ? { held: 0, suspect: false }
    : { held: number(row, 'held'), suspect: number(row, 'crashes') > 0 }
}

/** The tasks of an earlier claim that are still owned under it. */
export async function claimed(session: Session, workerId: string, claimId: string): Promise<readonly ClaimedTask[]> {
  const rows = await session.all(
    `select t.task_id, t.fence, t.kind, t.attempts_used, t.crash_count, t.partition_plan, t.run,
       s.name as step, s.kind as step_kind, c.body as checkpoint, p.snapshot
     from tasks t
       join steps s on s.run = t.run and s.step = t.step
       left join checkpoints c on c.task_id = t.task_id
       left join plans p on t.kind = 'plan' and p.run = t.run and p.step = t.step
     where t.worker = :workerId and t.claim = :claimId
     order by t.run, t.step, t.idx`,
    { workerId, claimId },
  )
  const runs = new Map<number, RunPart>()
  const tasks: ClaimedTask[] = []
  for (const row of rows) {
    const run = number(row, 'run')
    let part = runs.get(run)
    if (part === undefined) {
      part = await runPart(session, run)
      runs.set(run, part)
    }
    tasks.push({ ...taskPart(row), ...part })
  }
  return tasks
}

type RunPart = Pick<ClaimedTask, 'run' | 'codeVersion' | 'artifactPath' | 'replay'>

function taskPart(row: Row): Omit<ClaimedTask, keyof RunPart> {
  return {
    taskId: number(row, 'task_id'),
    fence: number(row, 'fence'),
    kind: word<TaskKind>(row, 'kind'),
    step: text(row, 'step'),
    stepKind: word<StepKind>(row, 'step_kind'),
    partition: jsonOrNull<PartitionPlan>(row, 'partition_plan'),
    checkpoint: jsonOrNull<Checkpoint>(row, 'checkpoint'),
    expectedSnapshot: jsonOrNull<Snapshot>(row, 'snapshot'),
    attemptsUsed: number(row, 'attempts_used'),
    crashCount: number(row, 'crash_count'),
  }
}

async function runPart(session: Session, run: number): Promise<RunPart> {
  const row = await session.get(
    `select run_id, job, revision, window_value, parameters, logical_time, seed, code_version, artifact_path, replay
     from runs where run = :run`,
    { run },
  )
  if (row === undefined) throw new Error(`a task belongs to run ${run}, which does not exist`)
  const context: RunContext = {
    runId: text(row, 'run_id'),
    job: text(row, 'job'),
    revision: number(row, 'revision'),
    window: jsonOrNull<NonNullable<RunContext['window']>>(row, 'window_value'),
    parameters: json<RunContext['parameters']>(row, 'parameters'),
    logicalTime: text(row, 'logical_time'),
    seed: number(row, 'seed'),
  }
  return {
    run: context,
    codeVersion: text(row, 'code_version'),
    artifactPath: text(row, 'artifact_path'),
    replay: textOrNull(row, 'replay') === null ? null : json<NonNullable<RunPart['replay']>>(row, 'replay'),
  }
}
