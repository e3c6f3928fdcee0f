import type { TableFault } from './faults.ts'

/** Classes of SQLSTATE that a row is to blame for: data exceptions, integrity constraints, check options of views. */
const ROW_CLASSES: ReadonlySet<string> = new Set(['22', '23', '44'])
/** `raise exception` in a trigger. */
const RAISED = 'P0001'
/** Serialization failures, deadlocks, locks not had in time, cancelled statements, too little of something. */
const BUSY: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '57014'])
const BUSY_CLASS = '53'
/** The server ends, or has ended the session. */
const LOST: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'])
const LOST_CLASS = '08'
const SQLSTATE = /^[0-9A-Z]{5}$/

/** What a SQLSTATE says; whatever has none is the connection's. */
export function faultOfState(state: string | null): TableFault {
  if (state === null || !SQLSTATE.test(state)) return 'lost'
  const kind = state.slice(0, 2)
  if (ROW_CLASSES.has(kind) || state === RAISED) return 'row'
  if (BUSY.has(state) || kind === BUSY_CLASS) return 'busy'
  return LOST.has(state) || kind === LOST_CLASS ? 'lost' : 'other'
}

/** What PostgreSQL tells of an error beside its message. */
const TOLD = ['constraint', 'column', 'detail', 'where'] as const

export function detailsOf(thrown: unknown): Readonly<Record<string, string>> {
  if (typeof thrown !== 'object' || thrown === null) return {}
  const told = new Map(Object.entries(thrown))
  const texts = TOLD.flatMap((name) => {
    const value: unknown = told.get(name)
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return Object.fromEntries(texts)
}

export function stateOf(thrown: unknown): string | null {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : null
}

/** Message, detail and SQLSTATE. */
export function wordsOf(thrown: unknown): string {
  const message = messageOf(thrown)
  const { detail } = detailsOf(thrown)
  const state = stateOf(thrown)
  return `${message}${detail === undefined ? '' : `. ${detail}`}${state === null ? '' : ` (${state})`}`
}

/** Where a name has several addresses, each tells why it could not be reached. */
function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return [...new Set(thrown.errors.map(messageOf))].join('; ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}
