import { expect, test } from 'vitest'
import type { PartitionPlan } from '../../protocol/index.ts'
import { advice, estimateLines, planLines } from '../render/plan.ts'
import { paintNothing } from '../render/paint.ts'
import { displayWidth } from '../render/text.ts'
import { AWAY, scriptedRun } from '../fixtures/scripted-run.ts'
import { estimate } from './estimate.ts'
import type { JobHistory, StepHistory } from './history.ts'
import { jobHistory } from './history.ts'
import { skewOf } from './skew.ts'

function partitions(
  sizes: readonly (number | null)[],
  label = (index: number): string => `in/${index}.csv`,
): PartitionPlan[] {
  return sizes.map((records, index) => ({
    index,
    payload: null,
    label: label(index),
    records,
    bytes: records === null ? (index + 1) * 1000 : records * 10,
  }))
}

function stepHistory(over: Partial<StepHistory> = {}): StepHistory {
  return {
    recordsPerMs: 10,
    workMs: 1_000,
    partitions: 2,
    aroundMs: 100,
    readShare: 1,
    bytesPerRecord: 8,
    publishes: true,
    ...over,
  }
}

function history(steps: Readonly<Record<string, StepHistory>>, records = 10_000): JobHistory {
  return { runs: 3, records, steps: new Map(Object.entries(steps)) }
}

test('skew is the largest partition over the median, by records where all are known', () => {
  expect(skewOf(partitions([100, 90, 110, 1000]))).toEqual({
    by: 'records',
    largest: 1000,
    median: 105,
    ratio: 1000 / 105,
    large: [{ index: 3, label: 'in/3.csv', amount: 1000 }],
  })
  expect(skewOf(partitions([null, 5, 7]))).toMatchObject({ by: 'bytes', largest: 1000, median: 70 })
})

test('one partition, or partitions without sizes, have no skew', () => {
  expect(skewOf(partitions([100]))).toBeNull()
  expect(skewOf(partitions([0, 0]))).toBeNull()
  expect(skewOf(partitions([1, 2]).map((each) => ({ ...each, records: null, bytes: null })))).toBeNull()
})

test('where half of the partitions are empty the ratio is infinite, and the others are large', () => {
  expect(skewOf(partitions([0, 0, 0, 9]))).toMatchObject({ median: 0, ratio: Infinity, large: [{ index: 3 }] })
})

test('an uneven plan is told with its largest partitions and a remedy; gzip has one of its own', () => {
  const plain = partitions([100, 100, 100, 900])
  const row = { step: 'a', kind: 'records', notes: [], wholeFiles: false }
  const [uneven] = advice({ ...row, partitions: plain, skew: skewOf(plain) }, 2)
  expect(uneven).toContain('900 records, 9.0 times the median of 100 records. Large: 3 (in/3.csv, 900 records).')
  expect(uneven).toContain('.partition()')
  expect(advice({ ...row, wholeFiles: true, partitions: plain, skew: skewOf(plain) }, 2)[0]).toContain(
    'write smaller files',
  )
  const zipped = partitions([100, 100, 900], (index) => `${index}.csv.gz`)
  const [gzip, few] = advice({ ...row, partitions: zipped, skew: skewOf(zipped) }, 4)
  expect(gzip).toContain('gzip cannot be read from the middle')
  expect(few).toMatch(/^3 partitions for 4 slots: gzip/)
  const even = partitions([100, 100, 120])
  expect(advice({ ...row, partitions: even, skew: skewOf(even) }, 2)).toEqual([])
})

test('a step takes its work shared by the slots, or its longest partition where that is longer', () => {
  const even = estimate(
    [{ name: 'a', after: [], partitions: partitions([5_000, 5_000]) }],
    history({ a: stepHistory() }),
    2,
  )
  expect(even.durationMs).toBe(600)
  const uneven = estimate(
    [{ name: 'a', after: [], partitions: partitions([9_000, 1_000]) }],
    history({ a: stepHistory() }),
    2,
  )
  expect(uneven).toMatchObject({ durationMs: 1_000, steps: [{ step: 'a', ms: 1_000, longestMs: 900 }] })
  const oneSlot = estimate(
    [{ name: 'a', after: [], partitions: partitions([5_000, 5_000]) }],
    history({ a: stepHistory() }),
    1,
  )
  expect(oneSlot.durationMs).toBe(1_100)
})

test('a step that cannot be planned yet is judged by its share of what came in, and steps follow the graph', () => {
  const known = history({
    a: stepHistory({ aroundMs: 0 }),
    b: stepHistory({ aroundMs: 0, readShare: 0.5, partitions: 1, publishes: false, bytesPerRecord: 2 }),
  })
  const result = estimate(
    [
      { name: 'a', after: [], partitions: partitions([20_000]) },
      { name: 'b', after: ['a'], partitions: null },
      { name: 'new', after: ['b'], partitions: null },
    ],
    known,
    4,
  )
  expect(result).toMatchObject({
    durationMs: 3_000,
    unknown: ['new'],
    publishedBytes: 160_000,
    intermediateBytes: 40_000,
  })
})

test('what takes no records is scaled with what came in', () => {
  const known = history({
    a: stepHistory(),
    f: stepHistory({ recordsPerMs: null, workMs: 500, partitions: 1, aroundMs: 0 }),
  })
  const result = estimate(
    [
      { name: 'a', after: [], partitions: partitions([20_000]) },
      { name: 'f', after: ['a'], partitions: null },
    ],
    known,
    1,
  )
  expect(result.steps.find(({ step }) => step === 'f')).toMatchObject({ ms: 1_000 })
})

test('without a run that succeeded, nothing is guessed', () => {
  expect(estimateLines(null, { width: 200, paint: paintNothing }).join(' ')).toContain(
    'No run of this job has succeeded yet',
  )
})

test.each([120, 80, 40])('at %i columns a plan fits', (width) => {
  const uneven = partitions([100, 100, 900], (index) => `2011-01-0${index}.csv.gz`)
  const style = { width, paint: paintNothing }
  const row = {
    step: 'rate',
    kind: 'records',
    partitions: uneven,
    notes: ['in/a.csv: gzip, one partition, and a long note on top of it'],
    skew: skewOf(uneven),
    wholeFiles: false,
  }
  const known = estimate([{ name: 'rate', after: [], partitions: uneven }], history({ rate: stepHistory() }), 4)
  for (const line of [...planLines('orders 2011-01', [row], 4, style), ...estimateLines(known, style)]) {
    expect(displayWidth(line), line).toBeLessThanOrEqual(width)
  }
})

test('history is what the last runs that succeeded did, without what was lost on the way', async () => {
  const it = await scriptedRun()
  expect(await jobHistory(it.store, 'billing')).toBeNull()
  await it.begin()
  await it.plan(2)
  const lost = await it.claim()
  it.wait(5_000)
  await it.end(lost, { kind: 'retry', error: AWAY, delayMs: 0 })
  for (let partition = 0; partition < 2; partition += 1) {
    const task = await it.claim()
    it.wait(100)
    await it.succeed(task, 500)
  }
  expect(await jobHistory(it.store, 'billing')).toBeNull()
  const verify = await it.claim()
  it.wait(30)
  await it.succeed(verify)
  await it.succeed(await it.claim())
  const known = await jobHistory(it.store, 'billing')
  expect(known).toMatchObject({ runs: 1, records: 1_000 })
  expect(known?.steps.get('rate')).toEqual({
    recordsPerMs: 5,
    workMs: 200,
    partitions: 2,
    aroundMs: 30,
    readShare: 1,
    bytesPerRecord: 0,
    publishes: true,
  })
  await it.store.close()
})
