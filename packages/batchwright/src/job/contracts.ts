import type { StandardSchemaV1 } from '@standard-schema/spec'
import { foreignSchema } from './foreign-schema.ts'
import type { ContractDefinition, RecordSchema } from './model.ts'
import { checkOptions, definitionError, show } from './names.ts'

declare const ROW: unique symbol

/** A contract whose records have the type `Row`. */
export interface Contract<Row> extends ContractDefinition {
  /** For the type checker only. */
  readonly [ROW]?: Row
}

/** How records of older contract versions are read. */
export interface ContractOptions {
  /** By contract version: makes the next version's record of an older one. `{ 1: (old) => ({ ...old, Country: 'Unspecified' }) }`. */
  readonly upcast?: Readonly<Record<number, (old: Readonly<Record<string, unknown>>) => unknown>>
}

/**
 * A dataset's record schema under a contract version (from 1): a `record({ ... })`, or any Standard Schema that validates
 * synchronously. Raise the version when the schema changes, and say in `upcast` how older records become newer ones.
 *
 * @example
 * ```ts
 * import { contract, field, record } from 'batchwright'
 *
 * const row = record({ order: field.text(), country: field.text() })
 * export const orders = contract(2, row, { upcast: { 1: (old) => ({ ...old, country: 'unknown' }) } })
 * ```
 */
export function contract<Row extends object>(
  version: number,
  schema: StandardSchemaV1<unknown, Row>,
  options: ContractOptions = {},
): Contract<Row> {
  const place = `contract(${version})`
  if (!Number.isSafeInteger(version) || version < 1) {
    throw definitionError(
      'CONTRACT_INVALID',
      'contract()',
      `expected a contract version from 1, found ${show(version)}`,
      'Start with 1 and count up.',
    )
  }
  checkOptions(place, options, ['upcast'])
  const upcast = new Map<number, (old: Readonly<Record<string, unknown>>) => unknown>()
  for (const [from, change] of Object.entries(options.upcast ?? {})) {
    const older = Number(from)
    if (!Number.isSafeInteger(older) || older < 1 || older >= version) {
      throw definitionError(
        'CONTRACT_INVALID',
        `${place} upcast`,
        `expected contract versions from 1 to ${version - 1}, found ${show(from)}`,
        'Each entry makes the next version of the version it is named by.',
      )
    }
    upcast.set(older, change)
  }
  return { version, schema: asRecordSchema(schema, place), upcast }
}

function asRecordSchema(schema: unknown, place: string): RecordSchema {
  if (isOurs(schema)) return schema
  if (isStandardSchema(schema)) return foreignSchema(schema)
  throw definitionError(
    'CONTRACT_INVALID',
    place,
    `expected a record({ ... }) or a Standard Schema, found ${show(schema)}`,
    'For example contract(1, record({ invoice: field.text() })).',
  )
}

function isOurs(schema: unknown): schema is RecordSchema {
  return typeof schema === 'object' && schema !== null && 'fields' in schema && 'compileRow' in schema
}

/** Schemas of some libraries are functions. */
function isStandardSchema(schema: unknown): schema is StandardSchemaV1 {
  return ((typeof schema === 'object' && schema !== null) || typeof schema === 'function') && '~standard' in schema
}
