import { hash } from 'node:crypto'
import { Decimal } from '../../kernel/decimal.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Digest } from './digest-set.ts'

/**
 * Text that is equal for equal values and different for different ones: texts carry their length, decimals are compared by
 * value (1.5 is 1.50), members are taken in code-unit order of their names, undefined ones are as absent.
 * Throws DISTINCT_KEY_INVALID for functions and symbols.
 */
export function canonicalText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`
    case 'number':
      return `n${value === 0 ? 0 : value};`
    case 'boolean':
      return value ? 't' : 'f'
    case 'bigint':
      return `i${value};`
    case 'undefined':
      return 'u'
    case 'object':
      return objectText(value)
    default:
      throw new BatchwrightError({
        code: 'DISTINCT_KEY_INVALID',
        message: `distinct: expected a key of plain values, found a ${typeof value} in it`,
        hint: 'Return text, numbers, decimals, or lists and objects of these from `by`.',
      })
  }
}

function objectText(value: object | null): string {
  if (value === null) return '0'
  if (Array.isArray(value)) {
    let text = '['
    for (const item of value) text += canonicalText(item)
    return `${text}]`
  }
  if (Decimal.is(value)) return `d${value.toString()};`
  if (value instanceof Date) return `D${value.getTime()};`
  let text = '{'
  // Any object can be looked at by its own names; a copy for each record would cost more than its hash.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  const members = value as Readonly<Record<string, unknown>>
  for (const name of sortedNames(members)) {
    const member = members[name]
    if (member !== undefined) text += `${name.length}:${name}${canonicalText(member)}`
  }
  return `${text}}`
}

let lastNames: readonly string[] = []
let lastSorted: readonly string[] = []

/** Names in order; records of one source have the same names again and again, so the last answer is kept. */
function sortedNames(members: Readonly<Record<string, unknown>>): readonly string[] {
  const names = Object.keys(members)
  if (same(names, lastNames)) return lastSorted
  lastNames = names
  lastSorted = [...names].sort()
  return lastSorted
}

function same(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false
  return true
}

/** The first 128 bits of the SHA-256 of a text, into `digest`. */
export function digestInto(text: string, digest: Digest): void {
  const bytes = hash('sha256', text, 'buffer')
  for (let word = 0; word < digest.length; word += 1) digest[word] = bytes.readUInt32LE(word * 4)
}
