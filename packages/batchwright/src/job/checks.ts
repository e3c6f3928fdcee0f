import { Decimal, type DecimalLike } from '../kernel/decimal.ts'
import type { CheckDefinition } from './model.ts'
import { checkOptions, definitionError, show } from './names.ts'

declare const COLUMN: unique symbol

/** A check that names columns of the type `Column`: fields of the dataset's records. */
export type Check<Column extends string = string> = CheckDefinition & {
  /** For the type checker only. */
  readonly [COLUMN]?: Column
}

/** What every check takes beside its own: what happens when it fails, and its name. */
export interface CheckOptions {
  /** `block` (default): the run fails and nothing is published. `warn`: it is recorded. */
  readonly severity?: 'block' | 'warn'
  /** How messages and screens call it; by default made of kind and columns: `unique(invoice)`. */
  readonly name?: string
}

type Bound = DecimalLike | null

const COMMON = ['severity', 'name']

function common(
  place: string,
  options: CheckOptions,
  ownName: string,
  known: readonly string[] = [],
): { name: string; severity: 'block' | 'warn' } {
  checkOptions(place, options, [...known, ...COMMON])
  const severity: string = options.severity ?? 'block'
  if (severity !== 'block' && severity !== 'warn') {
    throw definitionError(
      'CHECK_INVALID',
      `${place} severity`,
      `expected block or warn, found ${show(severity)}`,
      'Leave it out to block.',
    )
  }
  return { name: options.name ?? ownName, severity }
}

function columnsOf(place: string, columns: string | readonly string[]): readonly string[] {
  const list: readonly unknown[] = Array.isArray(columns) ? columns : [columns]
  if (list.length > 0 && list.every((column): column is string => typeof column === 'string' && column !== ''))
    return list
  throw definitionError(
    'CHECK_INVALID',
    place,
    `expected a column or a list of columns, found ${show(columns)}`,
    "For example check.unique(['customer', 'month']).",
  )
}

/** A number as exact text, null where there is no bound. Text that is no number stays: dates compare as text. */
function boundText(bound: Bound | undefined): string | null {
  if (bound === undefined || bound === null) return null
  return typeof bound === 'string' ? bound : Decimal.from(bound).toString()
}

function rowCountProblem(options: {
  readonly min?: number
  readonly max?: number
  readonly withinOfHistory?: number
}): string | null {
  const { min, max, withinOfHistory } = options
  if (min === undefined && max === undefined && withinOfHistory === undefined) return 'it asks for nothing'
  for (const count of [min, max]) {
    if (count !== undefined && (!Number.isSafeInteger(count) || count < 0))
      return `expected a count from 0, found ${show(count)}`
  }
  if (min !== undefined && max !== undefined && min > max) return `min ${min} is above max ${max}`
  if (withinOfHistory !== undefined && !(withinOfHistory > 0))
    return `expected a share above 0 such as 0.5, found ${show(withinOfHistory)}`
  return null
}

/** Checks of a dataset, made before it is published. Columns are named as the record's fields. */
export const check = {
  /** None of the columns is null or missing. */
  notNull<const Column extends string>(columns: Column | readonly Column[], options: CheckOptions = {}): Check<Column> {
    const list = columnsOf('check.notNull()', columns)
    return { ...common('check.notNull()', options, `notNull(${list.join(', ')})`), check: 'notNull', columns: list }
  },

  /** No two records agree in all of the columns. */
  unique<const Column extends string>(columns: Column | readonly Column[], options: CheckOptions = {}): Check<Column> {
    const list = columnsOf('check.unique()', columns)
    return { ...common('check.unique()', options, `unique(${list.join(', ')})`), check: 'unique', columns: list }
  },

  /** Each value lies between `min` and `max`, both included. Nulls pass: `notNull` is for them. */
  range<const Column extends string>(
    column: Column,
    bounds: { readonly min?: Bound; readonly max?: Bound } & CheckOptions,
  ): Check<Column> {
    const place = 'check.range()'
    const named = common(place, bounds, `range(${column})`, ['min', 'max'])
    const min = boundText(bounds.min)
    const max = boundText(bounds.max)
    if (min === null && max === null)
      throw definitionError('CHECK_INVALID', place, 'it asks for nothing', 'Give min, max, or both.')
    const numbers = [min, max].map((bound) => (bound === null ? null : Decimal.parse(bound)))
    if (numbers[0] && numbers[1] && numbers[0].compare(numbers[1]) > 0) {
      throw definitionError('CHECK_INVALID', place, `min ${String(min)} is above max ${String(max)}`, 'Swap them.')
    }
    return { ...named, check: 'range', column, min, max }
  },

  /** Each value is one of these words. Nulls pass. */
  oneOf<const Column extends string>(
    column: Column,
    values: readonly string[],
    options: CheckOptions = {},
  ): Check<Column> {
    if (!Array.isArray(values) || values.length === 0) {
      throw definitionError(
        'CHECK_INVALID',
        'check.oneOf()',
        `expected a list of values, found ${show(values)}`,
        "For example check.oneOf('kind', ['invoice', 'credit']).",
      )
    }
    return { ...common('check.oneOf()', options, `oneOf(${column})`), check: 'oneOf', column, values }
  },

  /** Each value matches the whole pattern (a regular expression without flags). Nulls pass. */
  pattern<const Column extends string>(
    column: Column,
    pattern: RegExp | string,
    options: CheckOptions = {},
  ): Check<Column> {
    const place = 'check.pattern()'
    const source = typeof pattern === 'string' ? pattern : pattern.source
    if (typeof pattern !== 'string' && pattern.flags !== '') {
      throw definitionError(
        'CHECK_INVALID',
        place,
        `expected a pattern without flags, found /${source}/${pattern.flags}`,
        'Write both cases: [Aa].',
      )
    }
    try {
      new RegExp(source)
    } catch (cause) {
      throw definitionError(
        'CHECK_INVALID',
        place,
        `expected a regular expression, found ${show(source)}`,
        cause instanceof Error ? cause.message : String(cause),
      )
    }
    return { ...common(place, options, `pattern(${column})`), check: 'pattern', column, pattern: source }
  },

  /** How many records there are: at least `min`, at most `max`, or within a share of what former windows had (0.5: half to one and a half times). */
  rowCount(
    options: { readonly min?: number; readonly max?: number; readonly withinOfHistory?: number } & CheckOptions,
  ): Check<never> {
    const place = 'check.rowCount()'
    const named = common(place, options, 'rowCount', ['min', 'max', 'withinOfHistory'])
    const problem = rowCountProblem(options)
    if (problem !== null) throw definitionError('CHECK_INVALID', place, problem, 'Give min, max or withinOfHistory.')
    return {
      ...named,
      check: 'rowCount',
      min: options.min ?? null,
      max: options.max ?? null,
      withinOfHistory: options.withinOfHistory ?? null,
    }
  },

  /** A query over the table `output` (columns by the names of the record's fields). Each row it returns is a violation. */
  sql(query: string, options: CheckOptions & { readonly name: string }): Check<never> {
    if (typeof query !== 'string' || query.trim() === '') {
      throw definitionError(
        'CHECK_INVALID',
        'check.sql()',
        `expected a query, found ${show(query)}`,
        "For example check.sql('select * from output where net < 0', { name: 'no_negative_net' }).",
      )
    }
    return { ...common('check.sql()', options, 'sql'), check: 'sql', query }
  },
}

/** The columns that a check names. */
export function columnsChecked(definition: CheckDefinition): readonly string[] {
  switch (definition.check) {
    case 'notNull':
    case 'unique':
      return definition.columns
    case 'range':
    case 'oneOf':
    case 'pattern':
      return [definition.column]
    case 'rowCount':
    case 'sql':
      return []
  }
}
