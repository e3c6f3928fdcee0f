import type { TaskLease } from '../contract/index.ts'
import type { RunRef } from './advance.ts'
import { number } from './rows.ts'
import type { Session } from './session.ts'

/**
 * Where several write at once, a verb first locks the rows that it decides by, in one order for all verbs: worker, runs,
 * tasks that are held, steps. What it reads after that stays as it is until it has ended. SQLite has one writer at a time; there these
 * cost nothing.
 *
 * A run's row stands for all that hangs on it. `all`: it is about to end, start again or close, so that nothing of it
 * may be claimed meanwhile. `counts`: steps and counters move on, while others claim its tasks. A claim holds the run as
 * it is (`claimable`), with other claims.
 */
export type RunLock = 'all' | 'counts' | 'claimable'

export async function lockRun(session: Session, ref: RunRef, lock: RunLock): Promise<void> {
  const words = lockWords(session, lock)
  if (words === '') return
  await session.get(`select run from runs where run = :run${words}`, { run: ref.run })
  if (lock === 'all') await lockHeld(session, [ref.run])
}

/**
 * What a run's workers are about to end comes first, and its steps after: partitions that succeed lock their own rows and
 * then their step's, without the run's, so that the workers of one run do not wait for each other.
 */
async function lockHeld(session: Session, runs: readonly number[]): Promise<void> {
  const { among, forNoKeyUpdate } = session.dialect
  await session.all(
    `select task_id from tasks where worker is not null and ${among('run', 'runs', 'integer')}
     order by task_id${forNoKeyUpdate}`,
    { runs },
  )
}

/** The runs of some tasks, owned or not. */
export async function lockRunsOf(
  session: Session,
  tasks: readonly Pick<TaskLease, 'taskId'>[],
  lock: RunLock,
): Promise<void> {
  const words = lockWords(session, lock)
  if (words === '' || tasks.length === 0) return
  const rows = await session.all(
    `select run from runs where run in (select run from tasks where ${session.dialect.among('task_id', 'tasks', 'integer')})
     order by run${words}`,
    { tasks: tasks.map(({ taskId }) => taskId) },
  )
  if (lock === 'all') {
    await lockHeld(
      session,
      rows.map((row) => number(row, 'run')),
    )
  }
}

/** The runs of everything that a worker owns. */
export async function lockRunsHeldBy(session: Session, workerId: string, lock: RunLock): Promise<void> {
  const words = lockWords(session, lock)
  if (words === '') return
  await session.all(
    `select run from runs where run in (select run from tasks where worker = :workerId) order by run${words}`,
    { workerId },
  )
}

function lockWords({ dialect }: Session, lock: RunLock): string {
  if (lock === 'all') return dialect.forUpdate
  return lock === 'counts' ? dialect.forNoKeyUpdate : dialect.forKeyShare
}
