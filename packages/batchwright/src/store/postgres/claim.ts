import type { ClaimRequest } from '../contract/index.ts'
import { FIRST_ATTEMPT, HELD_ATTEMPTS, nextAttempt } from '../sql/attempts.ts'
import { claimWith } from '../sql/claim.ts'
import type { ClaimWords, Head } from '../sql/claim-words.ts'
import { flag, number } from '../sql/rows.ts'
import type { Session } from '../sql/session.ts'
import { POSTGRES } from './dialect.ts'

/**
 * The heads of several steps in one statement, in the order of the steps. Of each step, by its index of claimable tasks; rows
 * that another claim is just taking are passed by. No sorting: the steps come in the order of the list, and the scan ends
 * when enough was found.
 */
export const HEADS = `
  select c.place, t.task_id, t.crash_count, case when t.leased_at is null then 0 else 1 end as again
  from unnest(cast(:runs as bigint[]), cast(:steps as bigint[]), cast(:kinds as text[])) with ordinality
      as c (run, step, kind, place)
    cross join lateral (
      select task_id, crash_count, leased_at from tasks
      where run = c.run and step = c.step and kind = c.kind and state = 'ready' and not_before = 0
        and (avoid is null or avoid <> :workerId)
      order by idx limit :limit for no key update skip locked) t
  limit :limit`

const KEEP = `insert into attempts ${HELD_ATTEMPTS} and task_id = any(cast(:tasks as bigint[]))`
/** The clock is read once for a group. */
export const LEASE = leaseWith(FIRST_ATTEMPT.replaceAll('store_now()', '(select store_now())'))
export const LEASE_AGAIN = leaseWith(nextAttempt(POSTGRES))

function leaseWith(attempt: string): string {
  return `update tasks set state = 'leased', fence = fence + 1, worker = :workerId, claim = :claimId, ${attempt}
    where task_id = any(cast(:tasks as bigint[]))`
}

/** A step whose row somebody else is at keeps its place in the lane: the next claim looks again. */
export const SETTLE = `
  update steps s set ready = 0
  from (
    select k.run, k.step, c.kind, c.ready
    from unnest(cast(:runs as bigint[]), cast(:steps as bigint[]), cast(:kinds as text[]), cast(:readies as bigint[]))
        as c (run, step, kind, ready)
      join steps k on k.run = c.run and k.step = c.step and k.ready = c.ready
    for no key update of k skip locked) f
  where s.run = f.run and s.step = f.step and s.ready = f.ready and not exists (
    select 1 from tasks t
    where t.run = f.run and t.step = f.step and t.kind = f.kind and t.state = 'ready' and t.not_before = 0)`

const WORDS: ClaimWords = {
  async heads(session, { workerId }, steps, limit) {
    const rows = await session.all(HEADS, {
      runs: steps.map(({ run }) => run),
      steps: steps.map(({ step }) => step),
      kinds: steps.map(({ kind }) => kind),
      limit,
      workerId,
    })
    return rows.flatMap((row): readonly Head[] => {
      const step = steps[number(row, 'place') - 1]
      if (step === undefined) return []
      return [
        {
          taskId: number(row, 'task_id'),
          step,
          crashCount: number(row, 'crash_count'),
          again: flag(row, 'again'),
        },
      ]
    })
  },

  async lease(session, request, heads) {
    const [again, first] = [heads.filter((head) => head.again), heads.filter((head) => !head.again)]
    if (again.length > 0) {
      await session.run(KEEP, { tasks: idsOf(again) })
      await leaseAll(session, LEASE_AGAIN, request, again)
    }
    if (first.length > 0) await leaseAll(session, LEASE, request, first)
  },

  async settle(session, steps) {
    await session.run(SETTLE, {
      runs: steps.map(({ run }) => run),
      steps: steps.map(({ step }) => step),
      kinds: steps.map(({ kind }) => kind),
      readies: steps.map(({ ready }) => ready),
    })
  },
}

function idsOf(heads: readonly Head[]): readonly number[] {
  return heads.map(({ taskId }) => taskId)
}

async function leaseAll(session: Session, sql: string, request: ClaimRequest, heads: readonly Head[]): Promise<void> {
  await session.run(sql, { workerId: request.workerId, claimId: request.claimId, tasks: idsOf(heads) })
}

/** ready -> leased: the one claim of both databases, in PostgreSQL's words. */
export function claimOnPostgres(session: Session, request: ClaimRequest): ReturnType<typeof claimWith> {
  return claimWith(WORDS, session, request)
}
