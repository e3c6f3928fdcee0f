import type { JsonValue } from '../../kernel/errors.ts'
import type { EventCount, StoreEvent } from '../contract/index.ts'
import type { Dialect, Session } from './session.ts'
import { json, number, text, textOrNull } from './rows.ts'

export interface NewEvent {
  readonly runId: string | null
  readonly step?: string
  readonly type: string
  readonly data?: Readonly<Record<string, JsonValue>>
}

/** Escapes of characters that PostgreSQL cannot read back out of JSON: 0, and half of a pair. */
const UNREADABLE = /\\u(?:0000|d[89a-f])/i

/** JSON whose members both databases can be asked for: what an error of users' code says may hold anything. */
function readable(data: NonNullable<NewEvent['data']>): string {
  const json = JSON.stringify(data)
  if (!UNREADABLE.test(json)) return json
  return JSON.stringify(data, (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\uFFFD') : value,
  )
}

/** Writes one row of the outbox, in the transaction of what happened. */
export async function emit(session: Session, event: NewEvent): Promise<void> {
  await session.run(
    `insert into events (at, run_id, step, type, data) values (store_now(), :runId, :step, :type, :data)`,
    {
      runId: event.runId,
      step: event.step ?? null,
      type: event.type,
      data: readable(event.data ?? {}),
    },
  )
}

/** Sequence of the newest event; 0 where there is none. What changed for others moved it. */
export const NEWEST_EVENT = 'select coalesce(max(sequence), 0) as newest from events'

/** Events that say that work goes on as it should. All others are in an index of their own: a run has few of them. */
const ROUTINE: ReadonlySet<string> = new Set(['tasks.leased', 'tasks.succeeded'])
/** The condition of that index. */
const TOLD = `type not in ('tasks.leased', 'tasks.succeeded')`

/** Said, because SQLite would rather walk through a run's million events in order than sort a hundred. */
const BY_TOLD = 'events_told'

/**
 * The statement for a filter. What was decided in a run is sorted: an order that an index has would tempt PostgreSQL, too, to walk
 * through the whole outbox for a few rows.
 */
export function eventsQuery(dialect: Dialect, { runId, types }: Pick<EventFilter, 'runId' | 'types'>): string {
  const ofRun = runId === undefined ? '' : 'and run_id = :runId'
  const ofTypes = types === undefined ? '' : `and ${dialect.among('type', 'types', 'text')}`
  const told = runId !== undefined && types?.some((type) => ROUTINE.has(type)) === false
  const sequence = told ? 'sequence + 0' : 'sequence'
  return `select sequence, at, run_id, step, type, data from events ${told ? dialect.by(BY_TOLD) : ''}
    where ${sequence} > :after ${ofRun} ${ofTypes} ${told ? `and ${TOLD}` : ''} order by ${sequence} limit :limit`
}

/** By the index of what was decided, which comes with the rows in order of type. */
export function countQuery(dialect: Dialect): string {
  const [code, reason, why] = ['code', 'reason', 'why'].map((member) => dialect.jsonText('data', member))
  return `
  select type, step, ${code} as code, ${reason} as reason, ${why} as why, count(*) as count,
    cast(sum(coalesce(${dialect.jsonInteger('data', 'count')}, 0)) as bigint) as tasks, min(at) as first_at, max(at) as last_at,
    cast(sum(coalesce(${dialect.jsonInteger('data', 'delayMs')}, 0)) as bigint) as delay_ms
  from events ${dialect.by(BY_TOLD)} where run_id = :runId and ${TOLD}
  group by type, step, ${code}, ${reason}, ${why} order by min(at), min(sequence)`
}

export async function countEvents(session: Session, runId: string): Promise<readonly EventCount[]> {
  const rows = await session.all(countQuery(session.dialect), { runId })
  return rows.map((row) => ({
    type: text(row, 'type'),
    step: textOrNull(row, 'step'),
    code: textOrNull(row, 'code'),
    reason: textOrNull(row, 'reason'),
    why: textOrNull(row, 'why'),
    count: number(row, 'count'),
    tasks: number(row, 'tasks'),
    firstAt: number(row, 'first_at'),
    lastAt: number(row, 'last_at'),
    delayMs: number(row, 'delay_ms'),
  }))
}

const EVENTS_PER_PAGE = 1000

export interface EventFilter {
  readonly after: number
  readonly runId?: string
  readonly limit?: number
  readonly types?: readonly string[]
}

export async function listEvents(session: Session, filter: EventFilter): Promise<readonly StoreEvent[]> {
  const rows = await session.all(eventsQuery(session.dialect, filter), {
    after: filter.after,
    limit: filter.limit ?? EVENTS_PER_PAGE,
    ...(filter.runId === undefined ? {} : { runId: filter.runId }),
    ...(filter.types === undefined ? {} : { types: filter.types }),
  })
  return rows.map((row) => ({
    sequence: number(row, 'sequence'),
    at: number(row, 'at'),
    runId: textOrNull(row, 'run_id'),
    step: textOrNull(row, 'step'),
    type: text(row, 'type'),
    data: json<StoreEvent['data']>(row, 'data'),
  }))
}
