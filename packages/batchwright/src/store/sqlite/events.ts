import type { JsonValue } from '../../kernel/errors.ts'
import type { StoreEvent } from '../contract.ts'
import type { Session } from './session.ts'
import { json, number, text, textOrNull } from './rows.ts'

export interface NewEvent {
  readonly runId: string | null
  readonly step?: string
  readonly type: string
  readonly data?: Readonly<Record<string, JsonValue>>
}

/** Writes one row of the outbox, in the transaction of what happened. */
export function emit(session: Session, event: NewEvent): void {
  session.run(`insert into events (at, run_id, step, type, data) values (store_now(), :runId, :step, :type, :data)`, {
    runId: event.runId,
    step: event.step ?? null,
    type: event.type,
    data: JSON.stringify(event.data ?? {}),
  })
}

/** Sequence of the newest event; 0 where there is none. What changed for others moved it. */
export function newestEvent(session: Session): number {
  const row = session.get('select coalesce(max(sequence), 0) as newest from events')
  return row === undefined ? 0 : number(row, 'newest')
}

const EVENTS_PER_PAGE = 1000

export function listEvents(
  session: Session,
  filter: { readonly after: number; readonly runId?: string; readonly limit?: number },
): readonly StoreEvent[] {
  const ofRun = filter.runId === undefined ? '' : 'and run_id = :runId'
  const rows = session.all(
    `select sequence, at, run_id, step, type, data from events
     where sequence > :after ${ofRun} order by sequence limit :limit`,
    {
      after: filter.after,
      limit: filter.limit ?? EVENTS_PER_PAGE,
      ...(filter.runId === undefined ? {} : { runId: filter.runId }),
    },
  )
  return rows.map((row) => ({
    sequence: number(row, 'sequence'),
    at: number(row, 'at'),
    runId: textOrNull(row, 'run_id'),
    step: textOrNull(row, 'step'),
    type: text(row, 'type'),
    data: json<StoreEvent['data']>(row, 'data'),
  }))
}
