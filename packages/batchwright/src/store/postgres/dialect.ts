import type { Dialect } from '../sql/session.ts'

/** PostgreSQL's words. Lists are arrays; JSON is text, and read as JSON where a member is asked for. */
export const POSTGRES: Dialect = {
  name: 'postgres',
  among: (column, parameter, of) => `${column} = any(cast(:${parameter} as ${of === 'text' ? 'text[]' : 'bigint[]'}))`,
  jsonText: (column, member) => `(cast(${column} as json) ->> '${member}')`,
  jsonInteger: (column, member) => `cast(cast(${column} as json) ->> '${member}' as bigint)`,
  greatest: (one, other) => `greatest(${one}, ${other})`,
  least: (one, other) => `least(${one}, ${other})`,
  by: () => '',
  forUpdate: ' for update',
  forNoKeyUpdate: ' for no key update',
  forKeyShare: ' for key share',
  skipLocked: ' for no key update skip locked',
}
