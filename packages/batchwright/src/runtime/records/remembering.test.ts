/** What a step remembers from record to record: `distinct` and keyed state, also where an attempt goes on from a checkpoint. */
import { describe, expect, test } from 'vitest'
import { BatchwrightError } from '../../kernel/errors.ts'
import { ANY, deadRecords, distinct, process, room, run, written } from '../fixtures/rate-step.ts'
import { linesCsv, rate, type Rated } from '../fixtures/retail.ts'
import { CollectingPort, failure } from '../fixtures/room.ts'

describe('distinct', () => {
  const repeats = { 8: 'INV1,1,1.25', 9: 'INV1,1,1.25', 20: 'INV1,1,1.25', 21: 'INV1,1,1.250', 30: 'INV1,1,1.2' }

  test('the first of equal records stays, later ones are rejected or dropped, wherever the attempt was interrupted', async () => {
    for (const rule of ['duplicate_line', null]) {
      const operations = [process((line) => line), distinct({ reject: rule }), process(rate)]
      await using here = await room({ operations, skip: ANY }, linesCsv(70, repeats))
      const { undisturbed, others } = await here.interruptedEverywhere('rate', await here.only('rate'))
      if (rule !== null) {
        expect(deadRecords(undisturbed)).toContain(9)
        expect(deadRecords(undisturbed)).not.toContain(8)
        expect(deadRecords(undisturbed)).not.toContain(30)
      }
      for (const other of others) expect(other).toEqual(undisturbed)
    }
  })

  test('a key may be chosen', async () => {
    const operations = [process(rate), distinct({ by: (record: never) => (record as Rated).invoice })]
    const outcome = await run({ operations }, linesCsv(30))
    expect(written(outcome).map((record) => record.invoice)).toEqual(
      Array.from({ length: 10 }, (_, n) => `INV${String(n + 1)}`),
    )
  })

  test('a record tried again is not its own duplicate', async () => {
    let failed = false
    const operations = [
      distinct({}),
      process((line) => {
        if (!failed) {
          failed = true
          throw new BatchwrightError({ code: 'BUSY', message: 'busy', retryable: true })
        }
        return rate(line)
      }),
    ]
    const retry = { attempts: 2, firstMs: 1, maxMs: 1, multiplier: 1, jitter: 0, errors: [] }
    expect((await run({ operations, retry }, linesCsv(3))).counters).toMatchObject({ written: 3, deadByRule: 0 })
  })

  test('files are never cut inside what distinct remembers of them', async () => {
    await using here = await room(
      { operations: [distinct()], partition: { by: 'rows', size: 5, count: null, key: null } },
      linesCsv(30),
    )
    const { summary, partitions } = await here.plan('rate')
    expect(partitions).toHaveLength(1)
    expect(summary.notes.join()).toContain('whole files')
  })
})

describe('keyed state', () => {
  const counting = process((line, { state }) => {
    const count = Number(state.get(line.invoice) ?? 0) + 1
    state.set(line.invoice, count)
    return { invoice: `${line.invoice}/${String(count)}`, amount: line.price }
  })

  test('it goes on from every checkpoint as if nothing had happened', async () => {
    await using here = await room({ operations: [counting], stateVersion: 1 }, linesCsv(100))
    const { undisturbed, others } = await here.interruptedEverywhere('rate', await here.only('rate'))
    expect(written(undisturbed)[5]?.invoice).toBe('INV2/3')
    for (const other of others) expect(other).toEqual(undisturbed)
  })

  test('a checkpoint of another state version is refused', async () => {
    await using here = await room({ operations: [counting], stateVersion: 2 }, linesCsv(100))
    const partition = await here.only('rate')
    const port = new CollectingPort()
    await here.attempt('rate', partition, null, port)
    const [first] = port.checkpoints
    const old = first === undefined ? null : { ...first, state: { version: 1, files: {} } }
    expect(failure(await here.attempt('rate', partition, old))).toMatchObject({
      code: 'STATE_VERSION',
      details: { expected: 2, found: 1 },
    })
  })
})
