import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Decimal } from '../../kernel/decimal.ts'
import { drop, reject, type RecordsStep } from '../../job/index.ts'
import type { Checkpoint, PartitionPlan } from '../../protocol/index.ts'
import { ANY, distinct, process, room, written } from '../fixtures/rate-step.ts'
import { linesCsv, rate, type Rated } from '../fixtures/retail.ts'
import { addCounters, finished, type Outcome, type Room } from '../fixtures/room.ts'
import { SplittingPort } from '../fixtures/splitting-port.ts'

const RECORDS = 60
const TEXT = linesCsv(RECORDS, { 11: 'INV4,x,1.25', 12: 'INV4,1', 47: 'INV16,"4\n",5.25' })
const STEP: Partial<RecordsStep> = {
  operations: [
    process((line) => {
      if (line.quantity === 0) return drop()
      return line.quantity === 4 ? reject('four', 'no fours') : [rate(line), rate(line)]
    }),
  ],
  controls: new Map([['amount', (record: Rated) => record.amount]]),
  skip: ANY,
  commit: { chunk: 3, everyChunks: 2, everyMs: 1e9 },
}

/** What pieces of a partition came to, one after the other. */
function joined(outcomes: readonly Outcome[]): object {
  const counters = outcomes.map((outcome) => outcome.counters as Parameters<typeof addCounters>[0][number])
  const amounts = outcomes.map(({ controls }) =>
    'amount' in controls ? Decimal.from(String(controls.amount)) : Decimal.zero,
  )
  return {
    written: outcomes.flatMap(written),
    deadLetters: outcomes.flatMap(({ deadLetters }) => deadLetters),
    counters: addCounters(counters),
    bytesRead: counters.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    amount: amounts.reduce((sum, amount) => sum.plus(amount), Decimal.zero).toString(),
  }
}

async function whole(here: Room): Promise<object> {
  return joined([await here.outcome(finished(await here.attempt('rate', await here.only('rate'))))])
}

/** Works through a partition and all that is split off it, asking at the looks that `asks` names, piece by piece. */
async function workThrough(here: Room, partition: PartitionPlan, asks: readonly ReadonlyMap<number, number>[]) {
  const outcomes: Outcome[] = []
  const ahead = [...asks]
  const work = [partition]
  let splits = 0
  for (let piece = work.shift(); piece !== undefined; piece = work.shift()) {
    const port = new SplittingPort({ at: ahead.shift() ?? new Map() })
    outcomes.push(await here.outcome(finished(await here.attempt('rate', piece, null, port))))
    // The last split gave away what comes first.
    for (const split of port.taken) work.unshift(...port.restOf(split, splits * 10 + 1))
    splits += port.taken.length
  }
  return { outcome: joined(outcomes), splits, pieces: outcomes.length }
}

test('split at any chunk into any pieces, a partition comes to what it comes to in one', async () => {
  await using here = await room(STEP, TEXT)
  const uncut = await whole(here)
  const partition = await here.only('rate')
  for (let look = 1; look < RECORDS / 3; look += 1) {
    for (const pieces of [2, 5]) {
      const split = await workThrough(here, partition, [new Map([[look, pieces]])])
      expect(split.outcome).toEqual(uncut)
      expect(split).toMatchObject({ splits: 1, pieces: Math.min(pieces, RECORDS - look * 3) })
    }
  }
})

test('split again and again, by the pieces too, it comes to the same', async () => {
  await using here = await room(STEP, TEXT)
  const uncut = await whole(here)
  const partition = await here.only('rate')
  const asks = fc.array(
    fc
      .array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 2, max: 5 })), { maxLength: 4 })
      .map((pairs) => new Map(pairs)),
    { maxLength: 8 },
  )
  await fc.assert(
    fc.asyncProperty(asks, async (each) => {
      expect((await workThrough(here, partition, each)).outcome).toEqual(uncut)
    }),
    { numRuns: 20 },
  )
})

test('going on from any checkpoint of a split partition, each with the partition of its time, comes to the same', async () => {
  await using here = await room(STEP, TEXT)
  const uncut = await whole(here)
  const partition = await here.only('rate')
  const port = new SplittingPort({ at: new Map([[4, 3]]) })
  const own = await here.outcome(finished(await here.attempt('rate', partition, null, port)))
  const [split] = port.taken
  if (split === undefined) throw new Error('it was not split')
  const rest: Outcome[] = []
  for (const piece of port.restOf(split, 1)) rest.push(await here.outcome(finished(await here.attempt('rate', piece))))
  expect(joined([own, ...rest])).toEqual(uncut)
  const at = port.checkpoints.findIndex(({ counters }) => counters.read === 12)
  for (const [place, checkpoint] of port.checkpoints.entries()) {
    const before = place < at
    const again = await resume(here, before ? partition : { ...split.own, index: 0 }, checkpoint)
    expect(joined(before ? [again] : [again, ...rest])).toEqual(uncut)
  }
})

async function resume(here: Room, partition: PartitionPlan, checkpoint: Checkpoint): Promise<Outcome> {
  return await here.outcome(finished(await here.attempt('rate', partition, checkpoint)))
}

test('where the split was committed and its answer lost, the next attempt goes on with what is left, and the rest with theirs', async () => {
  await using here = await room(STEP, TEXT)
  const uncut = await whole(here)
  const port = new SplittingPort({ at: new Map([[3, 2]]), answer: 'lost' })
  const end = await here.attempt('rate', await here.only('rate'), null, port)
  expect(end).toMatchObject({ kind: 'failed' })
  const [split] = port.taken
  if (split === undefined) throw new Error('it was not split')
  const outcomes = [await resume(here, { ...split.own, index: 0 }, port.checkpoints.at(-1)!)]
  for (const piece of port.restOf(split, 1))
    outcomes.push(await here.outcome(finished(await here.attempt('rate', piece))))
  expect(joined(outcomes)).toEqual(uncut)
})

test('a split that is not taken leaves the partition whole', async () => {
  await using here = await room(STEP, TEXT)
  const port = new SplittingPort({
    at: new Map([
      [2, 2],
      [5, 4],
    ]),
    answer: 'refused',
  })
  const end = await here.attempt('rate', await here.only('rate'), null, port)
  expect(joined([await here.outcome(finished(end))])).toEqual(await whole(here))
  expect(port.taken).toEqual([])
})

test('the position of a split lies beyond every record that the job has seen', async () => {
  const seen: number[] = []
  const operations = [
    process((line, { position }) => {
      seen.push(position.record)
      return rate(line)
    }),
  ]
  await using here = await room({ ...STEP, operations }, linesCsv(RECORDS))
  const { splits } = await workThrough(here, await here.only('rate'), [new Map([[2, 3]]), new Map([[1, 2]])])
  expect(splits).toBe(2)
  expect(seen).toEqual(Array.from({ length: RECORDS }, (_, index) => index + 1))
})

test.each<[string, Partial<RecordsStep>, RegExp]>([
  ['that compares records', { operations: [distinct()] }, /distinct/],
  ['that keeps state', { stateVersion: 1 }, /keeps state/],
  ['that says never', { rebalance: 'never' }, /rebalance: never/],
])('a step %s is not split, and says why', async (_, parts, reason) => {
  await using here = await room({ ...STEP, ...parts }, TEXT)
  const port = new SplittingPort({ at: new Map([[2, 2]]) })
  finished(await here.attempt('rate', await here.only('rate'), null, port))
  expect(port.taken).toEqual([])
  expect(port.declined).toEqual([expect.stringMatching(reason)])
})
