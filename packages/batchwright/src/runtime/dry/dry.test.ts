import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contract, dataset, Decimal, drop, field, job, jsonl, output, record, reject } from '../../index.ts'
import { givenBatch } from '../../data/index.ts'
import { Fault, type RecordsStep, type ReduceStep } from '../../job/index.ts'
import type { ContextBase } from '../context.ts'
import { DryRecords } from './dry-records.ts'
import { DryReduce } from './dry-reduce.ts'

const lineRow = record({ invoice: field.text(), price: field.decimal({ scale: 2 }) })
const lines = dataset('lines', { files: 'lines.jsonl', format: jsonl(), contract: contract(1, lineRow) })
const rated = dataset('rated', { location: 'out/rated', format: jsonl(), contract: contract(1, lineRow) })
const credits = dataset('credits', { location: 'out/credits', format: jsonl(), contract: contract(1, lineRow) })

const billing = job('billing', {}, (steps) => {
  const rate = steps
    .records('rate')
    .read(lines)
    .distinct({ within: 'file', reject: 'duplicate_line' })
    .process((line) => {
      if (line.invoice === 'boom') throw new TypeError('boom')
      if (line.invoice === 'unwanted') return drop()
      if (line.invoice.startsWith('C')) return [line, output('credits', line)]
      if (line.invoice === 'odd credit') return [line, output('credits', { ...line, price: Decimal.from('1.234') })]
      if (line.price.isZero()) return reject('zero_price', 'costs nothing')
      // A scale that the contract does not have.
      return line.invoice === 'odd' ? { ...line, price: Decimal.from('1.234') } : line
    })
    .control({ price: (line) => line.price })
    .outputs({ credits })
    .write(rated)
  steps
    .reduce('total')
    .read(rate)
    .by((line) => line.invoice)
    .fold({
      initial: (invoice) => ({ invoice, price: Decimal.zero }),
      add: (sum, line) => ({ ...sum, price: sum.price.plus(line.price) }),
      finish: (sum) => sum,
    })
})

const stepOf = <Kind extends RecordsStep | ReduceStep>(name: string, kind: Kind['kind']): Kind => {
  const step = billing.steps.find((each): each is Kind => each.name === name && each.kind === kind)
  if (step === undefined) throw new Error(`no step ${name}`)
  return step
}

const context: Omit<ContextBase, 'state'> = {
  run: { runId: 'r', job: 'billing', revision: 1, window: null, parameters: {}, logicalTime: '', seed: 1 },
  use: {},
  signal: new AbortController().signal,
  log: () => undefined,
}

const line = (invoice: string, price = '1.50'): object => ({ invoice, price: Decimal.from(price) })

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'batchwright-dry-'))
})
afterAll(() => rm(scratch, { recursive: true }))

test('each record of a step with its sinks off has the fate that the records loop would give it', async () => {
  const dry = await DryRecords.open({ step: stepOf<RecordsStep>('rate', 'records'), context, scratch })
  const fault = new Fault('blank', 'column price: expected a decimal, found a blank', 'price')
  const records = [
    line('A'),
    line('A'),
    line('B', '0.00'),
    line('unwanted'),
    line('boom'),
    fault,
    line('odd'),
    line('odd credit'),
    line('C'),
  ]
  const fates = await dry.run(givenBatch(records, { source: 'lines.jsonl' }))
  expect(fates.map((each) => (each.fate === 'dead' ? `${each.cause} ${each.reason}` : each.fate))).toEqual([
    'written',
    'rule duplicate_line',
    'rule zero_price',
    'dropped',
    'error USER_ERROR',
    'contract blank',
    'error OUTPUT_INVALID',
    'error OUTPUT_INVALID',
    'written',
  ])
  expect(fates[4]).toMatchObject({ message: 'boom', position: { source: 'lines.jsonl', record: 5 } })
  expect(fates[4]).toHaveProperty('stack', expect.stringContaining('TypeError: boom'))
  expect(dry.counters).toMatchObject({
    read: 9,
    accepted: 2,
    written: 3,
    dropped: 1,
    deadByRule: 2,
    deadByContract: 1,
    deadByError: 3,
    named: { credits: 1 },
  })
  expect(fates[8]).toMatchObject({ records: [{ invoice: 'C' }], named: { credits: [{ invoice: 'C' }] } })
  expect(dry.controls).toEqual({ price: '3' })
  const [again] = await dry.run(givenBatch([line('C')], { source: 'lines.jsonl' }))
  expect(again).toMatchObject({ fate: 'dead', reason: 'duplicate_line' })
  await dry.close()
})

test('a reduce step with its sinks off gives each key in order, and names the key that it fails at', async () => {
  const reduce = new DryReduce({ step: stepOf<ReduceStep>('total', 'reduce'), context })
  reduce.add([line('B'), line('A', '0.10'), line('B', '2.00')])
  const keys = []
  for await (const key of reduce.finish()) keys.push(key)
  expect(keys).toEqual([
    { key: 'A', added: 1, records: [{ invoice: 'A', price: Decimal.from('0.10') }] },
    { key: 'B', added: 2, records: [{ invoice: 'B', price: Decimal.from('3.50') }] },
  ])
  expect(() => {
    reduce.add([{ invoice: 'A', price: 'none' }])
  }).toThrow('reduce total: add failed for key "A"')
})
