import { objectReader } from '../../data/index.ts'
import type { ContractDefinition, Fault, FieldDefinition } from '../../job/index.ts'
import { nearest } from '../../job/index.ts'
import { Decimal } from '../../kernel/decimal.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

/** How a source would read the record. */
export interface ReadingAs {
  readonly contract: ContractDefinition
  /** Cells of text, as in CSV; else values of JSON. */
  readonly text: boolean
  /** For messages: the dataset. */
  readonly source: string
  /** Contract version that the record was written under; default the present one. */
  readonly version?: number
}

/**
 * Reads a record that a test gives as its source would: one that meets the contract already stays as it is, else its values
 * are those of columns (named by column or by field), as text or as JSON. Throws COLUMN_MISSING where a column of text that
 * is needed is not there at all: a source would not even begin.
 */
export function readGiven(record: object, { contract, text, source, version }: ReadingAs): object | Fault {
  const { schema } = contract
  if (version !== undefined && version !== contract.version) return objectReader(contract, version)(record)
  if (schema.check(record) === null) return record
  if (schema.fields === null) return schema.readObject(record)
  const values = schema.fields.map((field) => valueOf(record, field))
  if (!text) return schema.readObject(Object.fromEntries(schema.fields.map(({ column }, at) => [column, values[at]])))
  for (const [at, field] of schema.fields.entries()) {
    if (values[at] === undefined && !field.optional && field.defaultValue === undefined)
      throw missing(field, record, source)
  }
  return schema.compileRow([...schema.fields.keys()])(values.map(cellOf))
}

function valueOf(record: object, { column, name }: FieldDefinition): unknown {
  const value: unknown = Reflect.get(record, column)
  return value === undefined ? Reflect.get(record, name) : value
}

function cellOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (Decimal.is(value)) return value.toFixed(value.scale)
  return JSON.stringify(value)
}

function missing({ column }: FieldDefinition, record: object, source: string): BatchwrightError {
  const given = Object.keys(record)
  const near = nearest(column, given)
  return new BatchwrightError({
    code: 'COLUMN_MISSING',
    message: `expected a column ${JSON.stringify(column)} in the record for ${source}, found ${given.map((name) => JSON.stringify(name)).join(', ') || 'no columns'}`,
    hint:
      near === null
        ? `Give the record ${JSON.stringify(column)}; '' stands for a blank.`
        : `Write ${JSON.stringify(column)} instead of ${JSON.stringify(near)}.`,
    details: { source, column, given },
  })
}
