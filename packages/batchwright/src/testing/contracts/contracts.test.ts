import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, expectTypeOf, test } from 'vitest'
import { contract, csv, dataset, Decimal, field, job, jsonl, record, type RecordOf } from '../../index.ts'
import { assertContract, checkRecords, invalidRecords, testStep, validRecords } from '../index.ts'

const lineRow = record({
  invoice: field.text(),
  price: field.decimal({ scale: 2 }),
  pieces: field.integer(),
  weight: field.number(),
  gift: field.boolean(),
  day: field.date({ format: 'DD/MM/YYYY' }),
  at: field.timestamp(),
  size: field.oneOf(['S', 'M']),
  more: field.json().optional(),
  country: field.text().optional(),
})
type Line = RecordOf<typeof lineRow>
const lines = dataset('lines', { files: 'in/*.csv', format: csv(), contract: contract(1, lineRow) })
const simpleRow = record({ id: field.text(), price: field.decimal({ scale: 2 }), country: field.text() })
const simple = contract(2, simpleRow, { upcast: { 1: (old) => ({ ...old, country: 'Unspecified' }) } })
const orders = dataset('orders', { files: 'in/*.csv', format: csv(), contract: simple })

const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-contract-test-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const sample = (name: string, content: string | Buffer): { readonly file: string } => {
  const file = path.join(folder, name)
  writeFileSync(file, content)
  return { file }
}

test('a file is held against a dataset’s contract as a source would read it', async () => {
  const text = 'id,price,country\no1,1.50,UK\no2,x,UK\no3,2.50,\n'
  for (const file of [sample('a.csv', text), sample('a.csv.gz', gzipSync(text))]) {
    const { accepted, faults } = await checkRecords(orders, file)
    expectTypeOf(accepted).toEqualTypeOf<readonly RecordOf<typeof simpleRow>[]>()
    expect(accepted).toEqual([{ id: 'o1', price: Decimal.from('1.50'), country: 'UK' }])
    expect(faults).toMatchObject([
      { record: 2, reason: 'bad_number', column: 'price' },
      { record: 3, reason: 'blank', column: 'country' },
    ])
  }
  await expect(assertContract(orders, sample('b.csv', text))).rejects.toThrow(
    '2 of 3 records do not meet orders:\n  record 2: bad_number: column price: expected a decimal',
  )
  await expect(checkRecords(orders, sample('c.csv', 'id,prize\no1,1\n'))).resolves.toMatchObject({ accepted: [] })
})

test('records of an older contract version are upcast: a file by its header, given ones by the version that is named', async () => {
  await assertContract(orders, sample('old.csv', 'id,price\no1,1.50\n'))
  const { accepted } = await checkRecords(orders, [{ id: 'o1', price: '1.50' }], { version: 1 })
  expect(accepted).toEqual([{ id: 'o1', price: Decimal.from('1.50'), country: 'Unspecified' }])
  await expect(assertContract(simple, [{ id: 'o1', price: '1.50' }])).rejects.toThrow('record 1: blank: column country')
})

test('what a run published meets the contract that others read it by', async () => {
  const written = dataset('orders', { location: 'out', format: jsonl(), contract: simple })
  await assertContract(written, sample('part.jsonl', '{"id":"o1","price":"1.50","country":"UK"}\n'))
})

test('generated records meet the contract, also as text of a file; the same seed gives the same ones', async () => {
  const records = [...validRecords(lines, { seed: 7, count: 300 })]
  expectTypeOf(records).toEqualTypeOf<Line[]>()
  expect((await checkRecords(lines, records)).faults).toEqual([])
  expect([...validRecords(lines, { seed: 7, count: 300 })]).toEqual(records)
  expect([...validRecords(lines, { seed: 8, count: 300 })]).not.toEqual(records)
  const toCsv = lineRow.compileCsv()
  const text = [lineRow.fields.map(({ column }) => column).join(','), ...records.map(toCsv), ''].join('\n')
  const read = await checkRecords(lines, sample('generated.csv', text))
  expect(read).toEqual({ accepted: records, faults: [] })
  expect(records.some(({ country }) => country === null)).toBe(true)
})

test('generated invalid records break the contract in the field they name, every field in turn', async () => {
  const invalid = [...invalidRecords(lines, { seed: 3, count: 200 })]
  expect(invalid).toHaveLength(200)
  const { faults } = await checkRecords(
    lines,
    invalid.map(({ record: each }) => each),
  )
  expect(faults.map(({ reason, message }) => ({ reason, message }))).toEqual(
    invalid.map(({ reason, message }) => ({ reason, message })),
  )
  expect(faults.map(({ column }) => column)).toEqual(invalid.map(({ field: name }) => name))
  const breakable = lineRow.fields.filter(({ name }) => name !== 'country' && name !== 'more').map(({ name }) => name)
  expect(new Set(invalid.map(({ field: name }) => name))).toEqual(new Set(breakable))
  const nothingToBreak = contract(1, record({ note: field.text().optional() }))
  expect([...invalidRecords(nothingToBreak)]).toEqual([])
})

test('generated records go straight through a step', async () => {
  const copy = job('copy', {}, (steps) => {
    steps
      .records('copy')
      .read(lines)
      .process((line) => line)
  })
  const report = await testStep(copy, 'copy', [...validRecords(lines, { count: 50 })])
  expect(report.counters).toMatchObject({ read: 50, accepted: 50 })
  for (const { record: broken, reason } of invalidRecords(lines, { count: 20 })) {
    expect(await testStep(copy, 'copy', broken)).toMatchObject({ outcome: 'dead', cause: 'contract', reason })
  }
})
