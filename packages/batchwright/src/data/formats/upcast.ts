import { Fault, type ContractDefinition } from '../../job/model.ts'
import { Decimal } from '../../kernel/decimal.ts'

/** A row as an object of strings by header. */
export function objectOf(columns: readonly string[], cells: readonly string[]): Readonly<Record<string, string>> {
  const row: Record<string, string> = {}
  for (let index = 0; index < columns.length; index += 1) row[columns[index] ?? ''] = cells[index] ?? ''
  return row
}

/** Whether records of an older contract version can be brought up to the present one. */
export function canUpcast(contract: ContractDefinition, from: number): boolean {
  for (let version = from; version < contract.version; version += 1) if (!contract.upcast.has(version)) return false
  return true
}

/** The oldest version that records can be brought up from; null where there is no way from an older one. */
export function oldestVersion(contract: ContractDefinition): number | null {
  const versions = [...contract.upcast.keys()].sort((left, right) => left - right)
  return versions.find((version) => canUpcast(contract, version)) ?? null
}

/** Reads rows that were written under contract version `from`: cell text by column, brought up version by version, then read. */
export function upcastRows(
  columns: readonly string[],
  contract: ContractDefinition,
  from: number,
): (cells: readonly string[]) => object | Fault {
  const { fields } = contract.schema
  if (fields === null) return (cells) => readUpcast(objectOf(columns, cells), contract, from)
  const read = contract.schema.compileRow(fields.map((_, index) => index))
  return (cells) => {
    const value = upcast(objectOf(columns, cells), contract, from)
    return value instanceof Fault
      ? value
      : read(fields.map(({ column, name }) => cellText(value[column] ?? value[name])))
  }
}

/** What reads JSON objects of a file that was written under contract version `from`. */
export function objectReader(contract: ContractDefinition, from: number): (value: object) => object | Fault {
  if (from < contract.version) return (value) => readUpcast(value, contract, from)
  return (value) => contract.schema.readObject(value)
}

/** Reads a JSON object that was written under contract version `from`. */
export function readUpcast(value: object, contract: ContractDefinition, from: number): object | Fault {
  const present = upcast({ ...value }, contract, from)
  return present instanceof Fault ? present : contract.schema.readObject(present)
}

function upcast(
  old: Readonly<Record<string, unknown>>,
  contract: ContractDefinition,
  from: number,
): Readonly<Record<string, unknown>> | Fault {
  let value: Readonly<Record<string, unknown>> = old
  for (let version = from; version < contract.version; version += 1) {
    const next = bringUp(value, contract, version)
    if (next instanceof Fault) return next
    value = next
  }
  return value
}

function bringUp(
  value: Readonly<Record<string, unknown>>,
  contract: ContractDefinition,
  version: number,
): Readonly<Record<string, unknown>> | Fault {
  try {
    const next: unknown = contract.upcast.get(version)?.(value)
    if (next !== null && typeof next === 'object') return { ...next }
    return new Fault(
      'upcast',
      `expected the upcast from version ${version} to return an object, found ${typeof next}`,
      null,
    )
  } catch (error) {
    return new Fault('upcast', `the upcast from version ${version} failed: ${String(error)}`, null)
  }
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  return Decimal.is(value) ? value.toFixed(value.scale) : JSON.stringify(value)
}
