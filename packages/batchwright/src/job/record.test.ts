import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Decimal } from '../kernel/decimal.ts'
import { contract } from './contracts.ts'
import { field, type Field } from './field.ts'
import { Fault } from './model.ts'
import { record } from './record.ts'

function readCell(given: Field<unknown, never>, text: string): unknown {
  const result = record({ value: given }).compileRow([0])([text])
  return result instanceof Fault ? `${result.reason}: ${result.message}` : (result as { value: unknown }).value
}

describe('a cell is read as what the field says, or refused', () => {
  test.each<readonly [string, Field<unknown, never>, string, unknown]>([
    ['text keeps its blanks', field.text(), ' a ', ' a '],
    ['text can be trimmed', field.text({ trim: true }), ' a ', 'a'],
    ['integer', field.integer(), '-42', -42],
    ['integer, blanks around', field.integer(), ' 42 ', 42],
    ['integer, largest', field.integer(), '9007199254740991', 9007199254740991],
    ['integer with zero fraction', field.integer({ allowZeroFraction: true }), '17850.0', 17850],
    ['number', field.number(), '1.5e3', 1500],
    ['boolean', field.boolean(), 'true', true],
    ['boolean words', field.boolean({ true: ['Y'], false: ['N'] }), 'N', false],
    ['boolean words, as a dataset writes them', field.boolean({ true: ['Y'], false: ['N'] }), 'true', true],
    ['date', field.date(), '2012-02-29', '2012-02-29'],
    ['date by format', field.date({ format: 'D/M/YYYY' }), '1/2/2012', '2012-02-01'],
    ['ISO beside a format', field.date({ format: 'D/M/YYYY' }), '2012-02-01', '2012-02-01'],
    ['timestamp', field.timestamp(), '2011-01-04T10:00:00+01:00', '2011-01-04T09:00:00Z'],
    ['timestamp over midnight', field.timestamp(), '2011-01-01T00:30:00.250+01:00', '2010-12-31T23:30:00.250Z'],
    [
      'local timestamp',
      field.timestamp({ local: true, format: 'YYYY-MM-DD HH:mm:ss' }),
      '2011-01-04 10:00:00',
      '2011-01-04T10:00:00',
    ],
    ['half days', field.timestamp({ local: true, format: 'M/D/YY h:mm A' }), '2/1/20 12:05 AM', '2020-02-01T00:05:00'],
    ['oneOf', field.oneOf(['a', 'b']), 'b', 'b'],
    ['json', field.json(), '{"a":[1,null]}', { a: [1, null] }],
    ['blank optional', field.integer().optional(), '  ', null],
    ['blank default', field.integer().default(7), '', 7],
  ])('%s', (_, given, text, value) => {
    expect(readCell(given, text)).toEqual(value)
  })

  test.each<readonly [Field<unknown, never>, string, RegExp]>([
    [field.text(), '', /^blank: column value: expected text, found a blank$/],
    [field.decimal({ scale: 2 }), ' ', /^blank: /],
    [
      field.decimal({ scale: 2 }),
      '1.955',
      /^bad_number: column value: expected a decimal with up to 2 places, found "1.955"$/,
    ],
    [field.decimal({ scale: 2 }), '1,95', /^bad_number/],
    [field.decimal({ scale: 2 }), '1e2', /^bad_number/],
    [field.integer(), '9007199254740992', /^bad_number/],
    [field.integer(), '99999999999999999999999', /^bad_number/],
    [field.integer(), '1.0', /^bad_number/],
    [field.integer({ allowZeroFraction: true }), '1.5', /^bad_number/],
    [field.integer({ allowZeroFraction: true }), '1.', /^bad_number/],
    [field.integer(), '-', /^bad_number/],
    [field.number(), '1e999', /^bad_number/],
    [field.number(), 'NaN', /^bad_number/],
    [field.boolean(), '1', /^bad_value/],
    [field.date(), '2011-02-29', /^bad_date/],
    [field.date(), '2011-13-01', /^bad_date/],
    [field.date(), '2011-00-10', /^bad_date/],
    [field.date(), '2011-01-01x', /^bad_date/],
    [field.timestamp({ local: true }), '2011-01-04T24:00:00', /^bad_date/],
    [field.timestamp({ local: true }), '2011-01-04T23:59:60', /^bad_date/],
    [field.timestamp(), '2011-01-04T10:00:00', /^bad_date/],
    [field.oneOf(['a']), 'A', /^bad_value: column value: expected one of a, found "A"/],
    [field.json(), '{', /^bad_value/],
    [field.integer().reason('bad_number'), '', /^bad_number: .*found a blank/],
    [field.integer().column('Unit Price'), 'x', /column Unit Price: expected a whole number/],
  ])('%# refuses %j', (given, text, said) => {
    expect(readCell(given, text)).toMatch(said)
  })

  test('a blank price is a fault, never a zero', () => {
    for (const blank of ['', ' ', '\t', '\u00a0']) {
      expect(readCell(field.decimal({ scale: 2 }), blank)).toMatch(/^blank/)
      expect(readCell(field.integer(), blank)).toMatch(/^blank/)
      expect(readCell(field.number(), blank)).toMatch(/^blank/)
    }
  })

  test('every day of four hundred years reads if the calendar has it, and only then', () => {
    const date = record({ day: field.date() }).compileRow([0])
    for (let year = 1900; year < 2300; year += 1) {
      for (const [month, day] of [
        [2, 28],
        [2, 29],
        [2, 30],
        [4, 30],
        [4, 31],
        [12, 31],
        [12, 32],
      ] as const) {
        const text = `${year}-${String(month).padStart(2, '0')}-${day}`
        const real = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
        expect(date([text]) instanceof Fault).toBe(!real)
      }
    }
  })
})

const everything = record({
  text: field.text().column('Text, quoted'),
  note: field.text().optional(),
  count: field.integer(),
  ratio: field.number(),
  price: field.decimal({ scale: 3 }),
  flag: field.boolean(),
  day: field.date(),
  at: field.timestamp(),
  kind: field.oneOf(['invoice', 'credit']),
  extra: field.json().optional(),
})
const visible = fc.string({ unit: 'binary' }).filter((text) => text.trim() !== '')
const day = fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
const anyRecord = fc.record({
  text: visible,
  note: fc.option(visible),
  count: fc.maxSafeInteger(),
  ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  price: fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map((units) => Decimal.of(units, 3)),
  flag: fc.boolean(),
  day: day.map((date) => date.toISOString().slice(0, 10)),
  at: day.map((date) => date.toISOString().replace('.000Z', 'Z')),
  kind: fc.constantFrom('invoice' as const, 'credit' as const),
  extra: fc.option(fc.constant<readonly number[]>([1, 2])),
})

/** RFC 4180 by another hand: cells of one line. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/gs)].map((match) =>
    (match[1] ?? match[2] ?? '').replaceAll('""', '"'),
  )
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

describe('what is written reads back', () => {
  test('as JSON, with the column names outside and decimals as text of full scale', () => {
    const write = everything.compileJson()
    fc.assert(
      fc.property(anyRecord, (given) => {
        expect(everything.check(given)).toBeNull()
        const line = write(given)
        expect(line).not.toContain('\n')
        const outside = JSON.parse(line) as Record<string, unknown>
        expect(outside['price']).toBe(given.price.toFixed(3))
        expect(plain(everything.readObject(outside))).toEqual(plain(given))
      }),
    )
  })

  test('as CSV', () => {
    const write = everything.compileCsv()
    const read = everything.compileRow(everything.fields.map((_, index) => index))
    fc.assert(
      fc.property(anyRecord, (given) => {
        expect(plain(read(cellsOf(write(given))))).toEqual(plain(given))
      }),
    )
  })

  test('with another delimiter, and a lonely null still shows', () => {
    const pair = record({ a: field.text(), b: field.text() })
    expect(pair.compileCsv({ delimiter: '\t', quote: '"' })({ a: 'x\ty', b: 'p,q' })).toBe('"x\ty"\tp,q')
    expect(record({ a: field.text().optional() }).compileCsv()({ a: null })).toBe('""')
  })
})

describe('rows and objects', () => {
  test('columns may stand in any order, and one that is not there is a blank', () => {
    const schema = record({ a: field.text(), b: field.integer().default(1) })
    expect(schema.compileRow([1, -1])(['x', 'y'])).toEqual({ a: 'y', b: 1 })
    expect(schema.compileRow([-1, 0])(['1'])).toMatchObject({ reason: 'blank', column: 'a' })
  })

  test('a JSON number becomes a decimal only while a float has not lost digits', () => {
    const schema = record({ price: field.decimal({ scale: 3 }) })
    expect(schema.readObject({ price: 1.95 })).toEqual({ price: Decimal.from('1.95') })
    expect(schema.readObject({ price: 1234567890123.4568 })).toMatchObject({ reason: 'bad_number' })
    expect(schema.readObject({ price: true })).toMatchObject({ reason: 'bad_number' })
    expect(schema.readObject([])).toMatchObject({
      reason: 'bad_value',
      message: 'expected a record, found a list of 0',
    })
  })

  test('a step may write exactly the declared fields, each of its type', () => {
    const schema = record({ a: field.text(), price: field.decimal({ scale: 2 }), n: field.integer().optional() })
    const good = { a: 'x', price: Decimal.from('1.50'), n: null }
    expect(schema.check(good)).toBeNull()
    expect(schema.check({ ...good, b: 1 })).toMatchObject({ reason: 'extra_column', column: 'b' })
    expect(schema.check({ a: 'x', price: good.price })).toMatchObject({ reason: 'missing_column', column: 'n' })
    expect(schema.check({ ...good, a: ' ' })).toMatchObject({ reason: 'blank' })
    expect(schema.check({ ...good, price: 1.5 })).toMatchObject({ reason: 'bad_number', column: 'price' })
    expect(schema.check({ ...good, price: Decimal.from('1.555') })?.message).toMatch(
      /found 1.555; round it first: value.round\(2\)/,
    )
    expect(schema.check({ ...good, n: 1.5 })).toMatchObject({ column: 'n' })
    expect(schema.check(null)).toMatchObject({ reason: 'bad_value' })
  })
})

describe('definitions that cannot be right are refused', () => {
  test.each<readonly [string, () => unknown, RegExp]>([
    ['no field', () => record({}), /expected an object of fields/],
    ['a name outside', () => record({ 'Unit Price': field.text() }), /letters, digits and _/],
    ['a prototype', () => record(JSON.parse('{"__proto__": 1}') as never), /__proto__/],
    ['not a field', () => record({ a: 'text' as never }), /field "a": expected a field, found "text"/],
    [
      'a column twice',
      () => record({ a: field.text(), b: field.text().column('a') }),
      /"a" and "b" both read the column "a"/,
    ],
    ['optional with default', () => field.text().optional().default('x'), /contradict/],
    ['a wrong default', () => field.integer().default(1.5), /default: expected a whole number/],
    ['an unknown token', () => field.date({ format: 'YYYY-MM-Q' }), /the letter "Q" is no token/],
    ['a format without a day', () => field.date({ format: 'YYYY-MM' }), /needs a year, a month and a day/],
    ['an instant without an offset', () => field.timestamp({ format: 'YYYY-MM-DD HH:mm' }), /the instant is not known/],
    ['an unknown option', () => field.decimal({ scale: 2, scal: 1 } as never), /no option "scal"/],
    ['a scale too large', () => field.decimal({ scale: 99 }), /scale from 0 to 38/],
  ])('%s', (_, define, said) => {
    expect(define).toThrow(said)
  })
})

describe('schemas of other libraries', () => {
  test('a Standard Schema works as a contract, its issues become faults', () => {
    const { schema } = contract(1, z.object({ id: z.number(), name: z.string().min(2) }))
    expect(schema.fields).toBeNull()
    expect(schema.readObject({ id: 1, name: 'ab' })).toEqual({ id: 1, name: 'ab' })
    expect(schema.readObject({ id: 1, name: 'a' })).toMatchObject({ reason: 'bad_value', column: 'name' })
    expect(schema.check({ id: '1', name: 'ab' })).toMatchObject({ column: 'id' })
    expect(schema.compileJson()({ id: 1 })).toBe('{"id":1}')
    expect(() => schema.compileCsv()).toThrow(/columns are not known/)
  })

  test('one that validates asynchronously is refused with the remedy', () => {
    const { schema } = contract(
      1,
      z.object({ id: z.number() }).refine(() => Promise.resolve(true)),
    )
    expect(() => schema.readObject({ id: 1 })).toThrow(/answers with a promise/)
  })

  test('our record is a Standard Schema', async () => {
    const result = await everything['~standard'].validate({ text: 1 })
    expect(result.issues?.[0]?.message).toMatch(/column Text, quoted/)
  })

  test('contract versions and upcasts are checked', () => {
    expect(() => contract(0, everything)).toThrow(/version from 1/)
    expect(() => contract(2, everything, { upcast: { 2: (old) => old } })).toThrow(/from 1 to 1, found "2"/)
    expect(contract(2, everything, { upcast: { 1: (old) => old } }).upcast.size).toBe(1)
  })
})
