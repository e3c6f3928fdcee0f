import type { Dialect } from '../sql/session.ts'

/** SQLite's words. One writer at a time, so that nothing has to be locked. */
export const SQLITE: Dialect = {
  name: 'sqlite',
  among: (column, parameter) => `${column} in (select value from json_each(:${parameter}))`,
  jsonText: (column, member) => `${column} ->> '$.${member}'`,
  jsonInteger: (column, member) => `cast(${column} ->> '$.${member}' as integer)`,
  greatest: (one, other) => `max(${one}, ${other})`,
  least: (one, other) => `min(${one}, ${other})`,
  by: (index) => `indexed by ${index}`,
  forUpdate: '',
  forNoKeyUpdate: '',
  forKeyShare: '',
  skipLocked: '',
}
