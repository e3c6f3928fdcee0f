import { Fault, type FieldDefinition } from '../../job/model.ts'
import { Decimal } from '../../kernel/decimal.ts'
import { DECIMAL_DIGITS } from '../sql-types.ts'

type Check = (record: object) => Fault | null

/** A contract's check, and beyond it: decimals that are too wide for a column of Parquet are faults of their record. */
export function fitsColumns(fields: readonly FieldDefinition[], check: Check): Check {
  const limits = fields.flatMap(({ name, type }) =>
    type.type === 'decimal' ? [{ name, beyond: Decimal.of(10n ** BigInt(DECIMAL_DIGITS - type.scale), 0) }] : [],
  )
  if (limits.length === 0) return check
  return (record) => check(record) ?? tooWide(record, limits)
}

function tooWide(record: object, limits: readonly { readonly name: string; readonly beyond: Decimal }[]): Fault | null {
  for (const { name, beyond } of limits) {
    const value: unknown = Reflect.get(record, name)
    if (!Decimal.is(value) || value.abs().compare(beyond) < 0) continue
    const expected = `column ${name}: expected a decimal of up to ${DECIMAL_DIGITS} digits, as Parquet holds them`
    return new Fault('bad_number', `${expected}, found ${value.toString()}`, name)
  }
  return null
}
