/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment -- JavaScript users have no types: these tests are theirs */
import { describe, expect, test } from 'vitest'
import { check, csv, dataset, field, jsonl, monthly, parameters, service, tsv, windowDate } from './index.ts'
import { files, one, output, refusal } from './fixtures/definitions.ts'
import { nearest } from './names.ts'

/** What JavaScript users can write: no types in the way. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the point of these tests is what the type checker would refuse
type Loose = any

describe('datasets, formats, checks, parameters, services', () => {
  const common = { format: csv(), contract: one }

  test('placeholders stand for the window', () => {
    const month = monthly().parse('2011-02')
    const paths = (given: Loose, window = month) => {
      const { location } = dataset('d', { ...common, window: monthly(), files: given })
      return location.paths({ window: { ...window, date: windowDate(window) }, parameters: {}, project: '/p' })
    }
    expect(paths('in/{date}.csv')).toEqual(['in/2011-02-01.csv'])
    expect(paths(['in/{window}/*.csv', '{date:MM-DD-YYYY}.csv'])).toEqual(['in/2011-02/*.csv', '02-01-2011.csv'])
    expect(paths(({ window, project }: Loose) => `${project}/${window.key}`)).toEqual(['/p/2011-02'])
    expect(refusal(() => paths('{dat}.csv')).hint).toMatch(/Did you mean "date"/)
    expect(refusal(() => paths(() => 5)).message).toMatch(/files function: expected a path/)
  })

  test.each<readonly [string, Loose, RegExp]>([
    ['no place', { ...common }, /does not say where it is/],
    ['two places', { ...common, files: 'a', location: 'b' }, /both files and location/],
    ['no contract', { files: 'a', format: csv() }, /contract: expected a contract, found undefined/],
    ['no format', { files: 'a', contract: one }, /format: expected a format/],
    ['an unknown option', { ...common, file: 'a' }, /no option "file"/],
    ['a location that is a function', { ...common, location: () => 'x' }, /expected a folder, found a function/],
    [
      'two checks of one name',
      { ...common, location: 'a', checks: [check.unique('id'), check.unique('id')] },
      /two checks are called "unique\(id\)"/,
    ],
    [
      'a word for checks',
      { ...common, location: 'a', checks: 'none' },
      /checks: expected a list of checks, found "none"/,
    ],
    ['a check without a list', { ...common, location: 'a', checks: check.unique('id') }, /expected a list of checks/],
    ['words in the list of checks', { ...common, location: 'a', checks: ['unique'] }, /expected a list of checks/],
  ])('a dataset with %s is refused', (_, options, said) => {
    expect(() => dataset('d', options)).toThrow(said)
  })

  test('counting windows of a dataset that has none is refused', () => {
    expect(() => output('o').previous(1)).toThrow(/dataset "o".previous\(\): the dataset has no window/)
    expect(() => files.last(0)).toThrow(/count from 1/)
  })

  test('formats', () => {
    expect(tsv()).toMatchObject({
      format: 'csv',
      delimiter: '\t',
      quote: '"',
      header: true,
      maxRecordBytes: 16 * 1024 * 1024,
    })
    expect(() => csv({ delimiter: ';;' })).toThrow(/one ASCII character/)
    expect(() => csv({ quote: ',' })).toThrow(/both ","/)
    expect(() => jsonl({ compression: 'zip' as Loose })).toThrow(/none, gzip or auto/)
  })

  test('checks', () => {
    expect(check.range('amount', { min: '0', severity: 'warn' })).toEqual({
      name: 'range(amount)',
      severity: 'warn',
      check: 'range',
      column: 'amount',
      min: '0',
      max: null,
    })
    expect(() => check.range('amount', {})).toThrow(/asks for nothing/)
    expect(() => check.range('amount', { min: '10', max: '9' })).toThrow(/min 10 is above max 9/)
    expect(() => check.rowCount({ withinOfHistory: 0 })).toThrow(/share above 0/)
    expect(() => check.pattern('id', /a/i)).toThrow(/without flags/)
    expect(() => check.unique('id', { severty: 'warn' } as Loose)).toThrow(/no option "severty"/)
  })

  test('parameters are read as fields, with defaults, and mistyped names get a suggestion', () => {
    const set = parameters(
      { region: field.text(), rate: field.decimal({ scale: 2 }).default('1.5') },
      { identity: ['region'] },
    )
    expect(set.parse({ region: 'eu' })).toEqual({ region: 'eu', rate: '1.50' })
    expect(refusal(() => set.parse({ regoin: 'eu' })).hint).toMatch(/Did you mean "region"/)
    expect(refusal(() => set.parse({})).message).toBe('parameter "region": it is missing; expected text')
    expect(() => parameters({ region: field.text() }, { identity: ['x' as 'region'] })).toThrow(/no parameter "x"/)
  })

  test('services', () => {
    expect(service('mail', { secrets: ['SMTP_PASSWORD'], open: () => 1 })).toMatchObject({ name: 'mail', close: null })
    expect(() => service('mail', {} as Loose)).toThrow(/open: expected a function/)
  })

  test('near names are found, far ones are not', () => {
    expect(nearest('custmer', ['customer', 'amount'])).toBe('customer')
    expect(nearest('xyz', ['customer', 'amount'])).toBeNull()
  })
})
