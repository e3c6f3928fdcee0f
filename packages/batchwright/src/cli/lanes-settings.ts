/** Pools and tenants as the configuration names them: `{ "db": { "slots": 8 } }`, `{ "acme": { "weight": 3, "slots": 20 } }`. */

export interface ConfiguredPool {
  readonly slots: number | null
  readonly open: boolean
}

export interface ConfiguredTenant {
  readonly weight: number
  readonly slots: number | null
}

type ByName<Value> = Readonly<Record<string, Value>>

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/i
const MOST = 1_000_000

/** Undefined where it is none. */
export function readPools(json: unknown): ByName<ConfiguredPool> | undefined {
  return readAll(json, ['slots', 'open'], ({ slots = null, open = true }) =>
    isLimit(slots) && typeof open === 'boolean' ? { slots, open } : undefined,
  )
}

export function readTenants(json: unknown): ByName<ConfiguredTenant> | undefined {
  return readAll(json, ['weight', 'slots'], ({ weight = 1, slots = null }) =>
    isLimit(weight) && weight !== null && isLimit(slots) ? { weight, slots } : undefined,
  )
}

/** From an environment variable: the same JSON as in the file. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readAll<Value>(
  json: unknown,
  known: readonly string[],
  read: (given: Readonly<Record<string, unknown>>) => Value | undefined,
): ByName<Value> | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const all: Record<string, Value> = {}
  for (const [name, given] of Object.entries(json) as [string, unknown][]) {
    if (!NAME.test(name) || typeof given !== 'object' || given === null || Array.isArray(given)) return undefined
    if (Object.keys(given).some((key) => !known.includes(key))) return undefined
    const value = read({ ...given })
    if (value === undefined) return undefined
    all[name] = value
  }
  return all
}

function isLimit(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= MOST)
}
