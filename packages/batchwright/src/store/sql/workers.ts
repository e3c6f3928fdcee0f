import type { NewWorker, ReapResult, TaskLease, WorkerFilter, WorkerRow } from '../contract/index.ts'
import { failRun } from './advance.ts'
import { dropWhereCopy } from './copies.ts'
import { emit } from './events.ts'
import { endCrashed, endFailed, endUnspent, lockTasksOf, ownedTask, tasksOf, type OwnedTask } from './leases.ts'
import { readiedAll } from './lanes.ts'
import { lockRunsHeldBy } from './locks.ts'
import { storageNotShared } from './refusals.ts'
import { flag, number, numberOrNull, text, textOrNull, word, type Row } from './rows.ts'
import type { Session } from './session.ts'
import { emitGroups } from './tasks.ts'

/** Renewals in a row that may leave an owned task out before it returns to ready: the first may have crossed the claim. */
const RENEWALS_ABSENT = 2

/** How it is known that a worker is dead: its process was looked for on its host, or it did not renew its lease in time. */
const PROCESS_GONE = 'its process is gone'
const LEASE_RAN_OUT = 'its lease ran out'

export async function registerWorker(session: Session, worker: NewWorker): Promise<void> {
  await requireStorage(session, worker)
  const inserted = await session.run(
    `insert into workers (worker_id, host, boot_id, pid, process_start, lease_ms, state, expires_at,
       name, slots, version, storage)
     values (:workerId, :host, :bootId, :pid, :processStart, :leaseMs, 'alive', store_now() + cast(:leaseMs as bigint),
       cast(:name as text), cast(:slots as integer), cast(:version as text), cast(:storage as text))
     on conflict (worker_id) do nothing`,
    {
      workerId: worker.workerId,
      host: worker.host,
      bootId: worker.bootId,
      pid: worker.pid,
      processStart: worker.processStart,
      leaseMs: worker.leaseMs,
      name: worker.name ?? null,
      slots: worker.slots ?? null,
      version: worker.version ?? null,
      storage: worker.storage ?? null,
    },
  )
  if (inserted === 0) return
  await emit(session, { runId: null, type: 'worker.registered', data: { worker: worker.workerId, host: worker.host } })
}

/** The storage stays as it is until the worker is registered: its row is locked. */
async function requireStorage(session: Session, worker: NewWorker): Promise<void> {
  const row = await session.get(`select id, host, state_folder from storage${session.dialect.forUpdate}`)
  if (row === undefined || text(row, 'id') === worker.storage) return
  throw storageNotShared(worker.host, { host: text(row, 'host'), stateFolder: text(row, 'state_folder') })
}

export interface Renewal {
  readonly state: 'alive' | 'dead'
  readonly lost: readonly number[]
  readonly pausedRuns: readonly string[]
}

export async function renew(session: Session, workerId: string, held: readonly TaskLease[]): Promise<Renewal> {
  const extended = await session.run(
    `update workers set expires_at = store_now() + lease_ms where worker_id = :workerId and state = 'alive'`,
    { workerId },
  )
  if (extended === 0) return { state: 'dead', lost: held.map(({ taskId }) => taskId), pausedRuns: [] }
  const owned = await tasksOf(session, workerId)
  const fences = new Map(owned.map(({ taskId, fence }) => [taskId, fence]))
  await countAbsences(session, workerId, owned, held)
  return {
    state: 'alive',
    lost: held.filter(({ taskId, fence }) => fences.get(taskId) !== fence).map(({ taskId }) => taskId),
    pausedRuns: await pausedRunsOf(session, workerId),
  }
}

/** A task whose claim was answered to nobody would otherwise be renewed for ever and run by no one. */
async function countAbsences(
  session: Session,
  workerId: string,
  owned: readonly OwnedTask[],
  held: readonly TaskLease[],
): Promise<void> {
  const stated = new Set(held.map(({ taskId, fence }) => `${taskId} ${fence}`))
  const absent = owned.filter(({ taskId, fence }) => !stated.has(`${taskId} ${fence}`))
  const named = session.dialect.among('task_id', 'absent', 'integer')
  await session.run(
    `update tasks set absent = case when ${named} then absent + 1 else 0 end
     where worker = :workerId and (absent > 0 or ${named})`,
    { workerId, absent: absent.map(({ taskId }) => taskId) },
  )
  const rows = await session.all('select task_id from tasks where worker = :workerId and absent >= :limit', {
    workerId,
    limit: RENEWALS_ABSENT,
  })
  const overdue = new Set(rows.map((row) => number(row, 'task_id')))
  const returned: OwnedTask[] = []
  for (const { taskId, fence } of absent) {
    const task = overdue.has(taskId) ? await ownedTask(session, { taskId, fence }) : undefined
    if (task === undefined) continue
    if (await dropWhereCopy(session, task, 'returned', 'absent from two renewals')) continue
    await endUnspent(session, task, 'absent from two renewals')
    returned.push(task)
  }
  await readiedAll(session, returned)
  await emitGroups(session, returned, 'tasks.released', { reason: 'absent from two renewals', worker: workerId })
}

async function pausedRunsOf(session: Session, workerId: string): Promise<readonly string[]> {
  const rows = await session.all(
    `select distinct r.run_id from tasks t join runs r on r.run = t.run where t.worker = :workerId and r.paused = 1`,
    { workerId },
  )
  return rows.map((row) => text(row, 'run_id'))
}

export async function retireWorker(session: Session, workerId: string): Promise<void> {
  // A claim of this worker that is under way ends first: what it takes is given back with the rest.
  await session.get(`select 1 from workers where worker_id = :workerId${session.dialect.forUpdate}`, { workerId })
  await lockRunsHeldBy(session, workerId, 'counts')
  const tasks: OwnedTask[] = []
  for (const task of await lockTasksOf(session, workerId)) {
    if (await dropWhereCopy(session, task, 'returned', 'worker retired')) continue
    await endUnspent(session, task, 'worker retired')
    tasks.push(task)
  }
  await readiedAll(session, tasks)
  await emitGroups(session, tasks, 'tasks.released', { reason: 'worker retired', worker: workerId })
  const moved = await session.run(
    `update workers set state = 'retired' where worker_id = :workerId and state = 'alive'`,
    {
      workerId,
    },
  )
  if (moved > 0) await emit(session, { runId: null, type: 'worker.retired', data: { worker: workerId } })
}

export interface ReapLimits {
  readonly crashes: number
  readonly onlyKnown?: boolean
}

export async function reap(session: Session, knownDead: readonly string[], limits: ReapLimits): Promise<ReapResult> {
  const dead = await declareDead(session, knownDead, limits.onlyKnown === true)
  if (dead.length === 0) return { workers: [], released: 0, failed: 0 }
  const held: Orphan[] = []
  for (const { workerId, why } of dead) {
    await lockRunsHeldBy(session, workerId, 'all')
    for (const task of await lockTasksOf(session, workerId)) {
      if (!(await dropWhereCopy(session, task, 'crashed', why))) held.push({ workerId, why, task })
    }
  }
  for (const { workerId, why } of dead) {
    const count = held.filter((one) => one.workerId === workerId).length
    await emit(session, { runId: null, type: 'worker.dead', data: { worker: workerId, tasks: count, why } })
  }
  const crashed: Orphan[] = []
  for (const orphan of held) if (await atCrashLimit(session, orphan.task, limits.crashes)) crashed.push(orphan)
  const failing = new Set(crashed.map(({ task }) => task.taskId))
  await releaseCrashed(
    session,
    held.filter(({ task }) => !failing.has(task.taskId)),
  )
  const failed = await failCrashed(session, crashed, limits.crashes)
  return { workers: dead.map(({ workerId }) => workerId), released: held.length - failed, failed }
}

/** alive -> dead, once and for all, after every claim of theirs that is under way. */
async function declareDead(
  session: Session,
  knownDead: readonly string[],
  onlyKnown: boolean,
): Promise<readonly Pick<Orphan, 'workerId' | 'why'>[]> {
  const { among, forUpdate } = session.dialect
  const known = new Set(knownDead)
  const rows = await session.all(
    `select worker_id from workers
     where state = 'alive' and (${among('worker_id', 'known', 'text')} or (:expired = 1 and expires_at <= store_now()))
     order by worker_id${forUpdate}`,
    { known: knownDead, expired: onlyKnown ? 0 : 1 },
  )
  const dead = rows.map((row) => text(row, 'worker_id'))
  if (dead.length > 0) {
    await session.run(`update workers set state = 'dead' where ${among('worker_id', 'dead', 'text')}`, { dead })
  }
  return dead.map((workerId) => ({ workerId, why: known.has(workerId) ? PROCESS_GONE : LEASE_RAN_OUT }))
}

/** A task whose worker died. */
interface Orphan {
  readonly workerId: string
  /** How that is known. */
  readonly why: string
  readonly task: OwnedTask
}

/** Back to ready, the crash remembered: one event for each worker, with how its death is known. */
async function releaseCrashed(session: Session, orphans: readonly Orphan[]): Promise<void> {
  for (const [workerId, group] of Map.groupBy(orphans, (orphan) => orphan.workerId)) {
    for (const { task, why } of group) await endCrashed(session, task, why)
    await readiedAll(
      session,
      group.map(({ task }) => task),
    )
    await emitGroups(
      session,
      group.map(({ task }) => task),
      'tasks.released',
      { reason: 'worker dead', why: group[0]?.why ?? '', worker: workerId },
    )
  }
}

async function atCrashLimit(session: Session, task: OwnedTask, limit: number): Promise<boolean> {
  const row = await session.get('select crash_count from tasks where task_id = :taskId', { taskId: task.taskId })
  return row !== undefined && number(row, 'crash_count') + 1 >= limit
}

/** The first task at its limit fails its run; others of that run go back with the crash remembered. Answers how many failed. */
async function failCrashed(session: Session, crashed: readonly Orphan[], limit: number): Promise<number> {
  const first = new Map<number, Orphan>()
  const others: Orphan[] = []
  for (const one of crashed) {
    if (first.has(one.task.ref.run)) others.push(one)
    else first.set(one.task.ref.run, one)
  }
  await releaseCrashed(session, others)
  for (const { workerId, task } of first.values()) {
    const error = {
      code: 'CRASH_LIMIT',
      message: `task ${task.taskId}: its worker died while it ran, the ${limit}. time; the last was ${workerId}`,
      hint: 'Look at the memory it needs and at native code it calls; then resume the run.',
      details: { taskId: task.taskId, crashes: limit, worker: workerId },
      retryable: false,
    }
    await session.run('update tasks set crash_count = crash_count + 1 where task_id = :taskId', { taskId: task.taskId })
    await endFailed(session, task, error)
    await emitGroups(session, [task], 'task.failed', { code: error.code, message: error.message })
    await failRun(session, task.ref, task.step, task.kind === 'partition' ? task.index : null, error)
  }
  return first.size
}

export async function listWorkers(session: Session, filter: WorkerFilter = {}): Promise<readonly WorkerRow[]> {
  const { states, host, orExpired } = filter
  const rows = await session.all(
    `select w.*, case when state = 'alive' and expires_at <= store_now() then 1 else 0 end as expired
     from workers w where (:everyState = 1 or ${session.dialect.among('state', 'states', 'text')})
       and (cast(:host as text) is null or host = :host or (:orExpired = 1 and expires_at <= store_now()))
     order by worker_id`,
    {
      everyState: states === undefined ? 1 : 0,
      states: states ?? [],
      host: host ?? null,
      orExpired: orExpired === true ? 1 : 0,
    },
  )
  return rows.map(workerFrom)
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
    expired: flag(row, 'expired'),
    ...optional('name', textOrNull(row, 'name')),
    ...optional('slots', numberOrNull(row, 'slots')),
    ...optional('version', textOrNull(row, 'version')),
    ...optional('storage', textOrNull(row, 'storage')),
  }
}

/** A fact that older workers did not state is left out. */
function optional<Name extends string, Value>(name: Name, value: Value | null): Partial<Record<Name, Value>> {
  const facts: Partial<Record<Name, Value>> = {}
  if (value !== null) facts[name] = value
  return facts
}
