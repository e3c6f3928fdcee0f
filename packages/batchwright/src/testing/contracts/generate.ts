import { Fault, type FieldDefinition } from '../../job/index.ts'
import { Decimal } from '../../kernel/decimal.ts'
import type { Random } from '../../kernel/random.ts'
import { seededRandom } from '../../kernel/random.ts'
import { readGiven } from '../step/read-given.ts'
import { asDataset, fieldsOf } from './subject.ts'
import type { ContractSubject } from './subject.ts'

export interface GenerateOptions {
  /** The same seed gives the same records; default 1. */
  readonly seed?: number
  /** How many; default 100. */
  readonly count?: number
}

const DEFAULT_COUNT = 100

/** A record that breaks its contract in one column, and how a source says so. */
export interface InvalidRecord {
  /** As it may be given to `testStep` and `checkRecords`. */
  readonly record: Readonly<Record<string, unknown>>
  /** Name of the field that is broken. */
  readonly field: string
  readonly reason: string
  readonly message: string
}

/**
 * Records that meet a contract: `for (const line of validRecords(lines, { seed: 7 }))`. Every field takes its edges more often than
 * chance would have it: blanks where they are allowed, zeros, the largest and smallest, quotes and line ends, leap days.
 */
export function* validRecords<Row extends object>(
  subject: ContractSubject<Row>,
  options: GenerateOptions = {},
): Generator<Row, void, undefined> {
  const fields = fieldsOf(subject)
  const random = seededRandom(options.seed ?? 1)
  for (let left = options.count ?? DEFAULT_COUNT; left > 0; left -= 1) {
    const record = validRecord(fields, random)
    // Each value is one that its field holds.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    yield record as Row
  }
}

/**
 * Records that break a contract, each in one field, the fields in turn: blanks where none is allowed, values of other types,
 * too many decimals, days that do not exist. None for a contract that nothing can break.
 */
export function* invalidRecords(
  subject: ContractSubject<object>,
  options: GenerateOptions = {},
): Generator<InvalidRecord, void, undefined> {
  const fields = fieldsOf(subject)
  const { contract, format, name } = asDataset(subject)
  const random = seededRandom(options.seed ?? 1)
  const reading = { contract, text: format.format === 'csv', source: `dataset ${name}` }
  let left = options.count ?? DEFAULT_COUNT
  for (let found = true; found;) {
    found = false
    for (const field of fields) {
      if (left === 0) return
      const record = { ...validRecord(fields, random), [field.name]: pick(brokenValues(field), random) }
      const fault = readGiven(record, reading)
      // A value that this field takes after all: a text field takes nearly everything.
      if (!(fault instanceof Fault)) continue
      found = true
      left -= 1
      yield { record, field: field.name, reason: fault.reason, message: fault.message }
    }
  }
}

function validRecord(fields: readonly FieldDefinition[], random: Random): Readonly<Record<string, unknown>> {
  return Object.fromEntries(fields.map((field) => [field.name, validValue(field, random)]))
}

/** One in so many values of an optional field is null. */
const NULL_EVERY = 4

function validValue(field: FieldDefinition, random: Random): unknown {
  if (field.optional && random.integer(NULL_EVERY) === 0) return null
  const { type } = field
  switch (type.type) {
    case 'text':
      return pick(TEXTS, random)
    case 'integer':
      return pick([0, 1, -1, 42, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, random.integer(1_000_000)], random)
    case 'number':
      return pick([0, 1, -1, 0.1, 1e21, 1e-7, random.next() * 1000], random)
    case 'decimal':
      return decimal(type.scale, random)
    case 'boolean':
      return random.integer(2) === 0
    case 'date':
      return pick(DAYS, random)
    case 'timestamp':
      return `${pick(DAYS, random)}T${pick(TIMES, random)}${type.local ? '' : 'Z'}`
    case 'oneOf':
      return pick(type.values, random)
    case 'json':
      return pick(JSON_VALUES, random)
  }
}

const TEXTS = [
  'a',
  'Zoë',
  '0',
  'two words',
  '"quoted"',
  'a,b;c\td',
  'line\nbreak',
  "it's",
  '漢字',
  '🙂',
  '='.repeat(300),
]
const DAYS = ['2024-02-29', '1999-12-31', '2000-01-01', '2011-01-04', '2026-10-25']
const TIMES = ['00:00:00', '12:30:45', '23:59:59']
const JSON_VALUES = [{}, [], { a: [1, 'b', { c: true }] }, 'text', 0, false]

function decimal(scale: number, random: Random): Decimal {
  const unit = Decimal.of(1n, scale)
  const amount = pick([0n, 1n, -1n, 10n ** BigInt(scale), 999_999_999n, BigInt(random.integer(1_000_000))], random)
  return unit.times(amount)
}

function pick<Value>(values: readonly Value[], random: Random): Value {
  const value = values[random.integer(values.length)]
  if (value === undefined) throw new RangeError('there is nothing to pick from')
  return value
}

/** Outside values that a field of this type should not take. */
function brokenValues({ type }: FieldDefinition): readonly unknown[] {
  switch (type.type) {
    case 'text':
      return ['', ' ']
    case 'integer':
      return ['', 'x', '1.5', '9007199254740993', '1e3']
    case 'number':
      return ['', 'x', '1,5', 'NaN', 'Infinity']
    case 'decimal':
      return ['', 'x', '1,50', '1e3', `0.${'1'.repeat(type.scale + 1)}`]
    case 'boolean':
      return ['', 'perhaps', '2']
    case 'date':
      return ['', 'x', '2011-02-30', '2011-13-01', '2023-02-29']
    case 'timestamp':
      return ['', 'x', '2011-02-30T00:00:00Z', '2011-01-04T25:00:00Z']
    case 'oneOf':
      return ['', `not ${type.values.join(' or ')}`]
    case 'json':
      return ['']
  }
}
