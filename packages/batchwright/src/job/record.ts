import type { StandardSchemaV1 } from '@standard-schema/spec'
import { compileCheck, compileCsv, compileJson, compileObject, compileRow } from './compile.ts'
import { isField, type CompiledField, type Field } from './field.ts'
import { Fault, type RecordSchema } from './model.ts'
import { definitionError, show } from './names.ts'

/** The fields of a record, by name. */
export type Shape = Readonly<Record<string, Field<unknown, never>>>

/** The record that a shape describes. */
export type RecordOfShape<S extends Shape> = {
  readonly [Name in keyof S]: S[Name] extends Field<infer Value, never> ? Value : never
}

/** The record that a schema gives: `type Line = RecordOf<typeof lineRow>`. For any Standard Schema. */
export type RecordOf<Schema extends StandardSchemaV1> = StandardSchemaV1.InferOutput<Schema>

/** A record schema of our own field types. Also a Standard Schema, so that other libraries can use it. */
export interface RecordType<S extends Shape> extends RecordSchema, StandardSchemaV1<unknown, RecordOfShape<S>> {
  readonly fields: readonly CompiledField[]
  /** For making others from it: `record({ ...lineRow.shape, amount: field.decimal({ scale: 3 }) })`. */
  readonly shape: S
}

const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Describes a record. Names are those of the code; `.column('Unit Price')` gives the name outside. */
export function record<const S extends Shape>(shape: S): RecordType<S> {
  const fields = defineFields(shape)
  const readObject = compileObject(fields)
  return {
    fields,
    shape,
    compileRow: (columns) => compileRow(fields, columns),
    readObject,
    compileJson: () => compileJson(fields),
    compileCsv: (dialect) => compileCsv(fields, dialect),
    check: compileCheck(fields),
    '~standard': {
      version: 1,
      vendor: 'batchwright',
      validate: (value) => {
        const result = readObject(value)
        if (!(result instanceof Fault)) {
          // The compiled reader made it from exactly these fields.
          // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
          return { value: result as RecordOfShape<S> }
        }
        return { issues: [{ message: result.message, ...(result.column === null ? {} : { path: [result.column] }) }] }
      },
    },
  }
}

function defineFields(shape: unknown): readonly CompiledField[] {
  if (typeof shape !== 'object' || shape === null || Object.keys(shape).length === 0) {
    throw definitionError(
      'RECORD_INVALID',
      'record()',
      `expected an object of fields, found ${show(shape)}`,
      'For example record({ invoice: field.text() }).',
    )
  }
  const columns = new Map<string, string>()
  return Object.entries(shape).map(([name, given]: readonly [string, unknown]) => {
    if (!FIELD_NAME.test(name) || name === '__proto__') {
      throw definitionError(
        'RECORD_INVALID',
        `record() field ${show(name)}`,
        'expected a name of letters, digits and _, no digit first',
        `Name it as code would, and add .column(${JSON.stringify(name)}) for the name outside.`,
      )
    }
    if (!isField(given)) {
      throw definitionError(
        'RECORD_INVALID',
        `record() field ${show(name)}`,
        `expected a field, found ${show(given)}`,
        'For example field.text() or field.decimal({ scale: 2 }).',
      )
    }
    const field = given.define(name)
    const other = columns.get(field.column)
    if (other !== undefined) {
      throw definitionError(
        'RECORD_INVALID',
        'record()',
        `the fields ${show(other)} and ${show(name)} both read the column ${show(field.column)}`,
        'Give one of them another .column().',
      )
    }
    columns.set(field.column, name)
    return field
  })
}
