import type { Transition } from '../states.ts'

/** `state in ('queued', ...)`: every state that an arrow of the table starts or ends at. */
export function words<State extends string>(column: string, table: readonly Transition<State>[]): string {
  const states = new Set(table.flatMap(({ from, to }) => [from, to]))
  return `${column} in (${[...states].map(quoted).join(', ')})`
}

/** SQLite: refuses every change of state that has no arrow, whoever makes it. */
export function guard<State extends string>(name: string, table: readonly Transition<State>[]): string {
  return `create trigger ${name}_transition before update of state on ${name}
when old.state <> new.state and not (case old.state ${cases(table)} else 0 end)
begin select raise(abort, 'ILLEGAL_TRANSITION of ${name}'); end;`
}

/** PostgreSQL: what its guards do with a change that has no arrow. */
export const REFUSE_TRANSITION = `create function refuse_transition() returns trigger language plpgsql as $$
begin
  raise exception 'ILLEGAL_TRANSITION of %: % to %', tg_table_name, old.state, new.state using errcode = 'check_violation';
end $$;`

/**
 * The same guard on PostgreSQL. The condition stands in the trigger, so that a legal change calls no function; and it looks
 * after the change, because a trigger before it would lock each row once more, with a record in the write-ahead log.
 */
export function postgresGuard<State extends string>(name: string, table: readonly Transition<State>[]): string {
  return `create trigger ${name}_transition after update of state on ${name} for each row
when (old.state <> new.state and not (case old.state ${cases(table)} else false end))
execute function refuse_transition();`
}

/** `when 'ready' then new.state in ('leased', ...)` for each state that has arrows. */
function cases<State extends string>(table: readonly Transition<State>[]): string {
  const starts = [...new Set(table.map(({ from }) => from))]
  return starts
    .map((from) => {
      const ends = new Set(table.filter((arrow) => arrow.from === from).map(({ to }) => quoted(to)))
      return `when ${quoted(from)} then new.state in (${[...ends].join(', ')})`
    })
    .join(' ')
}

function quoted(state: string): string {
  return `'${state}'`
}
