import { Decimal } from '../../kernel/decimal.ts'

/**
 * JSON text of records between steps, for dead letters: what JSON has no word for is written as an object with one member
 * whose name says its type, so that reading it again gives the same record.
 */
const DECIMAL = '$decimal'
const BIGINT = '$bigint'
const DATE = '$date'

export function exactJson(value: object): string {
  return JSON.stringify(tagged(value))
}

export function readExactJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => untagged(value))
}

/** JSON.stringify shows a replacer what `toJSON` made of a value, so that the tags must be set before. */
function tagged(value: unknown): unknown {
  if (typeof value === 'bigint') return { [BIGINT]: String(value) }
  if (value === null || typeof value !== 'object') return value
  if (Decimal.is(value)) return { [DECIMAL]: value.toFixed(value.scale) }
  if (value instanceof Date) return { [DATE]: value.toISOString() }
  if (Array.isArray(value)) return value.map(tagged)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, tagged(member)]))
}

function untagged(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  const members: readonly (readonly [string, unknown])[] = Object.entries(value)
  const [only] = members
  if (members.length !== 1 || only === undefined || typeof only[1] !== 'string') return value
  const [name, text] = only
  if (name === DECIMAL) return Decimal.from(text)
  if (name === BIGINT) return BigInt(text)
  return name === DATE ? new Date(text) : value
}
