import type { Decimal } from '../kernel/decimal.ts'
import { BatchwrightError, type JsonValue } from '../kernel/errors.ts'
import type { CompiledField } from './field.ts'
import { Fault, type ParameterSet } from './model.ts'
import { checkOptions, definitionError, didYouMean, show } from './names.ts'
import { record, type RecordOfShape, type Shape } from './record.ts'

declare const VALUES: unique symbol

/** Parameters as steps see them: JSON, so decimals are text (`Decimal.from(context.parameters.rate)`). */
export type ParameterValues<S extends Shape> = {
  readonly [Name in keyof RecordOfShape<S>]: RecordOfShape<S>[Name] extends infer Value
    ? Value extends Decimal
      ? string
      : Value
    : never
}

/** What `parameters(...)` gives: a schema of the values that a run is asked for beside its window. */
export interface Parameters<Values> extends ParameterSet {
  /** For the type checker only. */
  readonly [VALUES]?: Values
}

/**
 * What a run may be told. `identity` names the parameters that make it another run: the same job, window and identity
 * parameters are the same run. Default: none of them.
 */
export function parameters<const S extends Shape>(
  shape: S,
  options: { readonly identity?: readonly (keyof S & string)[] } = {},
): Parameters<ParameterValues<S>> {
  checkOptions('parameters()', options, ['identity'])
  const schema = record(shape)
  const names = schema.fields.map((field) => field.name)
  const identity = options.identity ?? []
  for (const name of identity) {
    if (names.includes(name)) continue
    throw definitionError(
      'PARAMETER_INVALID',
      'parameters() identity',
      `there is no parameter ${show(name)}`,
      `${didYouMean(name, names)}Parameters: ${names.join(', ')}.`,
    )
  }
  return { schema, identity, parse: (given) => parse(schema.fields, given) }
}

function parse(
  fields: readonly CompiledField[],
  given: Readonly<Record<string, JsonValue>>,
): Readonly<Record<string, JsonValue>> {
  const names = fields.map((field) => field.name)
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw invalid(
      unknown,
      'there is no such parameter',
      `${didYouMean(unknown, names)}Parameters: ${names.join(', ')}.`,
    )
  }
  return Object.fromEntries(
    fields.map((field) => {
      const value = field.read(given[field.name])
      if (value instanceof Fault) {
        const said = value.message.slice(value.message.indexOf(': ') + 2)
        const missing = given[field.name] === undefined
        throw invalid(
          field.name,
          missing ? `it is missing; ${said.replace(/, found .*$/, '')}` : said,
          `Give it as --param ${field.name}=VALUE.`,
        )
      }
      return [field.name, field.toJson(value)] as const
    }),
  )
}

function invalid(name: string, problem: string, hint: string): BatchwrightError {
  return new BatchwrightError({
    code: 'PARAMETER_INVALID',
    message: `parameter ${JSON.stringify(name)}: ${problem}`,
    hint,
    details: { parameter: name },
  })
}
