import type { JsonValue } from '../kernel/errors.ts'
import { canonicalJson, sha256 } from '../kernel/digest.ts'
import type { EachDefinition, ItemsContext } from './model.ts'
import { show } from './names.ts'

/** What is wrong with the items of a fan-out, and what to write instead. */
export interface EachProblem {
  readonly problem: string
  readonly hint: string
}

const HINT = "For example each: 100, each: ['a', 'b'], or each: ({ parameters }) => namesOf(parameters)."

function isItemsFunction(given: unknown): given is (context: ItemsContext) => unknown {
  return typeof given === 'function'
}

/** Reads the `each` option of a function step. */
export function readEach(given: unknown): EachDefinition | EachProblem {
  if (isItemsFunction(given)) return { from: 'function', items: given }
  if (typeof given === 'number') {
    if (Number.isSafeInteger(given) && given >= 0) return { from: 'count', count: given }
    return { problem: `expected each to be a whole number from 0, found ${show(given)}`, hint: HINT }
  }
  if (Array.isArray(given)) return readList(given)
  return { problem: `expected each to be a number, a list or a function of them, found ${show(given)}`, hint: HINT }
}

function readList(given: readonly unknown[]): EachDefinition | EachProblem {
  const items: JsonValue[] = []
  for (const [index, item] of given.entries()) {
    const copy = asItem(item)
    if (copy === undefined) {
      return {
        problem: `expected every item to be plain JSON, found ${show(item)} at place ${String(index)}`,
        hint: 'Items are kept in the store: give ids, names and paths, and let the function find the rest.',
      }
    }
    items.push(copy)
  }
  return { from: 'list', items }
}

/** An item by value, as JSON; undefined where JSON cannot say it. */
export function asItem(item: unknown): JsonValue | undefined {
  if (item === null || typeof item === 'string' || typeof item === 'boolean') return item
  if (typeof item === 'number') return Number.isFinite(item) ? item : undefined
  if (typeof item !== 'object') return undefined
  try {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- what JSON.parse gives is JSON
    return JSON.parse(JSON.stringify(item)) as JsonValue
  } catch {
    return undefined
  }
}

/** What a plan's fingerprint says of the items: a function's are known when it is called, so only that it is one. */
export function eachPrint(each: EachDefinition): JsonValue {
  switch (each.from) {
    case 'count':
      return { count: each.count }
    case 'list':
      return { list: sha256(canonicalJson(each.items)) }
    case 'function':
      return 'function'
  }
}
