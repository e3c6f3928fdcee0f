import type { Transition } from '../states.ts'

/** `state in ('queued', ...)`: every state that an arrow of the table starts or ends at. */
export function words<State extends string>(column: string, table: readonly Transition<State>[]): string {
  const states = new Set(table.flatMap(({ from, to }) => [from, to]))
  return `${column} in (${[...states].map(quoted).join(', ')})`
}

/** SQLite: refuses every change of state that has no arrow, whoever makes it. */
export function guard<State extends string>(name: string, table: readonly Transition<State>[]): string {
  const starts = [...new Set(table.map(({ from }) => from))]
  const cases = starts.map((from) => {
    const ends = new Set(table.filter((arrow) => arrow.from === from).map(({ to }) => quoted(to)))
    return `when ${quoted(from)} then new.state in (${[...ends].join(', ')})`
  })
  return `create trigger ${name}_transition before update of state on ${name}
when old.state <> new.state and not (case old.state ${cases.join(' ')} else 0 end)
begin select raise(abort, 'ILLEGAL_TRANSITION of ${name}'); end;`
}

function quoted(state: string): string {
  return `'${state}'`
}
