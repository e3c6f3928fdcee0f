import type { EventCount, Pruned, StoreEvent } from '../contract/index.ts'
import { countEvents, listEvents, type EventFilter } from '../sql/events.ts'
import { prune } from '../sql/retention.ts'
import type { PostgresSession } from './session.ts'

/**
 * The outbox's sequencer. Transactions that write at the same time become visible in any order, so that a reader who goes
 * on from the highest id that it saw would miss a lower one that was committed later. Here rows get their `sequence` when
 * they are read for the first time, by one reader at a time: what is numbered is visible, and whatever becomes visible
 * later gets a higher number. The row that is locked for it holds the last number that was given out.
 */
const TURN = 'select last from event_numbers for no key update'

export const NUMBER = `
  with unnumbered as (
    select event, row_number() over (order by event) as place from events where sequence is null
  ), numbered as (
    update events e set sequence = (select last from event_numbers) + u.place
    from unnumbered u where e.event = u.event returning 1
  )
  update event_numbers set last = last + (select count(*) from numbered)`

export const UNNUMBERED = 'select 1 from events where sequence is null limit 1'

/** Numbers what is visible now. Costs one look into an empty index where there is nothing new. */
async function numberEvents(session: PostgresSession): Promise<void> {
  if ((await session.get(UNNUMBERED)) === undefined) return
  await session.get(TURN)
  await session.run(NUMBER)
}

export async function listNumbered(session: PostgresSession, filter: EventFilter): Promise<readonly StoreEvent[]> {
  await numberEvents(session)
  return await listEvents(session, filter)
}

/** Events are deleted by their numbers, so that those that nobody has read yet get theirs first. */
export async function pruneNumbered(session: PostgresSession, olderThanMs: number, rows?: number): Promise<Pruned> {
  await numberEvents(session)
  return await prune(session, olderThanMs, rows)
}

export async function countNumbered(session: PostgresSession, runId: string): Promise<readonly EventCount[]> {
  await numberEvents(session)
  return await countEvents(session, runId)
}
