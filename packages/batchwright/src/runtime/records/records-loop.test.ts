import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contract, dataset, drop, field, jsonl, record, reject, type RecordOperation } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { ANY, deadRecords, process, room, run, runToFailure, written } from '../fixtures/rate-step.ts'
import { linesCsv, rate, type Rated } from '../fixtures/retail.ts'
import { CollectingPort, failure, finished } from '../fixtures/room.ts'

describe('each record once', () => {
  const fates = process((line) => {
    if (line.quantity === 0) return drop()
    return line.quantity === 4 ? reject('four', 'no fours') : rate(line)
  })
  const dirty = linesCsv(50, { 11: 'INV4,x,1.25', 12: 'INV4,1' })

  test('every record is written, dropped or dead, and the counters reconcile', async () => {
    const outcome = await run({ operations: [fates], skip: ANY }, dirty)
    expect(outcome.counters).toMatchObject({
      read: 50,
      dropped: 10,
      deadByRule: 10,
      deadByContract: 2,
      accepted: 28,
      written: 28,
      reasons: { bad_number: 1, field_count: 1, four: 10 },
    })
    expect(deadRecords(outcome)).toEqual([4, 9, 11, 12, 14, 19, 24, 29, 34, 39, 44, 49])
    expect(outcome.deadLetters[0]).toMatchObject({ cause: 'rule', message: 'no fours', raw: 'INV2,4,5.25' })
    expect(written(outcome)).toHaveLength(28)
  })

  test('a record that the contract refuses fails a step that skips none, naming file, record and reason', async () => {
    const error = await runToFailure({ operations: [fates] }, dirty)
    expect(error).toMatchObject({ code: 'RECORD_FAILED', retryable: false })
    expect(error.message).toMatch(/record 11 of lines\.csv failed: bad_number: /)
  })

  test('going on from any checkpoint, or losing any, gives the same bytes, dead letters, counters and controls', async () => {
    const operations = [fates, process((line) => [line, line])]
    const controls = new Map([['amount', (record: Rated) => record.amount]])
    await using here = await room({ operations, controls, skip: ANY }, dirty)
    const { undisturbed, others } = await here.interruptedEverywhere('rate', await here.only('rate'))
    expect(others.length).toBeGreaterThan(5)
    expect(undisturbed.counters).toMatchObject({ read: 50, accepted: 28, written: 56 })
    for (const other of others) expect(other).toEqual(undisturbed)
  })

  test('dead letters have the same ids on every replay', async () => {
    const first = await run({ operations: [fates], skip: ANY }, dirty)
    const second = await run(
      { operations: [fates], skip: ANY, commit: { chunk: 3, everyChunks: 1, everyMs: 1e9 } },
      dirty,
    )
    expect(second.deadLetters).toEqual(first.deadLetters)
    expect(new Set(first.deadLetters.map((letter) => letter.id)).size).toBe(12)
  })

  test('a result that is not a record is the failure of its record', async () => {
    const outcome = await run({ operations: [process(() => undefined)], skip: ANY }, linesCsv(1))
    expect(outcome.deadLetters).toMatchObject([{ cause: 'error', reason: 'PROCESS_RESULT_INVALID' }])
  })

  test('one record, many outputs: where one of them is rejected none is written', async () => {
    const operations = [
      process((line) => [line, { ...line, quantity: line.quantity + 1 }]),
      process((line) => (line.quantity === 4 ? reject('four') : rate(line))),
    ]
    const outcome = await run({ operations }, linesCsv(5))
    expect(outcome.counters).toMatchObject({ read: 5, accepted: 3, written: 6, deadByRule: 2 })
    expect(deadRecords(outcome)).toEqual([3, 4])
  })
})

describe('poison records', () => {
  const unwritable = process((line, { position }) =>
    [5, 6, 31].includes(position.record) ? { invoice: line.invoice, amount: 'much' } : rate(line),
  )

  test('a chunk that cannot be written is halved down to the poison record; none before or after it is lost or doubled', async () => {
    const outcome = await run({ operations: [unwritable], skip: ANY }, linesCsv(40))
    expect(deadRecords(outcome)).toEqual([5, 6, 31])
    expect(outcome.deadLetters).toMatchObject([{ cause: 'error', reason: 'OUTPUT_INVALID' }, {}, {}])
    expect(outcome.counters).toMatchObject({ read: 40, accepted: 37, written: 37, deadByError: 3 })
    const clean = await run({ skip: ANY }, linesCsv(40))
    expect(written(outcome)).toEqual(written(clean).filter((_, index) => ![4, 5, 30].includes(index)))
  })

  test('a skip does not end the read loop early', async () => {
    const outcome = await run(
      { operations: [unwritable], skip: ANY, commit: { chunk: 5, everyChunks: 1, everyMs: 1e9 } },
      linesCsv(40),
    )
    expect(written(outcome).at(-1)?.invoice).toBe('INV14')
    expect(outcome.counters).toMatchObject({ read: 40 })
  })

  test('state is not saved for a chunk that failed: a restart loses no record', async () => {
    let broken = true
    const operations = [
      process((line, { position }) => {
        if (broken && position.record === 23) throw new Error('out of order')
        return rate(line)
      }),
    ]
    await using here = await room({ operations }, linesCsv(40))
    const partition = await here.only('rate')
    const port = new CollectingPort()
    expect(failure(await here.attempt('rate', partition, null, port)).message).toContain('record 23 of lines.csv')
    broken = false
    const last = port.checkpoints.at(-1)
    expect(last?.counters.read).toBe(14)
    const outcome = await here.outcome(finished(await here.attempt('rate', partition, last)))
    expect(written(outcome)).toEqual(written(await run({}, linesCsv(40))))
  })

  test('a record that a later output refuses is taken back from the earlier ones', async () => {
    // JSON takes an object with a function in it; the blocks for other steps do not.
    const loose = dataset('loose', {
      location: 'out/loose',
      format: jsonl(),
      contract: contract(1, record({ invoice: field.text(), extra: field.json() })),
    })
    const operations = [
      process((line, { position }) => ({
        invoice: line.invoice,
        extra: [9, 10, 33].includes(position.record) ? { call: () => 1 } : { call: 1 },
      })),
    ]
    const output = { dataset: loose, recordsPerPart: 15 }
    await using here = await room({ operations, output, readInside: true, skip: ANY }, linesCsv(40))
    const { undisturbed, others } = await here.interruptedEverywhere('rate', await here.only('rate'))
    expect(deadRecords(undisturbed)).toEqual([9, 10, 33])
    expect(written(undisturbed)).toHaveLength(37)
    for (const other of others) {
      expect(other).toEqual(undisturbed)
    }
  })

  test('a shuffle key that fails is the failure of its record', async () => {
    const key = (rated: object): string => {
      const { invoice } = rated as Rated
      if (invoice === 'INV3') throw new BatchwrightError({ code: 'NO_KEY', message: 'no key' })
      return invoice
    }
    await using here = await room(
      { shuffles: [{ to: 'invoice', output: null, buckets: 2, key }], skip: ANY },
      linesCsv(20),
    )
    const { undisturbed, others } = await here.interruptedEverywhere('rate', await here.only('rate'))
    expect(undisturbed.deadLetters.map((letter) => letter.reason)).toEqual(['NO_KEY', 'NO_KEY', 'NO_KEY'])
    expect(written(undisturbed)).toHaveLength(17)
    for (const other of others) expect(other).toEqual(undisturbed)
  })

  test('a control that fails is the failure of its record', async () => {
    const controls = new Map([['amount', (record: Rated) => (record.invoice === 'INV2' ? 0.5 : record.amount)]])
    const outcome = await run({ controls, skip: ANY }, linesCsv(12))
    expect(outcome.deadLetters.map((letter) => letter.reason)).toEqual(Array(3).fill('CONTROL_INVALID'))
    expect(outcome.controls).toEqual({ amount: '61.5' })
  })
})

describe('limits', () => {
  const fours = process((line) => (line.quantity === 4 ? reject('four') : rate(line)))

  test('an absolute limit on a rule is judged at once', async () => {
    const error = await runToFailure(
      { operations: [fours], rejects: new Map([['four', { ratio: null, count: 2 }]]) },
      linesCsv(50),
    )
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { count: 3, limit: 2, record: 14 } })
  })

  test('a ratio is left to verification, and a rule without a limit may reject any number', async () => {
    const rejects = new Map([['other', { ratio: null, count: 0 }]])
    expect((await run({ operations: [fours], rejects }, linesCsv(50))).counters).toMatchObject({ deadByRule: 10 })
  })

  test('the skip limit counts contract faults and errors together, over all attempts', async () => {
    const text = linesCsv(30, { 3: 'INV1,x,1.25', 25: 'INV1,x,1.25' })
    const operations = [
      process((line, { position }) => {
        if (position.record === 12) throw new Error('no')
        return rate(line)
      }),
    ]
    await using here = await room({ operations, skip: { ratio: null, count: 2 } }, text)
    const partition = await here.only('rate')
    const port = new CollectingPort({ stopAfter: { checkpoint: 1, reason: 'preempted' } })
    expect((await here.attempt('rate', partition, null, port)).kind).toBe('givenBack')
    const error = failure(await here.attempt('rate', partition, port.checkpoints.at(-1)))
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { record: 25, count: 3 } })
  })
})

describe('retries in place', () => {
  const retry = { attempts: 3, firstMs: 1, maxMs: 2, multiplier: 2, jitter: 0, errors: ['BUSY'] }

  function flaky(failures: number): RecordOperation {
    let left = failures
    return process((line, { position }) => {
      if (position.record === 4 && left > 0) {
        left -= 1
        throw new BatchwrightError({ code: 'BUSY', message: 'busy' })
      }
      return rate(line)
    })
  }

  test('a record whose failure may pass is tried again where it stands, within the policy', async () => {
    const outcome = await run({ operations: [flaky(2)], retry }, linesCsv(10))
    expect(outcome.counters).toMatchObject({ read: 10, written: 10, retries: 2 })
    expect(written(outcome)).toEqual(written(await run({}, linesCsv(10))))
  })

  test('beyond the policy it is a dead letter, or the failure of an attempt that may be made again', async () => {
    const outcome = await run({ operations: [flaky(3)], retry, skip: ANY }, linesCsv(10))
    expect(outcome.deadLetters).toMatchObject([{ cause: 'error', reason: 'BUSY', position: { record: 4 } }])
    expect(await runToFailure({ operations: [flaky(3)], retry }, linesCsv(10))).toMatchObject({
      code: 'RECORD_FAILED',
      retryable: true,
      cause: { code: 'BUSY' },
    })
  })

  test('an error that the policy does not name is not tried again', async () => {
    const outcome = await run({ operations: [flaky(1)], retry: { ...retry, errors: [] }, skip: ANY }, linesCsv(10))
    expect(outcome.counters).toMatchObject({ retries: 0, deadByError: 1 })
  })
})

describe('asynchronous functions', () => {
  test('bounded concurrency keeps the order of the records, and its bound', async () => {
    let running = 0
    let most = 0
    const operations = [
      process(async (line, { position }) => {
        running += 1
        most = Math.max(most, running)
        for (let turn = 0; turn < 5 - (position.record % 5); turn += 1) await new Promise(setImmediate)
        running -= 1
        if (position.record % 10 === 0) throw new Error('every tenth')
        return position.record % 4 === 0 ? drop() : [rate(line)]
      }, 3),
      process((record) => record),
    ]
    const outcome = await run({ operations, skip: ANY }, linesCsv(40))
    const plain = await run({ skip: ANY }, linesCsv(40))
    expect(most).toBe(3)
    expect(written(outcome)).toEqual(
      written(plain).filter((_, index) => (index + 1) % 4 !== 0 && (index + 1) % 10 !== 0),
    )
    expect(deadRecords(outcome)).toEqual([10, 20, 30, 40])
  })

  test('with a concurrency of one, a record has passed before the next one starts', async () => {
    const seen: string[] = []
    const operations = [
      process(async (line, { position }) => {
        seen.push(`in ${String(position.record)}`)
        await new Promise(setImmediate)
        seen.push(`out ${String(position.record)}`)
        return rate(line)
      }),
    ]
    await run({ operations }, linesCsv(3))
    expect(seen).toEqual(['in 1', 'out 1', 'in 2', 'out 2', 'in 3', 'out 3'])
  })

  test('user code that never answers does not keep a cancelled attempt', async () => {
    const port = new CollectingPort()
    const operations = [
      process(() => {
        port.stop('cancelled')
        return new Promise(() => undefined)
      }),
    ]
    await using here = await room({ operations, skip: ANY }, linesCsv(3))
    expect(failure(await here.attempt('rate', await here.only('rate'), null, port)).code).toBe('ATTEMPT_CANCELLED')
  })
})

describe('stopping', () => {
  test('a preempted or paused attempt commits, then gives back; nothing is done twice afterwards', async () => {
    for (const reason of ['preempted', 'paused'] as const) {
      await using here = await room({}, linesCsv(100))
      const partition = await here.only('rate')
      const port = new CollectingPort({ stopAfter: { checkpoint: 2, reason } })
      const end = await here.attempt('rate', partition, null, port)
      const last = port.checkpoints.at(-1)
      expect(end).toMatchObject({ kind: 'givenBack', counters: { read: last?.counters.read } })
      const outcome = await here.outcome(finished(await here.attempt('rate', partition, last)))
      expect(outcome).toEqual(await run({}, linesCsv(100)))
    }
  })

  test('a lost attempt stops without a checkpoint', async () => {
    await using here = await room({}, linesCsv(100))
    const port = new CollectingPort({ stopAfter: { checkpoint: 1, reason: 'lost' } })
    expect(failure(await here.attempt('rate', await here.only('rate'), null, port)).code).toBe('ATTEMPT_LOST')
    expect(port.checkpoints.length).toBeLessThanOrEqual(2)
  })

  test('a checkpoint that another owner refuses ends the attempt as fenced', async () => {
    await using here = await room({}, linesCsv(100))
    const port = new CollectingPort({ loseAt: 2 })
    expect(failure(await here.attempt('rate', await here.only('rate'), null, port)).code).toBe('FENCED')
  })
})

test('whatever the operations, the chunk size and the commits, the outcome is the same', async () => {
  const fate = fc.constantFrom('keep', 'drop', 'reject', 'throw', 'twice', 'unwritable', 'later')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fate, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      async (plan, chunk, everyChunks, concurrency) => {
        const operations = [
          process((line, { position }) => {
            switch (plan[position.record - 1]) {
              case 'drop':
                return drop()
              case 'reject':
                return reject('asked')
              case 'throw':
                throw new Error('asked')
              case 'twice':
                return [rate(line), rate(line)]
              case 'unwritable':
                return { invoice: line.invoice }
              case 'later':
                return Promise.resolve(rate(line))
              default:
                return rate(line)
            }
          }, concurrency),
        ]
        const commit = { chunk, everyChunks, everyMs: 1e9 }
        await using here = await room({ operations, commit, skip: ANY }, linesCsv(plan.length))
        const partition = await here.only('rate')
        const port = new CollectingPort()
        const outcome = await here.outcome(finished(await here.attempt('rate', partition, null, port)))
        const count = (...fates: readonly string[]): number => plan.filter((each) => fates.includes(each)).length
        expect(outcome.counters).toMatchObject({
          read: plan.length,
          accepted: count('keep', 'twice', 'later'),
          written: count('keep', 'later') + 2 * count('twice'),
          dropped: count('drop'),
          deadByRule: count('reject'),
          deadByError: count('throw', 'unwritable'),
        })
        const middle = port.checkpoints[Math.floor(port.checkpoints.length / 2)] ?? null
        expect(await here.outcome(finished(await here.attempt('rate', partition, middle)))).toEqual(outcome)
      },
    ),
    { numRuns: 40 },
  )
})
