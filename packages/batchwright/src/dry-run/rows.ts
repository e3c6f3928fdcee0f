import type { FieldDefinition, RecordSchema } from '../job/index.ts'
import { Decimal } from '../kernel/decimal.ts'
import type { JsonValue } from '../kernel/errors.ts'
import type { Row } from './contract.ts'

/** Makes rows of records. */
export type RowMaker = (record: object) => Row

/**
 * Records as they are at this moment, as JSON: what user code changes in them later is not seen. Decimals have the places
 * that the schema declares for their field; null where there is no schema of our own.
 */
export function rowsBy(schema: RecordSchema | null): RowMaker {
  const scales = new Map((schema?.fields ?? []).flatMap(scaleOf))
  const values = function (this: unknown, name: string, value: unknown): unknown {
    if (typeof value === 'bigint') return value.toString()
    const scale = scales.get(name)
    if (scale === undefined || typeof this !== 'object' || this === null) return value
    const original: unknown = Reflect.get(this, name)
    return Decimal.is(original) && original.scale <= scale ? original.toFixed(scale) : value
  }
  return (record) => {
    const row: unknown = JSON.parse(JSON.stringify(record, values))
    return isRow(row) ? row : { value: asJson(row) }
  }
}

function scaleOf(field: FieldDefinition): readonly (readonly [string, number])[] {
  return field.type.type === 'decimal' ? [[field.name, field.type.scale]] : []
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** It has just come from JSON. */
function asJson(value: unknown): JsonValue {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- see above
  return value as JsonValue
}
