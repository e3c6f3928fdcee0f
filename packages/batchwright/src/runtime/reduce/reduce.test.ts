import { rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FoldDefinition, ProcessContext } from '../../job/index.ts'
import { Decimal } from '../../kernel/decimal.ts'
import { armFailPoint } from '../../kernel/failpoint.ts'
import { lines, linesCsv, rate, rated, type Line, type Rated } from '../fixtures/retail.ts'
import { CollectingPort, failure, finished, recordsStep, reduceStep, Room } from '../fixtures/room.ts'

const INPUT = { from: 'dataset', dataset: lines, windows: { select: 'whole' } } as const
const KEY = (record: object): string => (record as Rated).invoice

const SUM: FoldDefinition = {
  initial: () => ({ amount: Decimal.zero, order: '' }),
  add: (state: { amount: Decimal; order: string }, record: Rated) => {
    state.amount = state.amount.plus(record.amount)
  },
  finish: (state: { amount: Decimal }, key: string) => ({ invoice: key, amount: state.amount }),
}

/** Order of the calls of add, in the invoice's name. */
const ORDER: FoldDefinition = {
  initial: () => '',
  add: (state: string, record: Rated) => `${state} ${record.amount.toString()}`,
  finish: (state: string, key: string) => ({ invoice: key + state, amount: Decimal.zero }),
}

function room(
  fold: FoldDefinition,
  parts: { readonly memoryBytes?: number; readonly buckets?: number } = {},
): Promise<Room> {
  const buckets = parts.buckets ?? 2
  return Room.create(
    [
      recordsStep({
        input: INPUT,
        operations: [{ operation: 'process', process: (line: Line) => rate(line), concurrency: 1 }],
        partition: { by: 'rows', size: 40, count: null, key: null },
        shuffles: [{ to: 'invoice', output: null, key: KEY, buckets }],
      }),
      reduceStep({
        input: { from: 'step', step: 'rate', output: null },
        key: KEY,
        fold,
        buckets,
        output: { dataset: rated, recordsPerPart: 1000 },
        ...parts,
      }),
    ],
    { 'lines.csv': linesCsv(200) },
  )
}

async function reduced(here: Room): Promise<readonly string[]> {
  const upstream = await here.runStep('rate')
  expect(upstream.tasks.length).toBeGreaterThan(1)
  const { tasks } = await here.runStep('invoice', [upstream])
  return Promise.all(tasks.map(async ({ output }) => (await here.outcome(output)).main))
}

describe('reduce', () => {
  test('each bucket is folded in key order, whatever the number of partitions before it', async () => {
    await using here = await room(SUM)
    const parts = await reduced(here)
    for (const part of parts) {
      const keys = part
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as Rated).invoice)
      expect(keys).toEqual([...keys].sort())
    }
    const totals = parts
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Rated)
    expect(totals).toHaveLength(67)
    expect(totals.find((total) => total.invoice === 'INV1')).toEqual({ invoice: 'INV1', amount: '21.50' })
  })

  test('beyond its memory it spills, and comes to the same bytes, with the calls of add in the same order', async () => {
    await using small = await room(ORDER, { memoryBytes: 1 })
    await using large = await room(ORDER)
    let spilled = 0
    const disarm = armFailPoint('reduce.spilled', 1, () => {
      spilled += 1
    })
    const inMemory = await reduced(large)
    expect(spilled).toBe(0)
    // The estimate of memory is looked at now and then: enough records are needed.
    await small.write('lines.csv', linesCsv(20_000))
    await large.write('lines.csv', linesCsv(20_000))
    expect(inMemory).not.toEqual([])
    expect(await reduced(small)).toEqual(await reduced(large))
    expect(spilled).toBe(1)
    disarm()
  })

  test('an attempt that emitted some keys goes on behind them', async () => {
    await using here = await room(SUM, { buckets: 1 })
    await here.write('lines.csv', linesCsv(9000))
    const partition = await here.only('invoice', [await here.runStep('rate')])
    const undisturbed = await here.outcome(finished(await here.attempt('invoice', partition)))
    const finish = SUM.finish
    let asked = 0
    const port = new CollectingPort()
    Object.assign(SUM, {
      finish: (state: never, key: string, context: ProcessContext) => {
        asked += 1
        if (asked === 1500) port.stop('preempted')
        return finish(state, key, context)
      },
    })
    expect((await here.attempt('invoice', partition, null, port)).kind).toBe('givenBack')
    Object.assign(SUM, { finish })
    const last = port.checkpoints.at(-1)
    expect(last?.counters.written).toBe(2000)
    const outcome = await here.outcome(finished(await here.attempt('invoice', partition, last)))
    expect(outcome).toEqual(undisturbed)
  })

  test('where staged output is gone it starts again from the first key', async () => {
    await using here = await room(SUM, { buckets: 1 })
    await here.write('lines.csv', linesCsv(9000))
    const partition = await here.only('invoice', [await here.runStep('rate')])
    const undisturbed = await here.outcome(finished(await here.attempt('invoice', partition)))
    const port = new CollectingPort()
    const finish = SUM.finish
    let asked = 0
    Object.assign(SUM, {
      finish: (state: never, key: string, context: ProcessContext) => {
        asked += 1
        if (asked === 1500) port.stop('preempted')
        return finish(state, key, context)
      },
    })
    expect((await here.attempt('invoice', partition, null, port)).kind).toBe('givenBack')
    Object.assign(SUM, { finish })
    await rm(path.join(here.folders.project, 'out'), { recursive: true })
    const last = port.checkpoints.at(-1)
    const again = new CollectingPort()
    const outcome = await here.outcome(finished(await here.attempt('invoice', partition, last, again)))
    expect(outcome).toEqual(undisturbed)
    expect(again.lines[0]?.message).toContain('starting the partition again')
  })

  test('a fold that fails names the key', async () => {
    const fold: FoldDefinition = {
      ...SUM,
      add: (_: never, record: Rated) => {
        if (record.invoice === 'INV5') throw new Error('no')
      },
    }
    await using here = await room(fold, { buckets: 1 })
    const partition = await here.only('invoice', [await here.runStep('rate')])
    expect(failure(await here.attempt('invoice', partition))).toMatchObject({
      code: 'FOLD_FAILED',
      details: { key: 'INV5', part: 'add' },
    })
  })

  test('finish may give several records, or none', async () => {
    const fold: FoldDefinition = {
      ...SUM,
      finish: (_: never, key: string) =>
        key < 'INV3' ? [] : [key, key].map((invoice) => ({ invoice, amount: Decimal.zero })),
    }
    await using here = await room(fold, { buckets: 1 })
    const partition = await here.only('invoice', [await here.runStep('rate')])
    const outcome = await here.outcome(finished(await here.attempt('invoice', partition)))
    const kept = Array.from({ length: 67 }, (_, n) => `INV${String(n + 1)}`).filter((key) => key >= 'INV3').length
    expect(outcome.counters).toMatchObject({ read: 200, accepted: 200, written: 2 * kept })
  })
})
