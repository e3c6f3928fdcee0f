import { sameValue, valueText } from './plain.ts'

/** Rows that a diff names before it says how many more there are. */
const SHOWN = 20

/** How two lists of records are compared. */
export interface DiffOptions {
  /** Columns that name a record: rows are matched by them. Null: by their place. */
  readonly key: readonly string[] | null
}

/** One row that differs: where it is, and the lines that say how. */
interface RowDifference {
  readonly lines: readonly string[]
}

/** What differs between two lists of records, as lines for people; empty where nothing does. */
export function diffRecords(
  expected: readonly object[],
  actual: readonly object[],
  { key }: DiffOptions,
): readonly string[] {
  const differences = key === null ? byPlace(expected, actual) : byKey(expected, actual, key)
  const shown = differences.slice(0, SHOWN).flatMap(({ lines }) => lines)
  const more = differences.length - SHOWN
  return more > 0 ? [...shown, `... and ${String(more)} more rows that differ`] : shown
}

function byPlace(expected: readonly object[], actual: readonly object[]): readonly RowDifference[] {
  const rows = Math.max(expected.length, actual.length)
  return Array.from({ length: rows }, (_, at) =>
    rowDifference(`row ${String(at + 1)}`, expected[at], actual[at]),
  ).filter(({ lines }) => lines.length > 0)
}

function byKey(
  expected: readonly object[],
  actual: readonly object[],
  key: readonly string[],
): readonly RowDifference[] {
  const [left, right] = [keyed(expected, key), keyed(actual, key)]
  const names = [...new Set([...left.keys(), ...right.keys()])]
  return names
    .map((name) => rowDifference(`row ${name}`, left.get(name), right.get(name)))
    .filter(({ lines }) => lines.length > 0)
}

/** Rows by their key; those of the same key are told apart by their number. */
function keyed(records: readonly object[], key: readonly string[]): ReadonlyMap<string, object> {
  const found = new Map<string, object>()
  for (const record of records) {
    const name = keyText(record, key)
    let unique = name
    for (let number = 2; found.has(unique); number += 1) unique = `${name} (${String(number)})`
    found.set(unique, record)
  }
  return found
}

export function keyText(record: object, key: readonly string[]): string {
  return key.map((column) => valueText(Reflect.get(record, column))).join(' ')
}

function rowDifference(where: string, expected: object | undefined, actual: object | undefined): RowDifference {
  if (expected === undefined)
    return { lines: actual === undefined ? [] : [`${where}: not expected`, `  + ${valueText(actual)}`] }
  if (actual === undefined) return { lines: [`${where}: missing`, `  - ${valueText(expected)}`] }
  const columns = diffColumns(expected, actual)
  return { lines: columns.length === 0 ? [] : [`${where}:`, ...columns.map((line) => `  ${line}`)] }
}

/** The columns in which two records differ: `price: expected "1.50", found "1.60"`. */
function diffColumns(expected: object, actual: object): readonly string[] {
  const columns = [...new Set([...Object.keys(expected), ...Object.keys(actual)])]
  return columns.flatMap((column) => {
    const left: unknown = Reflect.get(expected, column)
    const right: unknown = Reflect.get(actual, column)
    if (!Object.hasOwn(actual, column)) return [`${column}: expected ${valueText(left)}, found no such column`]
    if (!Object.hasOwn(expected, column)) return [`${column}: found ${valueText(right)}, expected no such column`]
    return sameValue(left, right) ? [] : [`${column}: expected ${valueText(left)}, found ${valueText(right)}`]
  })
}
