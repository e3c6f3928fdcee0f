import type { CheckDefinition } from '../job/index.ts'
import { Decimal } from '../kernel/decimal.ts'

/** A check that looks at one record at a time. */
export type ColumnCheck = Extract<CheckDefinition, { readonly check: 'notNull' | 'range' | 'oneOf' | 'pattern' }>

/** Whether a record breaks the check. Compiled once. */
export type Breaks = (record: Readonly<Record<string, unknown>>) => boolean

/** Whether a check looks at single records. */
export function isColumnCheck(check: CheckDefinition): check is ColumnCheck {
  return check.check === 'notNull' || check.check === 'range' || check.check === 'oneOf' || check.check === 'pattern'
}

/** Nulls break `notNull` alone; the other checks are about the values that are there. */
export function compileColumnCheck(check: ColumnCheck): Breaks {
  switch (check.check) {
    case 'notNull':
      return (record) => check.columns.some((column) => isMissing(record[column]))
    case 'range':
      return ofPresent(check.column, outsideOf(check.min, check.max))
    case 'oneOf': {
      const values = new Set(check.values)
      return ofPresent(check.column, (value) => !values.has(asText(value)))
    }
    case 'pattern': {
      const whole = new RegExp(`^(?:${check.pattern})$`)
      return ofPresent(check.column, (value) => !whole.test(asText(value)))
    }
  }
}

/** What the check asks for, in words. */
export function describeColumnCheck(check: ColumnCheck): string {
  switch (check.check) {
    case 'notNull':
      return `no null in ${check.columns.join(', ')}`
    case 'range':
      return `${check.column} ${[check.min === null ? '' : `from ${check.min}`, check.max === null ? '' : `up to ${check.max}`].join(' ').trim()}`
    case 'oneOf':
      return `${check.column} to be one of ${check.values.join(', ')}`
    case 'pattern':
      return `${check.column} to match ${check.pattern}`
  }
}

/** A value as text: decimals and numbers in plain notation. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value
  if (Decimal.is(value)) return value.toString()
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}

export function isMissing(value: unknown): boolean {
  return value === null || value === undefined
}

function ofPresent(column: string, breaks: (value: unknown) => boolean): Breaks {
  return (record) => {
    const value = record[column]
    return !isMissing(value) && breaks(value)
  }
}

/** Decimals compare exactly, numbers as numbers, text (dates and times among it) by its code units. */
function outsideOf(min: string | null, max: string | null): (value: unknown) => boolean {
  const low = bound(min)
  const high = bound(max)
  return (value) => (low !== null && compare(value, low) < 0) || (high !== null && compare(value, high) > 0)
}

interface Bound {
  readonly text: string
  readonly decimal: Decimal | null
  readonly number: number
}

function bound(text: string | null): Bound | null {
  return text === null ? null : { text, decimal: Decimal.parse(text), number: Number(text) }
}

function compare(value: unknown, limit: Bound): number {
  if (typeof value === 'number') return value - limit.number
  if (Decimal.is(value) && limit.decimal !== null) return value.compare(limit.decimal)
  const text = asText(value)
  return text < limit.text ? -1 : text > limit.text ? 1 : 0
}
