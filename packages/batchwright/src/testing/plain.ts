import { Decimal } from '../kernel/decimal.ts'

/** Text of a value for people and for golden files: JSON, decimals exact and as text, members in their own order. */
export function valueText(value: unknown): string {
  return value === undefined ? 'undefined' : JSON.stringify(exact(value))
}

/** What JSON.stringify makes the same text of whenever the values are the same. */
function exact(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (Decimal.is(value)) return value.toFixed(value.scale)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Map) return exact(Object.fromEntries(value))
  if (Array.isArray(value)) return value.map(exact)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, exact(member)]))
}

/**
 * Whether two values say the same: decimals by their amount (`1.5` and `1.50` are equal), also where one of them is text;
 * members in any order.
 */
export function sameValue(left: unknown, right: unknown): boolean {
  if (Decimal.is(left)) return decimalOf(right)?.equals(left) ?? false
  if (Decimal.is(right)) return decimalOf(left)?.equals(right) ?? false
  if (typeof left !== 'object' || left === null || typeof right !== 'object' || right === null) {
    return Object.is(left, right)
  }
  if (left instanceof Date || right instanceof Date) {
    return left instanceof Date && right instanceof Date && left.getTime() === right.getTime()
  }
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && sameValue(Reflect.get(left, name), Reflect.get(right, name)))
  )
}

function decimalOf(value: unknown): Decimal | null {
  if (Decimal.is(value)) return value
  return typeof value === 'string' ? Decimal.parse(value) : null
}
