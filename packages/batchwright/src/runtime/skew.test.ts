import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashKey } from '../kernel/digest.ts'
import { room } from './fixtures/rate-step.ts'
import { finished, reduceStep, recordsStep, Room } from './fixtures/room.ts'
import { lines, rate } from './fixtures/retail.ts'
import { process } from './fixtures/rate-step.ts'
import { skewNotes } from './skew.ts'

const CUT = { count: 8, called: 'partition', remedy: 'cut by a finer key' }

/** `n` keys by Zipf's law: the k-th of 1,000 is found in proportion to 1/k^s. */
function zipf(n: number, s: number): readonly string[] {
  const weights = Array.from({ length: 1_000 }, (_, rank) => 1 / (rank + 1) ** s)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.flatMap((weight, rank) => new Array<string>(Math.round((weight / total) * n)).fill(`key-${rank}`))
}

test('of keys by the law of Zipf the hot one is named, with its share and where it goes, and the hot partition', () => {
  const place = (hashKey('key-0') % 8) + 1
  const [key, partition] = skewNotes(zipf(4_000, 1.5), CUT)
  expect(key).toMatch(
    new RegExp(`^hot key "key-0": (?:39|40) % of \\d+ sampled records, all of which go to partition ${place} of 8$`),
  )
  expect(partition).toMatch(
    new RegExp(
      `^hot partition ${place} of 8: about \\d\\d % of the records, \\d\\.\\d times an even share; cut by a finer key$`,
    ),
  )
})

test('even keys, and few samples, are not worth a word', () => {
  const even = Array.from({ length: 4_000 }, (_, index) => `key-${index % 997}`)
  expect(skewNotes(even, CUT)).toEqual([])
  expect(skewNotes(zipf(90, 2), CUT)).toEqual([])
  expect(skewNotes(zipf(4_000, 2), { ...CUT, count: 1 })).toEqual([])
})

test('whatever the keys, no more than a few sentences are said', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 100 }), { maxLength: 400 }),
      fc.integer({ min: 1, max: 50 }),
      (keys, count) => {
        const notes = skewNotes(keys, { ...CUT, count })
        expect(notes.length).toBeLessThanOrEqual(5)
        for (const note of notes) expect(note.length).toBeLessThan(300)
      },
    ),
  )
})

/** Lines of a file whose invoices follow the law of Zipf. */
const SKEWED = `invoice,quantity,price\n${zipf(3_000, 1.5)
  .map((key) => `${key},1,1.25\n`)
  .join('')}`
const invoiceOf = (record: object): string => ('invoice' in record ? String(record.invoice) : '')

test('the plan of a step that is cut by key samples its keys, all over the file, and notes the hot ones', async () => {
  const partition = { by: 'keyHash', size: null, count: 8, key: invoiceOf } as const
  await using here = await room({ partition }, SKEWED)
  const { summary } = await here.plan('rate')
  expect(summary.notes).toContainEqual(expect.stringMatching(/^hot key "key-0": \d+ % of \d+ sampled records/))
  expect(summary.notes).toContainEqual(expect.stringMatching(/^hot partition \d of 8: about \d+ % of the records/))
})

test('the plan of a reduce step notes the bucket that has far more than the others, and the key that makes it so', async () => {
  const shuffle = { to: 'invoice', output: null, key: invoiceOf, buckets: 8 }
  const rating = recordsStep({
    input: { from: 'dataset', dataset: lines, windows: { select: 'whole' } },
    operations: [process(rate)],
    shuffles: [shuffle],
  })
  const folding = reduceStep({
    input: { from: 'step', step: 'rate', output: null },
    key: invoiceOf,
    buckets: 8,
    fold: { initial: () => 0, add: (count: number) => count + 1, finish: (count: number, key) => ({ key, count }) },
  })
  await using here = await Room.create([rating, folding], { 'lines.csv': SKEWED })
  const output = finished(await here.attempt('rate', await here.only('rate')))
  const { summary } = await here.plan('invoice', [{ step: 'rate', tasks: [{ index: 0, output }] }])
  expect(summary.notes).toEqual([
    expect.stringMatching(
      /^hot bucket \d\/8: \d\d % of the records, \d\.\d times an even share; key "key-0" has about \d+ % of them: fold in two steps/,
    ),
  ])
})
