/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- the caller names the type that the column was written from: this is where SQL's values get our types */
import { BatchwrightError } from '../../kernel/errors.ts'

/** A row as the database gives it. The functions below read its columns: they are the border between SQL and our types. */
export type Row = Readonly<Record<string, unknown>>

export function textOrNull(row: Row, column: string): string | null {
  const value = row[column]
  if (value === null || typeof value === 'string') return value
  throw unexpected(column, 'text', value)
}

export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value === 'string') return value
  throw unexpected(column, 'text', value)
}

export function numberOrNull(row: Row, column: string): number | null {
  const value = row[column]
  if (value === null || typeof value === 'number') return value
  throw unexpected(column, 'a number', value)
}

export function number(row: Row, column: string): number {
  const value = row[column]
  if (typeof value === 'number') return value
  throw unexpected(column, 'a number', value)
}

export function flag(row: Row, column: string): boolean {
  return number(row, column) === 1
}

/** A column whose CHECK constraint, or whose only writer, lets nothing but these words in. */
export function word<Word extends string>(row: Row, column: string): Word {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the table's CHECK is built from the same list as the type
  return text(row, column) as Word
}

/** A column of JSON that this store wrote from a value of that type. */
export function json<Value>(row: Row, column: string): Value {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written by JSON.stringify of the same type
  return JSON.parse(text(row, column)) as Value
}

export function jsonOrNull<Value>(row: Row, column: string): Value | null {
  return row[column] === null ? null : json<Value>(row, column)
}

/** JSON for a nullable column: SQL null, not the text `null`, stands for null. */
export function jsonColumn(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value)
}

function unexpected(column: string, expected: string, found: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_CORRUPT',
    message: `the store's column ${column}: expected ${expected}, found ${found === undefined ? 'no such column' : typeof found}`,
    hint: 'Restore the store from a copy, or move it away and run again.',
  })
}
