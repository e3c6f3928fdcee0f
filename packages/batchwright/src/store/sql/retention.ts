import type { Pruned } from '../contract/index.ts'
import { emit } from './events.ts'
import { lockRun } from './locks.ts'
import { number, text } from './rows.ts'
import { byDialect, type Session } from './session.ts'

/** Rows that go in one transaction: some tens of milliseconds, so that workers do not notice. */
const ROWS_AT_ONCE = 5_000

/**
 * The oldest run that may go. Its rows are needed while an unfinished run replays it, while something of it is being published,
 * and while what it published is what readers see: then it is asked after.
 */
const nextToGo = byDialect(
  ({ jsonText }) => `
  select r.run, r.run_id from runs r
  where r.ended_at is not null and r.pruned = 0 and r.ended_at <= store_now() - cast(:age as bigint)
    and r.state in ('succeeded', 'failed', 'cancelled')
    and not exists (select 1 from publications p where p.run = r.run and (p.state = 'intended' or p.number =
      (select max(q.number) from publications q
       where q.dataset = p.dataset and q.window_key = p.window_key and q.state = 'published')))
    and not exists (select 1 from runs u where u.state in ('queued', 'running') and u.replay is not null
      and ${jsonText('u.replay', 'ofRunId')} = r.run_id)
  order by r.ended_at limit 1`,
)

const UNDER_WAY = 'select run, run_id from runs where pruned = 1 order by run limit 1'

export async function prune(session: Session, olderThanMs: number, rows = ROWS_AT_ONCE): Promise<Pruned> {
  const age = Math.max(0, Math.floor(olderThanMs))
  let left = rows
  let runs = 0
  while (left > 0) {
    const run = await nextRun(session, age)
    if (run === undefined) break
    const gone = await deleteRowsOf(session, run, left)
    left -= gone
    if (left <= 0) break
    await session.run('update runs set pruned = 2 where run = :run', { run: run.run })
    await emit(session, { runId: run.runId, type: 'retention.pruned' })
    runs += 1
    // Each run costs something, also one that had next to nothing.
    left -= 1
  }
  if (left > 0) left -= await deleteGone(session, age, left)
  return { runs, rows: rows - left - runs, more: left <= 0 }
}

interface PrunedRun {
  readonly run: number
  readonly runId: string
}

/** The run whose rows are going, or the next one: from then on it cannot be taken up again. */
async function nextRun(session: Session, age: number): Promise<PrunedRun | undefined> {
  const going = await session.get(`${UNDER_WAY}${session.dialect.skipLocked}`)
  if (going !== undefined) return { run: number(going, 'run'), runId: text(going, 'run_id') }
  const next = nextToGo(session.dialect)
  const row = await session.get(next, { age })
  if (row === undefined) return undefined
  const run = { run: number(row, 'run'), runId: text(row, 'run_id') }
  await lockRun(session, run, 'all')
  // Taken up again, replayed, or marked by another since it was looked at: then it is left alone.
  const again = await session.get(next, { age })
  if (again === undefined || number(again, 'run') !== run.run) return undefined
  await session.run('update runs set pruned = 1 where run = :run', { run: run.run })
  return run
}

/** Events and attempts first; a task after what hangs on it. Each by an index of the run's own rows. */
const PARTS: readonly string[] = [
  `delete from events where run_id = :runId and sequence in (
     select sequence from events where run_id = :runId and sequence is not null order by sequence limit :limit)`,
  `delete from checkpoints where task_id in (
     select task_id from checkpoints where run = :run order by run, step limit :limit)`,
  `delete from outputs where task_id in (
     select t.task_id from tasks t join outputs o on o.task_id = t.task_id where t.run = :run limit :limit)`,
  `delete from tasks where task_id in (
     select task_id from tasks where run = :run order by run, step, kind, idx limit :limit)`,
]

const ATTEMPTS = `delete from attempts where run = :run and (step, kind, idx, fence) in (
     select step, kind, idx, fence from attempts where run = :run order by step, kind, idx, fence limit :limit)`

async function deleteRowsOf(session: Session, { run, runId }: PrunedRun, limit: number): Promise<number> {
  let gone = 0
  for (const sql of [...PARTS, ATTEMPTS]) {
    if (gone >= limit) break
    const values = sql.includes(':runId') ? { runId, limit: limit - gone } : { run, limit: limit - gone }
    gone += await session.run(sql, values)
  }
  return gone
}

/** Workers that are no more, and what was told of no run. */
async function deleteGone(session: Session, age: number, limit: number): Promise<number> {
  const workers = await session.run(
    `delete from workers where worker_id in (
       select worker_id from workers where state <> 'alive' and expires_at <= store_now() - cast(:age as bigint)
       order by expires_at limit :limit)`,
    { age, limit },
  )
  if (workers >= limit) return workers
  const events = await session.run(
    `delete from events where run_id is null and sequence in (
       select sequence from events where run_id is null and at <= store_now() - cast(:age as bigint) and sequence is not null
       order by at limit :limit)`,
    { age, limit: limit - workers },
  )
  return workers + events
}
