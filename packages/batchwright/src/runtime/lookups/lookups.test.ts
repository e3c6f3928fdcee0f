import { expect, test } from 'vitest'
import { contract, csv, dataset, field, lookup, record } from '../../index.ts'
import type { LookupDefinition, LookupTable, ProcessContext } from '../../job/index.ts'
import { Decimal } from '../../kernel/decimal.ts'
import { failure, finished, recordsStep, Room } from '../fixtures/room.ts'
import { RowTable } from './table.ts'

const lines = dataset('lines', {
  files: 'lines.csv',
  format: csv(),
  contract: contract(1, record({ id: field.integer() })),
})
const names = dataset('names', {
  files: 'names-*.csv',
  missing: 'skip',
  format: csv(),
  contract: contract(1, record({ id: field.integer(), name: field.text(), rate: field.decimal({ scale: 2 }) })),
})

const LINES = `id\n${Array.from({ length: 20 }, (_, id) => `${id % 4}\n`).join('')}`
const NAMES = 'id,name,rate\n0,zero,0.50\n1,one,1.50\n2,two,2.50\n'

function naming(
  found: (table: LookupTable, id: number) => unknown,
  definition: LookupDefinition = lookup(names, { by: 'id' }),
) {
  return recordsStep({
    input: { from: 'dataset', dataset: lines, windows: { select: 'whole' } },
    lookups: new Map([['names', definition]]),
    skip: { ratio: 1, count: null },
    operations: [
      {
        operation: 'process',
        concurrency: 1,
        process: (line: { readonly id: number }, context: ProcessContext) => {
          found(context.use['names'] as LookupTable, line.id)
          return line
        },
      },
    ],
  })
}

function room(step: ReturnType<typeof naming>, files: Readonly<Record<string, string>> = { 'names-a.csv': NAMES }) {
  return Room.create([step], { 'lines.csv': LINES, ...files })
}

test('records find rows of the dataset, read through its contract, frozen; a key that is not there finds nothing', async () => {
  const seen: unknown[] = []
  await using here = await room(naming((table, id) => seen.push(table.get(id))))
  finished(await here.attempt('rate', await here.only('rate')))
  expect(seen.slice(0, 4)).toEqual([
    { id: 0, name: 'zero', rate: Decimal.from('0.50') },
    { id: 1, name: 'one', rate: Decimal.from('1.50') },
    { id: 2, name: 'two', rate: Decimal.from('2.50') },
    undefined,
  ])
  expect(seen.slice(0, 3).every((row) => Object.isFrozen(row))).toBe(true)
})

test('a slot loads a table once for all attempts on the same snapshot, and anew for another', async () => {
  const tables = new Set<LookupTable>()
  await using here = await room(naming((table) => tables.add(table)))
  const first = await here.only('rate')
  await here.attempt('rate', first)
  await here.attempt('rate', first)
  expect(tables.size).toBe(1)
  await here.write('names-b.csv', 'id,name,rate\n3,three,3\n')
  await here.attempt('rate', await here.only('rate'))
  expect([...tables].map((table) => table.size)).toEqual([3, 4])
})

test('the files of a lookup are in the snapshot of the step, marked, and do not count as its input', async () => {
  await using here = await room(naming(() => undefined))
  const { summary } = await here.plan('rate')
  expect(summary.snapshot?.files.map(({ path, records, lookup: marked }) => [path, records, marked])).toEqual([
    ['lines.csv', 20, undefined],
    ['names-a.csv', 3, 'names'],
  ])
})

test('files that have changed since they were planned are not looked up in', async () => {
  await using here = await room(naming(() => undefined))
  const partition = await here.only('rate')
  await here.write('names-a.csv', NAMES.replace('two', 'six'))
  expect(failure(await here.attempt('rate', partition))).toMatchObject({ code: 'INPUT_CHANGED' })
})

test('a missing dataset is an empty table where it says so', async () => {
  const sizes = new Set<number>()
  await using here = await room(
    naming((table) => sizes.add(table.size)),
    {},
  )
  finished(await here.attempt('rate', await here.only('rate')))
  expect([...sizes]).toEqual([0])
})

test.each([
  [
    'two rows of one key',
    lookup(names, { by: 'id' }),
    `${NAMES}1,uno,1\n`,
    'LOOKUP_DUPLICATE',
    'id 1: record 4 of names-a.csv',
  ],
  [
    'a row that breaks its contract',
    lookup(names, { by: 'id' }),
    `${NAMES}x,uno,1\n`,
    'LOOKUP_RECORD_INVALID',
    'record 4 of names-a.csv',
  ],
] as const)('%s fails the attempt, and says where it is', async (_, definition, text, code, said) => {
  await using here = await room(
    naming(() => undefined, definition),
    { 'names-a.csv': text },
  )
  const error = failure(await here.attempt('rate', await here.only('rate')))
  expect(error).toMatchObject({ code, retryable: false })
  expect(error.message).toContain(`step rate, lookup names`)
  expect(error.message).toContain(said)
})

test.each([
  ['rows', lookup(names, { by: 'id', rows: 2 }), 'at most 2 rows, found 3'],
  ['bytes', lookup(names, { by: 'id', limit: '20B' }), 'at most 20 bytes'],
] as const)('a dataset with more %s than its bound is refused when it is planned', async (_, definition, said) => {
  await using here = await room(naming(() => undefined, definition))
  await expect(here.plan('rate')).rejects.toThrow(said)
  await expect(here.plan('rate')).rejects.toThrow('LOOKUP_TOO_LARGE')
})

test('duplicates are found as their policy says', () => {
  const rows = [
    { a: 'x', b: Decimal.from('1.50'), n: 1 },
    { a: 'x', b: Decimal.from('1.5'), n: 2 },
    { a: 'x', b: null, n: 3 },
    { a: 'y', b: Decimal.from('1.5'), n: 4 },
  ]
  const found = (duplicates: LookupDefinition['duplicates']) => {
    const table = new RowTable('t', { by: ['a', 'b'], duplicates })
    for (const row of rows) table.add({ ...row })
    const numbers = (given: unknown) =>
      (Array.isArray(given) ? given : [given]).map((row) => (row as { n: number } | undefined)?.n)
    return [table.get('x', Decimal.from('1.500')), table.get('x', null), table.get('z', null)].map(numbers)
  }
  expect(found('first')).toEqual([[1], [3], [undefined]])
  expect(found('last')).toEqual([[2], [3], [undefined]])
  expect(found('list')).toEqual([[1, 2], [3], []])
  expect(new RowTable('t', { by: ['a'], duplicates: 'fail' }).has('x')).toBe(false)
  expect(() => new RowTable('t', { by: ['a', 'b'], duplicates: 'fail' }).get('x')).toThrow(
    /the values of a, b, found 1/,
  )
})

test('a hundred thousand rows of one key are found as one list that nobody can change', () => {
  const table = new RowTable('names', { by: ['id'], duplicates: 'list' })
  for (let place = 0; place < 100_000; place += 1) table.add({ id: 'a', place })
  table.seal()
  expect(table.get('a')).toHaveLength(100_000)
  expect(Object.isFrozen(table.get('a'))).toBe(true)
})
