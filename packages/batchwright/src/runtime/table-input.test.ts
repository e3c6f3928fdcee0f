import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  contract,
  dataset,
  field,
  jsonl,
  record,
  type DatasetDefinition,
  type PartitionPolicy,
  type RecordsStep,
  type TableReadOptions,
} from '../job/index.ts'
import { partitionOpener } from '../data/index.ts'
import { readOwnJson } from './json.ts'
import { CollectingPort, failure, finished, recordsStep, Room } from './fixtures/room.ts'
import { WORLDS, type TableWorld } from './fixtures/table-worlds.ts'

const row = record({
  region: field.text(),
  id: field.integer(),
  amount: field.decimal({ scale: 2 }),
  at: field.timestamp().optional(),
})
const copied = dataset('copied', { location: 'out/copied', format: jsonl(), contract: contract(1, row) })
function idOf(row: object): unknown {
  return 'id' in row ? row.id : null
}

const BY_ROWS = { by: 'rows', size: 30, count: null, key: null } as const

for (const [name, openWorld] of WORLDS) {
  describe(`a table of ${name} as a source`, () => {
    let world: TableWorld

    beforeAll(async () => {
      world = await openWorld()
    })
    afterAll(() => world[Symbol.asyncDispose]())
    beforeEach(async () => {
      await world.reset()
      const amount = world.database === 'postgres' ? 'numeric(12, 2)' : 'text'
      await world.run(
        `create table sales (region text not null, id bigint not null, amount ${amount} not null,
          at timestamp with time zone, primary key (region, id))`,
      )
      // Keys that a number cannot hold exactly, and text whose order is the database's own.
      const values = Array.from({ length: 100 }, (_, index) => {
        const region = ['eu', 'EU', 'us', 'ümlaut'][index % 4] ?? ''
        return `('${region}', ${index}, '${index}.25', ${index % 3 === 0 ? 'null' : `'2024-01-01 10:00:00.5+00'`})`
      })
      await world.run(`insert into sales values ${values.join(', ')}`)
      if (world.database === 'sqlite')
        await world.run(`update sales set at = '2024-01-01T10:00:00.500Z' where at is not null`)
    })

    function sales(read: TableReadOptions = {}): DatasetDefinition {
      return dataset('sales', { table: world.place('sales'), key: ['region', 'id'], contract: contract(1, row), read })
    }

    function room(
      read: TableReadOptions = {},
      partition: PartitionPolicy = BY_ROWS,
      parts: Partial<RecordsStep> = {},
    ): Promise<Room> {
      const step = recordsStep({
        input: { from: 'dataset', dataset: sales(read), windows: { select: 'whole' } },
        output: { dataset: copied, recordsPerPart: 1000 },
        partition,
        ...parts,
      })
      return Room.create([step], {}, world.environment)
    }

    async function recordsOf(
      here: Room,
      outputs: Awaited<ReturnType<Room['runStep']>>,
    ): Promise<readonly { readonly id: number; readonly amount: string; readonly at: string | null }[]> {
      const texts = await Promise.all(outputs.tasks.map(async ({ output }) => (await here.outcome(output)).main))
      return texts
        .join('')
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => readOwnJson<{ id: number; amount: string; at: string | null }>(line))
    }

    const EACH_ONCE = Array.from({ length: 100 }, (_, index) => index)

    for (const consistency of ['live', 'snapshot'] as const) {
      test(`${consistency}: cut by ranges of a key of two columns, each row is read once, exactly`, async () => {
        await using here = await room({ consistency })
        const { partitions } = await here.plan('rate')
        expect(partitions.length).toBeGreaterThan(2)
        const rows = await recordsOf(here, await here.runStep('rate'))
        expect(rows.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(EACH_ONCE)
        expect(rows.find(({ id }) => id === 7)).toMatchObject({ amount: '7.25', at: '2024-01-01T10:00:00.500Z' })
        expect(rows.find(({ id }) => id === 9)?.at).toBe(null)
      })

      test(`${consistency}: going on from any checkpoint gives the same records`, async () => {
        await using here = await room({ consistency }, { by: 'file', size: null, count: null, key: null })
        const { undisturbed, others } = await here.interruptedEverywhere('rate', await here.only('rate'))
        expect(others.length).toBeGreaterThan(10)
        for (const other of others) expect(other).toEqual(undisturbed)
      })
    }

    test('live: rows behind the last key of the plan are left alone', async () => {
      await using here = await room()
      const { partitions, summary } = await here.plan('rate')
      const [last] = await world.rows('select region from sales order by region desc limit 1')
      await world.run(`insert into sales values ('${String(last?.[0])}', 1000, '1.00', null)`)
      const tasks = []
      for (const partition of partitions) {
        tasks.push({ index: partition.index, output: finished(await here.attempt('rate', partition)) })
      }
      const rows = await recordsOf(here, { step: 'rate', tasks })
      expect(rows.map(({ id }) => id)).not.toContain(1000)
      expect(summary.snapshot?.files).toMatchObject([{ records: 100, live: true }])
    })

    test('snapshot: what changes after planning is not seen', async () => {
      await using here = await room({ consistency: 'snapshot' })
      const { partitions } = await here.plan('rate')
      await world.run(`delete from sales where id < 50`)
      const tasks = []
      for (const partition of partitions) {
        tasks.push({ index: partition.index, output: finished(await here.attempt('rate', partition)) })
      }
      const rows = await recordsOf(here, { step: 'rate', tasks })
      expect(rows.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(EACH_ONCE)
    })

    test('as of a mark: rows above it are left for later, wherever their keys are', async () => {
      await using here = await room({ asOf: 'id' })
      const { partitions } = await here.plan('rate')
      await world.run(`insert into sales values ('eu', 1000, '1.00', null)`)
      const tasks = []
      for (const partition of partitions) {
        tasks.push({ index: partition.index, output: finished(await here.attempt('rate', partition)) })
      }
      expect((await recordsOf(here, { step: 'rate', tasks })).map(({ id }) => id)).not.toContain(1000)
    })

    test('a checksum makes a changed row another snapshot; counts and bounds alone do not', async () => {
      const digestOf = async (checksum: boolean): Promise<string | undefined> => {
        await using here = await room({ checksum })
        return (await here.plan('rate')).summary.snapshot?.digest
      }
      const before = [await digestOf(false), await digestOf(true)]
      expect(await digestOf(true)).toBe(before[1])
      await world.run(`update sales set amount = '0.01' where id = 50`)
      expect(await digestOf(false)).toBe(before[0])
      expect(await digestOf(true)).not.toBe(before[1])
    })

    test('rows that do not meet the contract are dead letters with their number and their text', async () => {
      await world.run(`update sales set region = ' ' where id = 8`)
      await using here = await room(
        {},
        { by: 'file', size: null, count: null, key: null },
        { skip: { ratio: 1, count: null } },
      )
      const { deadLetters, counters } = await here.outcome(
        finished(await here.attempt('rate', await here.only('rate'))),
      )
      expect(counters).toMatchObject({ read: 100, written: 99, deadByContract: 1 })
      expect(deadLetters).toMatchObject([{ reason: 'blank', position: { record: 1 } }])
      expect(deadLetters[0]?.raw).toContain('8.25')
    })

    test('without a unique key that orders it a table is not read', async () => {
      await world.run('create table loose as select * from sales')
      const loose = dataset('loose', { table: world.place('loose'), key: ['id'], contract: contract(1, row) })
      const step = recordsStep({ input: { from: 'dataset', dataset: loose, windows: { select: 'whole' } } })
      await using here = await Room.create([step], {}, world.environment)
      await expect(here.plan('rate')).rejects.toThrow(/expected a unique index or primary key on \(id\)/)
    })

    for (const [where, taken, pieces] of [
      ['inside what was read', 10, 40],
      ['behind what was read', 1990, 2],
    ] as const) {
      test(`a reader is cut ${where}, and all pieces together give each row once`, async () => {
        await world.run('create table many (id bigint primary key)')
        const numbers = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < 7000)'
        await world.run(`insert into many ${numbers} select i from n`)
        const many = dataset('many', {
          table: world.place('many'),
          key: ['id'],
          contract: contract(1, record({ id: field.integer() })),
        })
        const policy = { by: 'file', size: null, count: null, key: null } as const
        const input = { from: 'dataset', dataset: many, windows: { select: 'whole' } } as const
        await using here = await Room.create([recordsStep({ input, partition: policy })], {}, world.environment)
        const whole = await here.only('rate')
        const open = partitionOpener({ dataset: many, policy, folders: here.folders, databases: here.host.databases })
        const reader = await open(whole, null)
        const first = await reader.read()
        if (first === null || reader.cut === undefined) throw new Error('expected rows, and a reader that can be cut')
        const cut = await reader.cut({ batch: first, taken, pieces })
        if ('refused' in cut) throw new Error(cut.refused)
        cut.take()
        const found = first.records.slice(0, cut.keep).map(idOf)
        for (let batch = await reader.read(); batch !== null; batch = await reader.read())
          found.push(...batch.records.map(idOf))
        await reader.close()
        expect(cut.rest).toHaveLength(pieces - 1)
        for (const piece of cut.rest) {
          const other = await open({ index: 0, ...piece }, null)
          for (let batch = await other.read(); batch !== null; batch = await other.read()) {
            // Records keep the numbers that they have in the whole partition.
            expect(batch.locate(0).record).toBe(found.length + 1)
            found.push(...batch.records.map(idOf))
          }
          await other.close()
        }
        expect(found).toEqual(Array.from({ length: 7000 }, (_, index) => index + 1))
      })
    }

    test('a port that is lost in the middle of a live table gives no row twice', async () => {
      await using here = await room({}, { by: 'file', size: null, count: null, key: null })
      const partition = await here.only('rate')
      const losing = new CollectingPort({ loseAt: 3 })
      expect(failure(await here.attempt('rate', partition, null, losing)).code).toBe('FENCED')
      const output = finished(await here.attempt('rate', partition, losing.checkpoints.at(-1) ?? null))
      const rows = await recordsOf(here, { step: 'rate', tasks: [{ index: 0, output }] })
      expect(rows.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(EACH_ONCE)
    })
  })
}
