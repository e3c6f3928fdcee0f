import { parseSize, type Size } from '../kernel/units.ts'
import { isDataset, isDatasetInput, type Dataset, type DatasetInput } from './dataset.ts'
import type { FieldDefinition, LookupDefinition, LookupTable } from './model.ts'
import { checkOptions, definitionError, didYouMean, show } from './names.ts'

declare const TABLE: unique symbol

/** A lookup whose table has the type `Table`. */
export interface Lookup<Table> extends LookupDefinition {
  /** For the type checker only. */
  readonly [TABLE]?: Table
}

export interface LookupOptions<Row, By extends LookupKey<Row>, Duplicates extends LookupDuplicates> {
  /** The field, or the fields, that a row is found by. */
  readonly by: By
  /**
   * What two rows of one key mean. `fail` (default): the data is wrong, and nothing is computed with it. `first`, `last`: in
   * the order of the dataset. `list`: `get` gives all of them.
   */
  readonly duplicates?: Duplicates
  /** Bytes of the dataset, uncompressed, before it is refused; default 16MB: in memory it takes several times that, in each slot. */
  readonly limit?: Size
  /** Rows before it is refused; default 1,000,000. */
  readonly rows?: number
}

export type LookupDuplicates = LookupDefinition['duplicates']
export type LookupKey<Row> = (keyof Row & string) | readonly [keyof Row & string, ...(keyof Row & string)[]]

type KeyValues<Row, By> = By extends keyof Row
  ? [Row[By]]
  : By extends readonly (keyof Row)[]
    ? { -readonly [Place in keyof By]: Row[By[Place] & keyof Row] }
    : never

/** What `use.<name>` is of a lookup over rows `Row`, found by `By`. */
export type TableOf<Row, By, Duplicates> = LookupTable<
  Row,
  KeyValues<Row, By> extends readonly unknown[] ? KeyValues<Row, By> : never,
  Duplicates extends 'list' ? readonly Row[] : Row | undefined
>

const DEFAULT_LIMIT: Size = '16MB'
const DEFAULT_ROWS = 1_000_000
const DUPLICATES: readonly string[] = ['fail', 'first', 'last', 'list'] satisfies readonly LookupDuplicates[]

/**
 * A dataset that a step reads whole into memory, to look rows up by a key: `.lookup({ customers: lookup(customers, { by: 'id' }) })`,
 * then `use.customers.get(id)` in `process`. It is part of the run's snapshot, and loaded once for each slot.
 */
export function lookup<
  Row extends object,
  const By extends LookupKey<NoInfer<Row>>,
  const Duplicates extends LookupDuplicates = 'fail',
>(
  input: Dataset<Row> | DatasetInput<Row>,
  options: LookupOptions<NoInfer<Row>, By, Duplicates>,
): Lookup<TableOf<Row, By, Duplicates>> {
  const { dataset, windows } = inputOf(input)
  const place = `lookup of dataset ${show(dataset.name)}`
  if (dataset.format.format === 'files') {
    throw invalid(place, 'it is made of whole files, and has no rows', 'Look up the rows that name the files.')
  }
  checkOptions(place, options, ['by', 'duplicates', 'limit', 'rows'])
  const rows = options.rows ?? DEFAULT_ROWS
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw invalid(`${place} rows`, `expected a whole number from 1, found ${show(rows)}`, 'For example 100_000.')
  }
  const duplicates: string = options.duplicates ?? 'fail'
  if (!isDuplicates(duplicates)) {
    throw invalid(
      `${place} duplicates`,
      `expected ${DUPLICATES.join(', ')}, found ${show(duplicates)}`,
      `${didYouMean(duplicates, DUPLICATES)}Leave it out to refuse a dataset with two rows of one key.`,
    )
  }
  return {
    dataset,
    windows,
    by: keyFields(place, options.by, dataset.contract.schema.fields),
    duplicates,
    limitBytes: parseSize(options.limit ?? DEFAULT_LIMIT, `${place} limit`),
    limitRows: rows,
  }
}

export function isLookup(value: unknown): value is LookupDefinition {
  return typeof value === 'object' && value !== null && 'duplicates' in value && 'limitBytes' in value
}

function isDuplicates(value: string): value is LookupDuplicates {
  return DUPLICATES.includes(value)
}

function inputOf(given: unknown): Pick<LookupDefinition, 'dataset' | 'windows'> {
  if (isDataset(given)) {
    return { dataset: given, windows: { select: given.window === null ? 'whole' : 'inside' } }
  }
  if (isDatasetInput(given)) return { dataset: given.input.dataset, windows: given.input.windows }
  throw invalid(
    'lookup()',
    `expected a dataset, found ${show(given)}`,
    "For example lookup(customers, { by: 'id' }), or lookup(rates.previous(1), { by: 'currency' }).",
  )
}

function keyFields(place: string, by: unknown, fields: readonly FieldDefinition[] | null): readonly string[] {
  const names: readonly unknown[] = Array.isArray(by) ? by : [by]
  if (names.length === 0 || new Set(names).size < names.length) {
    throw invalid(`${place} by`, 'expected one or more different fields', "For example by: ['currency', 'month'].")
  }
  const known = fields?.map((field) => field.name)
  return names.map((name) => {
    if (typeof name === 'string' && (known === undefined || known.includes(name))) return name
    throw invalid(
      `${place} by`,
      `there is no field ${show(name)} in its contract`,
      known === undefined ? 'Name a field.' : `${didYouMean(String(name), known)}Fields: ${known.join(', ')}.`,
    )
  })
}

function invalid(place: string, problem: string, hint: string): Error {
  return definitionError('LOOKUP_INVALID', place, problem, hint)
}
