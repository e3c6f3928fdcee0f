import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../kernel/clock.ts'
import { systemRandom } from '../../kernel/random.ts'
import { Changes } from './changes.ts'
import { SqliteSession } from './session.ts'
import { Writer } from './writer.ts'

let session: SqliteSession
let writer: Writer
let changes: Changes

beforeEach(() => {
  session = new SqliteSession(new DatabaseSync(':memory:'))
  session.execute('create table events (sequence integer primary key autoincrement)')
  writer = new Writer(session, systemClock, systemRandom, ':memory:')
  changes = new Changes(session, writer, systemClock, true)
})
afterEach(async () => {
  await writer.end()
  changes.end()
  session.close()
})

const INSERT = 'insert into events default values'
const COUNT = 'select count(*) as count from events'
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('transactions of one connection', () => {
  it('are never interleaved, however long their bodies wait: others see all of one or nothing', async () => {
    const seen: unknown[] = []
    const write = writer.write(async () => {
      await session.run(INSERT)
      for (let turns = 0; turns < 5; turns += 1) await turn()
      await session.run(INSERT)
    })
    while (!writer.writing) await turn()
    const reads = Array.from({ length: 3 }, () =>
      writer.read(async () => {
        seen.push((await session.get(COUNT))?.['count'])
        await turn()
        seen.push((await session.get(COUNT))?.['count'])
      }),
    )
    const second = writer.write(() => session.run(INSERT))
    await Promise.all([write, ...reads, second])
    expect(seen).toEqual([2, 2, 2, 2, 2, 2])
    expect(session.first(COUNT)).toMatchObject({ count: 3 })
  })

  it('a body that fails is undone alone, and its neighbours are committed', async () => {
    const calls = await Promise.allSettled([
      writer.write(() => session.run(INSERT)),
      writer.write(async () => {
        await session.run(INSERT)
        await turn()
        throw new Error('refused')
      }),
      writer.write(() => session.run(INSERT)),
    ])
    expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(session.first(COUNT)).toMatchObject({ count: 2 })
  })

  it('what a transaction wrote and undid wakes nobody, and hides nothing that is written after it', async () => {
    let woken = false
    let wait = Promise.resolve()
    const undone = writer.write(async () => {
      await session.run(INSERT)
      wait = changes.wait(60_000).then(() => {
        woken = true
      })
      await turn()
      throw new Error('refused')
    })
    await expect(undone).rejects.toThrow('refused')
    await turn()
    expect(woken).toBe(false)
    await writer.write(() => session.run(INSERT))
    await wait
    expect(woken).toBe(true)
  })
})
