import type { TaskKind } from '../../protocol/index.ts'
import type { AttemptOutcome } from '../contract.ts'
import { number, word, type Row } from './rows.ts'
import type { Session } from './session.ts'

/**
 * The history of attempts: written in the transaction of the verb that leases a task, starts it, or ends its lease. Reads
 * of it are in histories.ts.
 */

/** Whose attempt it is: the place of the task in its run, and the fence of the lease. */
export interface AttemptPlace {
  readonly run: number
  readonly step: number
  readonly kind: TaskKind
  readonly index: number
  readonly fence: number
}

/** Right after the task was leased: its fence and worker are the new ones, and the next attempt goes on from its checkpoint. */
export const BEGIN_ATTEMPT = `
  insert into attempts (run, step, kind, idx, fence, task_id, worker, leased_at, from_sequence, from_read, read)
  select t.run, t.step, t.kind, t.idx, t.fence, t.task_id, t.worker, store_now(), coalesce(c.sequence, 0),
    coalesce(c.counters ->> '$.read', 0), coalesce(c.counters ->> '$.read', 0)
  from tasks t left join checkpoints c on c.task_id = t.task_id
  where t.task_id = :taskId`

const HERE = 'run = :run and step = :step and kind = :kind and idx = :index and fence = :fence'

export function startAttempt(session: Session, place: Located, slot: number | null): void {
  session.run(`update attempts set started_at = store_now(), slot = :slot where ${HERE}`, { ...key(place), slot })
}

export function noteCheckpoint(session: Session, place: Located, read: number): void {
  session.run(
    `update attempts set checkpoints = checkpoints + 1, checkpointed_at = store_now(), read = :read where ${HERE}`,
    { ...key(place), read },
  )
}

export interface AttemptEnding {
  readonly outcome: AttemptOutcome
  readonly reason?: string
  readonly delayMs?: number
  /** Records read in the whole task; absent: as at the last checkpoint. */
  readonly read?: number
}

export function endAttempt(session: Session, place: Located, { outcome, reason, delayMs, read }: AttemptEnding): void {
  session.run(
    `update attempts set ended_at = store_now(), outcome = :outcome, reason = :reason, delay_ms = :delayMs,
       read = coalesce(:read, read)
     where ${HERE}`,
    { ...key(place), outcome, reason: reason ?? null, delayMs: delayMs ?? null, read: read ?? null },
  )
}

/** Columns run, step, kind, idx and fence. */
export function placeFrom(row: Row): AttemptPlace {
  return {
    run: number(row, 'run'),
    step: number(row, 'step'),
    kind: word<TaskKind>(row, 'kind'),
    index: number(row, 'idx'),
    fence: number(row, 'fence'),
  }
}

/** A task that is owned names its run in another way. */
type Located = AttemptPlace | (Omit<AttemptPlace, 'run'> & { readonly ref: { readonly run: number } })

function key(place: Located): { run: number; step: number; kind: string; index: number; fence: number } {
  const { step, kind, index, fence } = place
  return { run: 'ref' in place ? place.ref.run : place.run, step, kind, index, fence }
}
