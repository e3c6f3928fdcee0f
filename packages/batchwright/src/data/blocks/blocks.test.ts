import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Decimal } from '../../kernel/decimal.ts'
import type { Part, SinkState } from '../../protocol/index.ts'
import type { StagedSink } from '../contract.ts'
import { openBlockSink } from './block-sink.ts'
import { readBlocks } from './read-blocks.ts'

interface Row {
  readonly id: number
  readonly amount: Decimal
}

let root = ''
let attempts = 0
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'batchwright-blocks-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

function openAttempt(buckets: number, resume: SinkState | null): Promise<StagedSink> {
  attempts += 1
  return openBlockSink({
    folder: path.join(root, `0-f${attempts}`),
    name: 'shuffle-invoice',
    codeVersion: 'code',
    resume,
    buckets,
    bucketOf: buckets === 1 ? null : (record) => (record as Row).id % buckets,
  })
}

function rows(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, index) => ({
    id: from + index,
    amount: Decimal.from(`${from + index}.250`),
  }))
}

async function recordsOf(parts: readonly Part[], bucket: number): Promise<object[]> {
  const records: object[] = []
  for (const part of parts)
    for await (const list of readBlocks(part, (block) => block.bucket === bucket)) records.push(...list)
  return records
}

test('values come back as they were: decimals exact with their scale, dates, bigints, undefined, nested lists', async () => {
  const sink = await openAttempt(1, null)
  const record = {
    amount: Decimal.from('-98765432109876543210987654321098765432.100'),
    small: Decimal.from('0.10'),
    at: new Date(5),
    count: 2n ** 70n,
    missing: undefined,
    blank: null,
    text: 'pound £, "quoted",\nnew line',
    nested: [{ deep: Decimal.from('1.5') }, [1, 2.5]],
  }
  await sink.write([record])
  const [found] = (await recordsOf(await sink.finish(), 0)) as (typeof record)[]
  expect(found).toEqual(record)
  expect(found?.amount.toFixed(3)).toBe('-98765432109876543210987654321098765432.100')
  expect(found?.small.scale).toBe(2)
  expect(found?.nested[0]).toEqual({ deep: Decimal.from('1.5') })
})

test('each bucket holds its records in the order written, wherever commits and crashes fell', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.record({ kept: fc.integer({ min: 0, max: 40 }), lost: fc.integer({ min: 0, max: 40 }) }), {
        maxLength: 4,
      }),
      fc.integer({ min: 1, max: 17 }),
      async (buckets, crashes, chunk) => {
        const total = 100
        let at = 0
        let state: SinkState | null = null
        const write = async (sink: StagedSink, records: Row[]): Promise<void> => {
          for (let from = 0; from < records.length; from += chunk) await sink.write(records.slice(from, from + chunk))
        }
        for (const { kept, lost } of crashes) {
          const sink = await openAttempt(buckets, state)
          const until = Math.min(total, at + kept)
          await write(sink, rows(at, until))
          state = await sink.commit()
          at = until
          await write(sink, rows(500, 500 + lost))
          await sink.commit()
          await sink.abort()
        }
        const sink = await openAttempt(buckets, state)
        await write(sink, rows(at, total))
        const parts = await sink.finish()
        for (let bucket = 0; bucket < buckets; bucket += 1) {
          expect(await recordsOf(parts, bucket)).toEqual(rows(0, total).filter((row) => row.id % buckets === bucket))
        }
        expect(parts.reduce((sum, part) => sum + part.records, 0)).toBe(total)
      },
    ),
    { numRuns: 40 },
  )
})

test('a commit under way does not see later records, whatever the buckets do meanwhile', async () => {
  const sink = await openAttempt(3, null)
  const wide = (from: number, to: number): object[] =>
    rows(from, to).map((row) => ({ ...row, text: `${row.id} `.repeat(400) }))
  await sink.write(wide(0, 3_000))
  const committing = sink.commit()
  for (let from = 3_000; from < 12_000; from += 500) await sink.write(wide(from, from + 500))
  const state = await committing
  expect(state.open?.records).toBe(3_000)
  const parts = await sink.finish()
  expect(parts[0]?.records).toBe(12_000)
  await expect(recordsOf(parts, 1)).resolves.toHaveLength(4_000)
  const resumed = await openAttempt(3, state)
  const again = await resumed.finish()
  expect((await recordsOf(again, 2)) as Row[]).toEqual(wide(0, 3_000).filter((row) => (row as Row).id % 3 === 2))
})

test('records changed after they were written are read as they were written', async () => {
  const sink = await openAttempt(1, null)
  const record = { id: 1 }
  await sink.write([record])
  record.id = 2
  expect(await recordsOf(await sink.finish(), 0)).toEqual([{ id: 1 }])
})

test('a record that cannot be written throws with its place, and nothing of its call is kept', async () => {
  const sink = await openAttempt(2, null)
  await sink.write(rows(0, 2))
  const faulty = [...rows(2, 5), { id: 5, call: () => 1 }, ...rows(6, 7)]
  expect(() => sink.write(faulty)).toThrow(
    expect.objectContaining({ code: 'OUTPUT_INVALID', details: expect.objectContaining({ index: 3 }) as object }),
  )
  expect((await sink.finish())[0]?.records).toBe(2)
})

test('a damaged file is refused before its first record, with what was expected and found', async () => {
  const sink = await openAttempt(1, null)
  await sink.write(rows(0, 10))
  const [part] = await sink.finish()
  if (part === undefined) throw new Error('expected a part')
  const bytes = readFileSync(part.path)
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
  writeFileSync(part.path, bytes)
  await expect(recordsOf([part], 0)).rejects.toThrow(
    expect.objectContaining({
      code: 'CHECKSUM_MISMATCH',
      details: expect.objectContaining({ path: part.path, expected: part.sha256 }) as object,
    }),
  )
  rmSync(part.path)
  await expect(recordsOf([part], 0)).rejects.toThrow(expect.objectContaining({ code: 'OUTPUT_LOST' }))
})
