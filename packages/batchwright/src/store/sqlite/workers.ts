import type { NewWorker, ReapResult, TaskLease, WorkerRow } from '../contract.ts'
import { failRun } from './advance.ts'
import { emit } from './events.ts'
import { endCrashed, endFailed, endUnspent, tasksOf, type OwnedTask } from './leases.ts'
import { number, text, word, type Row } from './rows.ts'
import type { Session } from './session.ts'
import { emitGroups } from './tasks.ts'

/** Renewals in a row that may leave an owned task out before it returns to ready: the first may have crossed the claim. */
const RENEWALS_ABSENT = 2

/** How it is known that a worker is dead: its process was looked for on its host, or it did not renew its lease in time. */
const PROCESS_GONE = 'its process is gone'
const LEASE_RAN_OUT = 'its lease ran out'

export function registerWorker(session: Session, worker: NewWorker): void {
  const inserted = session.run(
    `insert into workers (worker_id, host, boot_id, pid, process_start, lease_ms, state, expires_at)
     values (:workerId, :host, :bootId, :pid, :processStart, :leaseMs, 'alive', store_now() + :leaseMs)
     on conflict (worker_id) do nothing`,
    {
      workerId: worker.workerId,
      host: worker.host,
      bootId: worker.bootId,
      pid: worker.pid,
      processStart: worker.processStart,
      leaseMs: worker.leaseMs,
    },
  )
  if (inserted === 0) return
  emit(session, { runId: null, type: 'worker.registered', data: { worker: worker.workerId, host: worker.host } })
}

export interface Renewal {
  readonly state: 'alive' | 'dead'
  readonly lost: readonly number[]
  readonly pausedRuns: readonly string[]
}

export function renew(session: Session, workerId: string, held: readonly TaskLease[]): Renewal {
  const extended = session.run(
    `update workers set expires_at = store_now() + lease_ms where worker_id = :workerId and state = 'alive'`,
    { workerId },
  )
  if (extended === 0) return { state: 'dead', lost: held.map(({ taskId }) => taskId), pausedRuns: [] }
  const owned = tasksOf(session, workerId)
  const fences = new Map(owned.map(({ taskId, fence }) => [taskId, fence]))
  countAbsences(session, workerId, owned, held)
  return {
    state: 'alive',
    lost: held.filter(({ taskId, fence }) => fences.get(taskId) !== fence).map(({ taskId }) => taskId),
    pausedRuns: pausedRunsOf(session, workerId),
  }
}

/** A task whose claim was answered to nobody would otherwise be renewed for ever and run by no one. */
function countAbsences(
  session: Session,
  workerId: string,
  owned: readonly OwnedTask[],
  held: readonly TaskLease[],
): void {
  const named = new Set(held.map(({ taskId, fence }) => `${taskId} ${fence}`))
  const absent = owned.filter(({ taskId, fence }) => !named.has(`${taskId} ${fence}`))
  session.run(
    `update tasks set absent = case when task_id in (select value from json_each(:absent)) then absent + 1 else 0 end
     where worker = :workerId and (absent > 0 or task_id in (select value from json_each(:absent)))`,
    { workerId, absent: JSON.stringify(absent.map(({ taskId }) => taskId)) },
  )
  const overdue = new Set(
    session
      .all('select task_id from tasks where worker = :workerId and absent >= :limit', {
        workerId,
        limit: RENEWALS_ABSENT,
      })
      .map((row) => number(row, 'task_id')),
  )
  const returned = absent.filter(({ taskId }) => overdue.has(taskId))
  for (const task of returned) endUnspent(session, task, 'absent from two renewals')
  emitGroups(session, returned, 'tasks.released', { reason: 'absent from two renewals', worker: workerId })
}

function pausedRunsOf(session: Session, workerId: string): readonly string[] {
  return session
    .all(
      `select distinct r.run_id from tasks t join runs r on r.run = t.run where t.worker = :workerId and r.paused = 1`,
      { workerId },
    )
    .map((row) => text(row, 'run_id'))
}

export function retireWorker(session: Session, workerId: string): void {
  const tasks = tasksOf(session, workerId)
  for (const task of tasks) endUnspent(session, task, 'worker retired')
  emitGroups(session, tasks, 'tasks.released', { reason: 'worker retired', worker: workerId })
  const moved = session.run(`update workers set state = 'retired' where worker_id = :workerId and state = 'alive'`, {
    workerId,
  })
  if (moved > 0) emit(session, { runId: null, type: 'worker.retired', data: { worker: workerId } })
}

export interface ReapLimits {
  readonly crashes: number
  readonly onlyKnown?: boolean
}

export function reap(session: Session, knownDead: readonly string[], limits: ReapLimits): ReapResult {
  const known = new Set(knownDead)
  const dead = session
    .all(
      `update workers set state = 'dead' where state = 'alive'
         and (worker_id in (select value from json_each(:known)) or (:expired and expires_at <= store_now()))
       returning worker_id`,
      { known: JSON.stringify(knownDead), expired: limits.onlyKnown === true ? 0 : 1 },
    )
    .map((row) => text(row, 'worker_id'))
    .map((workerId) => ({ workerId, why: known.has(workerId) ? PROCESS_GONE : LEASE_RAN_OUT }))
  const held = dead.flatMap(({ workerId, why }) => tasksOf(session, workerId).map((task) => ({ workerId, why, task })))
  for (const { workerId, why } of dead) {
    const count = held.filter((one) => one.workerId === workerId).length
    emit(session, { runId: null, type: 'worker.dead', data: { worker: workerId, tasks: count, why } })
  }
  const crashed = held.filter(({ task }) => atCrashLimit(session, task, limits.crashes))
  const failing = new Set(crashed.map(({ task }) => task.taskId))
  releaseCrashed(
    session,
    held.filter(({ task }) => !failing.has(task.taskId)),
  )
  const failed = failCrashed(session, crashed, limits.crashes)
  return { workers: dead.map(({ workerId }) => workerId), released: held.length - failed, failed }
}

/** A task whose worker died. */
interface Orphan {
  readonly workerId: string
  /** How that is known. */
  readonly why: string
  readonly task: OwnedTask
}

/** Back to ready, the crash remembered: one event for each worker, with how its death is known. */
function releaseCrashed(session: Session, orphans: readonly Orphan[]): void {
  for (const [workerId, group] of Map.groupBy(orphans, (orphan) => orphan.workerId)) {
    for (const { task, why } of group) endCrashed(session, task, why)
    emitGroups(
      session,
      group.map(({ task }) => task),
      'tasks.released',
      { reason: 'worker dead', why: group[0]?.why ?? '', worker: workerId },
    )
  }
}

function atCrashLimit(session: Session, task: OwnedTask, limit: number): boolean {
  if (!task.started) return false
  const row = session.get('select crash_count from tasks where task_id = :taskId', { taskId: task.taskId })
  return row !== undefined && number(row, 'crash_count') + 1 >= limit
}

/** The first task at its limit fails its run; others of that run go back with the crash remembered. Answers how many failed. */
function failCrashed(session: Session, crashed: readonly Orphan[], limit: number): number {
  const first = new Map<number, Orphan>()
  const others: Orphan[] = []
  for (const one of crashed) {
    if (first.has(one.task.ref.run)) others.push(one)
    else first.set(one.task.ref.run, one)
  }
  releaseCrashed(session, others)
  for (const { workerId, task } of first.values()) {
    const error = {
      code: 'CRASH_LIMIT',
      message: `task ${task.taskId}: its worker died while it ran, the ${limit}. time; the last was ${workerId}`,
      hint: 'Look at the memory it needs and at native code it calls; then resume the run.',
      details: { taskId: task.taskId, crashes: limit, worker: workerId },
      retryable: false,
    }
    session.run('update tasks set crash_count = crash_count + 1 where task_id = :taskId', { taskId: task.taskId })
    endFailed(session, task, error)
    emitGroups(session, [task], 'task.failed', { code: error.code, message: error.message })
    failRun(session, task.ref, task.step, task.kind === 'partition' ? task.index : null, error)
  }
  return first.size
}

export function listWorkers(session: Session): readonly WorkerRow[] {
  return session.all('select * from workers order by worker_id').map(workerFrom)
}

function workerFrom(row: Row): WorkerRow {
  return {
    workerId: text(row, 'worker_id'),
    host: text(row, 'host'),
    bootId: text(row, 'boot_id'),
    pid: number(row, 'pid'),
    processStart: text(row, 'process_start'),
    leaseMs: number(row, 'lease_ms'),
    state: word<WorkerRow['state']>(row, 'state'),
    expiresAt: number(row, 'expires_at'),
  }
}
