import { Decimal, type DecimalLike } from '../kernel/decimal.ts'
import type { JsonValue } from '../kernel/errors.ts'
import { compilePattern, PATTERN_TOKENS, type DatePattern } from './calendar.ts'
import { Fault, type FieldDefinition, type FieldType, type FieldValue } from './model.ts'
import { checkOptions, definitionError, show } from './names.ts'
import {
  booleanReader,
  dateReader,
  decimalReader,
  fits,
  integerReader,
  isJson,
  oneOfReader,
  readJsonText,
  readNumber,
  timestampReader,
  type ReadValue,
} from './values.ts'

declare const VALUE: unique symbol

/**
 * One field of a record, before it has its name. Immutable: each method gives a new field.
 * A blank (nothing, or only white space) is a fault unless `optional` or `default` says otherwise: it is never a zero.
 */
export interface Field<Value, Given = Value> {
  /** For the type checker only. */
  readonly [VALUE]?: Value
  /** A blank reads as null. */
  optional(): Field<Value | null, Given>
  /** A blank reads as this value. */
  default(value: Given): Field<Value, Given>
  /** The name of the column outside, where it is another than the field's. */
  column(name: string): Field<Value, Given>
  /** The reason of every fault of this field, blanks included: `bad_number`. */
  reason(reason: string): Field<Value, Given>
  /** Gives the field its name. For `record`. */
  define(name: string): CompiledField
}

/** A field definition with the parts that compiled readers use. */
export interface CompiledField extends FieldDefinition {
  /** As `read`, for text of a cell. */
  readonly readCell: (text: string | undefined) => FieldValue | Fault
  /** As `read`, for a value out of JSON. */
  readonly readJsonValue: (value: unknown) => FieldValue | Fault
  /** Whether a record may hold the value. */
  readonly holds: (value: unknown) => boolean
  /** Why not. */
  readonly refuse: (value: unknown) => Fault
}

interface Kind {
  readonly type: FieldType
  /** `a whole number`: completes `expected ...`. */
  readonly expected: string
  readonly reason: string
  /** Text keeps its surrounding blanks. */
  readonly keepBlanks: boolean
  readonly read: ReadValue<FieldValue>
  readonly readCell: ReadValue<FieldValue>
  readonly holds: (value: unknown) => boolean
}

interface Settings {
  readonly kind: Kind
  readonly optional: boolean
  readonly defaultValue: FieldValue | undefined
  readonly column: string | null
  readonly reason: string | null
}

const FIELD = Symbol.for('batchwright.field')

function makeField<Value, Given>(settings: Settings): Field<Value, Given> {
  const field = {
    [FIELD]: true,
    optional: () => {
      if (settings.defaultValue !== undefined) throw contradiction()
      return makeField<Value | null, Given>({ ...settings, optional: true })
    },
    default: (value: Given) => {
      if (settings.optional) throw contradiction()
      return makeField<Value, Given>({ ...settings, defaultValue: checkedDefault(settings.kind, value) })
    },
    column: (name: string) => makeField<Value, Given>({ ...settings, column: name }),
    reason: (reason: string) => makeField<Value, Given>({ ...settings, reason }),
    define: (name: string) => compileField(name, settings),
  }
  return field
}

/** Whether a value is a field, of this copy of the library or another. */
export function isField(value: unknown): value is Field<unknown, never> {
  return typeof value === 'object' && value !== null && FIELD in value
}

function contradiction(): Error {
  return definitionError(
    'FIELD_INVALID',
    'field',
    'optional() and default() contradict each other: a blank is null, or it is the default',
    'Keep one of them.',
  )
}

function checkedDefault(kind: Kind, given: unknown): FieldValue {
  const value = kind.holds(given) ? given : kind.read(given)
  if (value !== undefined && (Decimal.is(value) || isJson(value))) return value
  throw definitionError(
    'FIELD_INVALID',
    'field default',
    `expected ${kind.expected}, found ${show(given)}`,
    'A default is a value of the field.',
  )
}

function compileField(name: string, settings: Settings): CompiledField {
  const { kind, optional, defaultValue } = settings
  const column = settings.column ?? name
  const blank: FieldValue | Fault = optional
    ? null
    : (defaultValue ??
      new Fault(settings.reason ?? 'blank', `column ${column}: expected ${kind.expected}, found a blank`, column))
  const badReason = settings.reason ?? kind.reason
  const bad = (value: unknown): Fault =>
    new Fault(badReason, `column ${column}: expected ${kind.expected}, found ${show(value)}`, column)

  const reading =
    (read: ReadValue<FieldValue>) =>
    (outside: unknown): FieldValue | Fault => {
      let value = outside
      if (typeof value === 'string') {
        if (mayHaveBlanks(value)) {
          const trimmed = value.trim()
          if (trimmed === '') return blank
          if (!kind.keepBlanks) value = trimmed
        }
      } else if (value === undefined || value === null) return blank
      return read(value) ?? bad(outside)
    }
  const readCell = reading(kind.readCell)
  return {
    name,
    column,
    type: kind.type,
    optional,
    defaultValue,
    read: readCell,
    readCell,
    readJsonValue: reading(kind.read),
    toText: textWriter(kind.type),
    toJson: jsonWriter(kind.type),
    holds: (value) => (value === null ? optional : kind.holds(value) && (optional || !isBlank(value))),
    refuse: (value) =>
      isBlank(value)
        ? new Fault(settings.reason ?? 'blank', `column ${name}: expected ${kind.expected}, found a blank`, name)
        : new Fault(badReason, `column ${name}: expected ${kind.expected}, found ${found(kind.type, value)}`, name),
  }
}

/** Whether trimming can change the text: an end of it is no printable ASCII. */
function mayHaveBlanks(text: string): boolean {
  const first = text.charCodeAt(0)
  const last = text.charCodeAt(text.length - 1)
  return !(first > 32 && first < 127 && last > 32 && last < 127)
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'string' && value.trim() === '')
}

function found(type: FieldType, value: unknown): string {
  if (!Decimal.is(value)) return show(value)
  return type.type === 'decimal'
    ? `${value.toString()}; round it first: value.round(${type.scale})`
    : `the decimal ${value.toString()}`
}

function textWriter(type: FieldType): (value: FieldValue) => string {
  const toJson = jsonWriter(type)
  if (type.type === 'json') return (value) => (value === null ? '' : JSON.stringify(value))
  return (value) => {
    const json = toJson(value)
    return json === null ? '' : typeof json === 'object' ? JSON.stringify(json) : String(json)
  }
}

function jsonWriter(type: FieldType): (value: FieldValue) => JsonValue {
  if (type.type === 'decimal') return (value) => (Decimal.is(value) ? value.toFixed(type.scale) : value)
  return (value) => (Decimal.is(value) ? value.toString() : value)
}

function start<Value, Given = Value>(kind: Omit<Kind, 'keepBlanks' | 'readCell'> & Partial<Kind>): Field<Value, Given> {
  return makeField({
    kind: { keepBlanks: false, readCell: kind.read, ...kind },
    optional: false,
    defaultValue: undefined,
    column: null,
    reason: null,
  })
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function patterns(
  place: string,
  formats: string | readonly string[] | undefined,
  own: readonly string[],
): readonly DatePattern[] {
  const given = formats === undefined ? [] : typeof formats === 'string' ? [formats] : formats
  return [...given, ...own].map((format) => {
    const pattern = compilePattern(format)
    if (!('problem' in pattern)) return pattern
    throw definitionError(
      'FIELD_INVALID',
      place,
      `cannot use the format ${show(format)}: ${pattern.problem}`,
      `Tokens: ${PATTERN_TOKENS}; other letters in [brackets].`,
    )
  })
}

const LOCAL_FORMATS = ['YYYY-MM-DD[T]HH:mm:ss', 'YYYY-MM-DD[T]HH:mm:ss.SSS', 'YYYY-MM-DD HH:mm:ss']
const ZONED_FORMATS = ['YYYY-MM-DD[T]HH:mm:ssZ', 'YYYY-MM-DD[T]HH:mm:ss.SSSZ', 'YYYY-MM-DD HH:mm:ssZ']

function timestampField(
  options: { readonly format?: string | readonly string[]; readonly local?: boolean } = {},
): Field<string> {
  checkOptions('field.timestamp()', options, ['format', 'local'])
  const local = options.local ?? false
  const compiled = patterns('field.timestamp()', options.format, local ? LOCAL_FORMATS : ZONED_FORMATS)
  if (compiled.some((pattern) => pattern.zoned === local)) {
    throw definitionError(
      'FIELD_INVALID',
      'field.timestamp()',
      local
        ? 'a local time has no offset, but the format reads one (Z)'
        : 'the format reads no offset, so the instant is not known',
      local
        ? 'Take Z out of the format, or local away.'
        : 'Add local: true where the data has no zone, or Z to the format.',
    )
  }
  const read = timestampReader(compiled, local)
  // What a record holds is the canonical form alone: equal instants must be equal text.
  const canonical = timestampReader(patterns('', undefined, (local ? LOCAL_FORMATS : ZONED_FORMATS).slice(0, 2)), local)
  return start({
    type: { type: 'timestamp', local },
    expected: local ? 'a date and time without an offset' : 'a date and time with an offset or Z',
    reason: 'bad_date',
    read,
    holds: (value) => isText(value) && canonical(value) === value,
  })
}

/** The field types. Each reads text (CSV) and JSON values, exactly: what does not fit is a fault, never a guess. */
export const field = {
  /** Text as it stands; with `trim`, without surrounding blanks. */
  text(options: { readonly trim?: boolean } = {}): Field<string> {
    checkOptions('field.text()', options, ['trim'])
    const read: ReadValue<string> = (outside) => (isText(outside) ? outside : undefined)
    return start({
      type: { type: 'text' },
      expected: 'text',
      reason: 'bad_value',
      keepBlanks: options.trim !== true,
      read,
      holds: isText,
    })
  },

  /** A whole number of at most 2^53 - 1; beyond it is a fault. `allowZeroFraction` also reads `17850.0`. */
  integer(options: { readonly allowZeroFraction?: boolean } = {}): Field<number> {
    checkOptions('field.integer()', options, ['allowZeroFraction'])
    return start({
      type: { type: 'integer' },
      expected: 'a whole number up to 9007199254740991',
      reason: 'bad_number',
      read: integerReader(options.allowZeroFraction === true),
      holds: Number.isSafeInteger,
    })
  },

  /** A finite float: for measurements, not for money. */
  number(): Field<number> {
    return start({
      type: { type: 'number' },
      expected: 'a number',
      reason: 'bad_number',
      read: readNumber,
      holds: Number.isFinite,
    })
  },

  /** An exact decimal with at most `scale` digits after the point (0 to 38). More digits are a fault, never rounded. */
  decimal(options: { readonly scale: number }): Field<Decimal, DecimalLike> {
    checkOptions('field.decimal()', options, ['scale'])
    const { scale } = options
    if (!Number.isInteger(scale) || scale < 0 || scale > 38) {
      throw definitionError(
        'FIELD_INVALID',
        'field.decimal()',
        `expected a scale from 0 to 38, found ${show(scale)}`,
        'For cents: field.decimal({ scale: 2 }).',
      )
    }
    return start({
      type: { type: 'decimal', scale },
      expected: `a decimal with up to ${scale} ${scale === 1 ? 'place' : 'places'}`,
      reason: 'bad_number',
      read: decimalReader(scale),
      holds: (value) => Decimal.is(value) && fits(value, scale),
    })
  },

  /** `true` and `false`, and the words given for them. */
  boolean(options: { readonly true?: readonly string[]; readonly false?: readonly string[] } = {}): Field<boolean> {
    checkOptions('field.boolean()', options, ['true', 'false'])
    const yes = options.true ?? ['true']
    const no = options.false ?? ['false']
    return start({
      type: { type: 'boolean' },
      expected: `one of ${[...yes, ...no].join(', ')}`,
      reason: 'bad_value',
      read: booleanReader(yes, no),
      holds: (value) => typeof value === 'boolean',
    })
  },

  /** A day of the calendar, `YYYY-MM-DD` in records. ISO form is read beside the given formats, which are tried in order. */
  date(options: { readonly format?: string | readonly string[] } = {}): Field<string> {
    checkOptions('field.date()', options, ['format'])
    const canonical = dateReader(patterns('', undefined, ['YYYY-MM-DD']))
    return start({
      type: { type: 'date' },
      expected: `a date as ${[options.format ?? [], 'YYYY-MM-DD'].flat().join(' or ')}`,
      reason: 'bad_date',
      read: dateReader(patterns('field.date()', options.format, ['YYYY-MM-DD'])),
      holds: (value) => isText(value) && canonical(value) === value,
    })
  },

  /** A date and time: ISO 8601 in UTC in records, or without an offset where `local`. ISO form is read beside the formats. */
  timestamp: timestampField,

  /** One of a few words. */
  oneOf<const Word extends string>(values: readonly Word[]): Field<Word> {
    if (!Array.isArray(values) || values.length === 0 || !values.every(isText)) {
      throw definitionError(
        'FIELD_INVALID',
        'field.oneOf()',
        `expected a list of words, found ${show(values)}`,
        "For example field.oneOf(['invoice', 'credit']).",
      )
    }
    const read = oneOfReader(values)
    return start({
      type: { type: 'oneOf', values },
      expected: `one of ${values.join(', ')}`,
      reason: 'bad_value',
      read,
      holds: (value) => read(value) !== undefined,
    })
  },

  /** Anything JSON can say; in a CSV cell as JSON text. */
  json(): Field<JsonValue> {
    return start({
      type: { type: 'json' },
      expected: 'JSON',
      reason: 'bad_value',
      keepBlanks: true,
      read: (outside) => (isJson(outside) ? outside : undefined),
      readCell: (outside) => (isText(outside) ? readJsonText(outside) : isJson(outside) ? outside : undefined),
      holds: isJson,
    })
  },
}
