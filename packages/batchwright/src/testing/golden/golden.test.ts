import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { contract, dataset, Decimal, field, job, jsonl, record, reject } from '../../index.ts'
import { matchesGolden, runInMemory, testStep } from '../index.ts'

const row = record({ id: field.text(), price: field.decimal({ scale: 2 }), note: field.text().optional() })
const raw = dataset('raw', { files: 'raw', format: jsonl(), contract: contract(1, row) })
const clean = dataset('clean', { location: 'out/clean', format: jsonl(), contract: contract(1, row), key: ['id'] })
const check = (order: { readonly id: string; readonly price: Decimal; readonly note: string | null }) =>
  order.price.isZero() ? reject('free') : order
const orders = job('orders', {}, (steps) => {
  steps.records('check').read(raw).process(check).rejects({ free: '90%' }).write(clean)
})

const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-golden-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const file = path.join(folder, 'deep/orders.golden')
const UPDATE = { environment: { BATCHWRIGHT_UPDATE_GOLDEN: '1' } }
const COMPARE = { environment: {} }
const rows = [
  { id: 'o2', price: '2.50' },
  { id: 'o1', price: '1.5', note: 'first' },
  { id: 'o3', price: '0.00' },
]

test('a run is written down by dataset, sorted by key, decimals exact, with its dead letters; and matches itself', async () => {
  const result = await runInMemory(orders, { inputs: { raw: rows } })
  expect(() => {
    matchesGolden(result, file, COMPARE)
  }).toThrow(expect.objectContaining({ code: 'GOLDEN_MISSING' }))
  matchesGolden(result, file, UPDATE)
  expect(readFileSync(file, 'utf8')).toBe(`## clean (by id)
{"id":"o1","price":"1.50","note":"first"}
{"id":"o2","price":"2.50","note":null}

## dead letters of check
{"record":3,"window":null,"cause":"rule","reason":"free","message":"free","raw":"{\\"id\\":\\"o3\\",\\"price\\":\\"0.00\\"}"}
`)
  matchesGolden(result, file, COMPARE)
})

test('what differs is named by row and column, rows matched by their key', async () => {
  const other = await runInMemory(orders, {
    inputs: {
      raw: [
        { id: 'o4', price: '4.00' },
        { id: 'o1', price: '1.60', note: 'first' },
      ],
    },
  })
  expect(() => {
    matchesGolden(other, file, COMPARE)
  }).toThrow(
    [
      'orders.golden does not match:',
      '  clean:',
      '    row "o1":',
      '      price: expected "1.50", found "1.60"',
      '    row "o2": missing',
      '      - {"id":"o2","price":"2.50","note":null}',
      '    row "o4": not expected',
      '      + {"id":"o4","price":"4.00","note":null}',
      '  dead letters of check: is not there any more',
      'Where this is right, BATCHWRIGHT_UPDATE_GOLDEN=1 writes the file anew.',
    ].join('\n'),
  )
})

test('golden files are not written in CI, and a damaged one is named by its line', () => {
  expect(() => {
    matchesGolden([], file, { environment: { BATCHWRIGHT_UPDATE_GOLDEN: '1', CI: 'true' } })
  }).toThrow(expect.objectContaining({ code: 'GOLDEN_UPDATE_IN_CI' }))
  const damaged = path.join(folder, 'damaged.golden')
  writeFileSync(damaged, '## records\n{"id":\n')
  expect(() => {
    matchesGolden([{ id: 'o1' }], damaged, COMPARE)
  }).toThrow(expect.objectContaining({ code: 'GOLDEN_INVALID', details: { file: damaged, line: 2 } }))
})

test('a name without a folder lies beside the test; records and reports of steps are compared, too', async () => {
  matchesGolden([{ id: 'o1', price: Decimal.from('1.50') }], 'records.golden', COMPARE)
  const report = await testStep(
    check,
    rows.map(({ id, price }) => ({ id, price: Decimal.from(price), note: null })),
  )
  matchesGolden(report, new URL('step.golden', import.meta.url), COMPARE)
})
