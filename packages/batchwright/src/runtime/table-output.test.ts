import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { contract, dataset, field, record, type DatasetDefinition, type RecordsStep } from '../job/index.ts'
import type { TaskOutput } from '../protocol/index.ts'
import { ANY, process } from './fixtures/rate-step.ts'
import { linesCsv, lines, rate } from './fixtures/retail.ts'
import { CollectingPort, failure, finished, recordsStep, Room } from './fixtures/room.ts'
import { WORLDS, type TableWorld } from './fixtures/table-worlds.ts'

const ratedRow = record({ number: field.integer(), invoice: field.text(), amount: field.decimal({ scale: 2 }) })
const TABLE = `create table rated (number integer primary key, invoice text not null, amount AMOUNT)`
const ALL = 'select number, invoice, amount from rated order by number'

for (const [name, openWorld] of WORLDS) {
  describe(`a table of ${name}`, () => {
    let world: TableWorld
    let rated: DatasetDefinition

    beforeAll(async () => {
      world = await openWorld()
    })
    afterAll(() => world[Symbol.asyncDispose]())
    beforeEach(async () => {
      await world.reset()
      await world.run(TABLE.replace('AMOUNT', world.database === 'postgres' ? 'numeric(12, 2)' : 'text'))
      rated = dataset('rated', {
        table: world.place('rated'),
        mode: 'insert',
        key: ['number'],
        contract: contract(1, ratedRow),
      })
    })

    const numbered = process((line, { position }) => ({ number: position.record, ...rate(line) }))

    function stepOf(parts: Partial<RecordsStep> = {}): RecordsStep {
      return recordsStep({
        input: { from: 'dataset', dataset: lines, windows: { select: 'whole' } },
        output: { dataset: rated, recordsPerPart: 1000 },
        operations: [numbered],
        skip: ANY,
        ...parts,
      })
    }

    function room(text: string, parts: Partial<RecordsStep> = {}): Promise<Room> {
      return Room.create([stepOf(parts)], { 'lines.csv': text }, world.environment)
    }

    const dirty = linesCsv(50, { 11: 'INV4,x,1.25', 12: 'INV4,1' })

    async function comesTo(here: Room, output: TaskOutput): Promise<object> {
      const { deadLetters, counters } = await here.outcome({ ...output, outputs: {} })
      return {
        rows: await world.rows(ALL),
        deadLetters,
        counters,
        parts: output.outputs['main']?.map((part) => part.records),
      }
    }

    async function emptied(): Promise<void> {
      await world.run('delete from rated')
      await world.run('delete from batchwright_progress')
    }

    test('an attempt that is lost between the commit of the rows and that of the run loses no count and doubles no row', async () => {
      await using here = await room(dirty)
      const partition = await here.only('rate')
      const port = new CollectingPort()
      const undisturbed = await comesTo(here, finished(await here.attempt('rate', partition, null, port)))
      expect(undisturbed).toMatchObject({ counters: { read: 50, written: 48, deadByContract: 2 }, parts: [48] })
      expect(port.checkpoints.length).toBeGreaterThan(3)
      for (let lost = 1; lost <= port.checkpoints.length; lost += 1) {
        await emptied()
        const losing = new CollectingPort({ loseAt: lost })
        expect(failure(await here.attempt('rate', partition, null, losing)).code).toBe('FENCED')
        // The table is one commit ahead of what the run was told.
        const known = losing.checkpoints.at(-1) ?? null
        const [row] = await world.rows('select sequence from batchwright_progress')
        expect(row).toEqual([String(lost)])
        expect(await comesTo(here, finished(await here.attempt('rate', partition, known)))).toEqual(undisturbed)
      }
    })

    test('a row that the table refuses is found by halving and set aside; all others are written', async () => {
      await world.run(`insert into rated values (5, 'taken', '1.00'), (31, 'taken', '1.00')`)
      await using here = await room(linesCsv(40))
      const output = finished(await here.attempt('rate', await here.only('rate')))
      const { deadLetters, counters } = await here.outcome({ ...output, outputs: {} })
      expect(deadLetters.map(({ position, reason }) => [position.record, reason])).toEqual([
        [5, 'TABLE_ROW_REFUSED'],
        [31, 'TABLE_ROW_REFUSED'],
      ])
      expect(deadLetters[0]?.message).toMatch(/unique/i)
      expect(counters).toMatchObject({ read: 40, written: 38, deadByError: 2 })
      expect(await world.rows('select count(*) from rated')).toEqual([['40']])
      expect(await world.rows('select sent, changed from batchwright_progress')).toEqual([['38', '38']])
    })

    test('a zombie that wakes after another attempt has taken over is refused, and its rows are not there', async () => {
      const asleep = Promise.withResolvers<undefined>()
      const stopped = Promise.withResolvers<undefined>()
      let zombie = true
      const stalling = process(async (line, { position }) => {
        if (zombie && position.record === 15) {
          stopped.resolve(undefined)
          await asleep.promise
        }
        return { number: position.record, ...rate(line) }
      })
      await using here = await room(linesCsv(40), { operations: [stalling] })
      const partition = await here.only('rate')
      const first = new CollectingPort()
      const dying = here.attempt('rate', partition, null, first)
      await stopped.promise
      zombie = false
      const output = finished(await here.attempt('rate', partition, first.checkpoints.at(-1) ?? null))
      asleep.resolve(undefined)
      expect(failure(await dying).code).toBe('FENCED')
      expect(output.counters).toMatchObject({ read: 40, written: 40 })
      expect(await world.rows('select count(*), count(distinct number) from rated')).toEqual([['40', '40']])
    })

    test('a zombie that opens the table late is refused before it writes', async () => {
      await using here = await room(linesCsv(20))
      const partition = await here.only('rate')
      finished(await here.attempt('rate', partition))
      await world.run('update batchwright_progress set fence = 1000')
      expect(failure(await here.attempt('rate', partition))).toMatchObject({ code: 'FENCED' })
      expect(await world.rows('select count(*) from rated')).toEqual([['20']])
    })

    test('a database that stands before what the run knows is refused, not gone on from', async () => {
      await using here = await room(linesCsv(40))
      const partition = await here.only('rate')
      const port = new CollectingPort()
      finished(await here.attempt('rate', partition, null, port))
      await world.run('delete from batchwright_progress')
      const error = failure(await here.attempt('rate', partition, port.checkpoints[1] ?? null))
      expect(error).toMatchObject({ code: 'TABLE_PROGRESS_BEHIND', details: { expected: 2, found: 0 } })
    })

    describe('upsert', () => {
      beforeEach(() => {
        rated = dataset('rated', {
          table: world.place('rated'),
          mode: 'upsert',
          key: ['number'],
          contract: contract(1, ratedRow),
        })
      })

      test('rows take the place of those with their key, the last of a key winning, inside a chunk and after it', async () => {
        await world.run(`insert into rated values (1, 'before', '0.00'), (99, 'untouched', '0.00')`)
        const modulo = process((line, { position }) => ({
          number: position.record % 4,
          ...rate(line),
          invoice: `L${String(position.record)}`,
        }))
        await using here = await room(linesCsv(30), { operations: [modulo] })
        const output = finished(await here.attempt('rate', await here.only('rate')))
        expect(output.counters).toMatchObject({ written: 30 })
        expect(await world.rows('select number, invoice from rated order by number')).toEqual([
          ['0', 'L28'],
          ['1', 'L29'],
          ['2', 'L30'],
          ['3', 'L27'],
          ['99', 'untouched'],
        ])
      })

      test('without a unique key on the table it is refused before anything runs, naming what there is', async () => {
        await world.run('create table loose (number integer, invoice text, amount text)')
        rated = dataset('rated', {
          table: world.place('loose'),
          mode: 'upsert',
          key: ['number'],
          contract: contract(1, record({ number: field.integer(), invoice: field.text() })),
        })
        await using here = await room(linesCsv(3))
        await expect(here.plan('rate')).rejects.toThrow(
          /TABLE_DIFFERS.+key: expected a unique index or primary key on \(number\), found no unique index/,
        )
      })
    })

    test('what does not fit the contract is named: column, expected, found', async () => {
      await world.run(
        world.database === 'postgres'
          ? 'create table other (number bytea, "Invoice" text, must integer not null)'
          : 'create table other (number real, "Invoice" text, must integer not null)',
      )
      rated = dataset('rated', { table: world.place('other'), mode: 'insert', contract: contract(1, ratedRow) })
      await using here = await room(linesCsv(3))
      const words = [
        'TABLE_DIFFERS.+column number: expected .+, found (bytea|REAL)',
        'column invoice: expected a column for the field invoice, found none',
        'column must: expected a field for it in the contract \\(not null, no default\\), found none',
      ]
      for (const expected of words) await expect(here.plan('rate')).rejects.toThrow(new RegExp(expected, 'i'))
    })

    test('every value arrives as it was, whatever is in it', async () => {
      const kinds = record({
        id: field.integer().column('The "id"'),
        text: field.text().optional(),
        amount: field.decimal({ scale: 4 }).optional(),
        ratio: field.number().optional(),
        yes: field.boolean().optional(),
        day: field.date().optional(),
        at: field.timestamp().optional(),
        local: field.timestamp({ local: true }).optional(),
        word: field.oneOf(['a', 'b']).optional(),
        data: field.json().optional(),
      })
      const exact = world.database === 'postgres' ? 'numeric(30, 4)' : 'text'
      await world.run(
        `create table "Odd ""name""" ("The ""id""" integer primary key, text text, amount ${exact}, ratio double precision, yes boolean,
          day date, at timestamp with time zone, local timestamp, word text, data ${world.database === 'postgres' ? 'jsonb' : 'text'})`,
      )
      const nasty = `tab\t new\nline \\N \\. "quotes" 'single' {a,b} NULL ünï 😀 \r end`
      const made = [
        { text: nasty, amount: '12345678901234567890.1234', ratio: 0.1, yes: true, day: '2024-02-29' },
        { at: '2024-02-29T23:59:59.123Z', local: '2024-02-29T23:59:59', word: 'b', data: { deep: [1, nasty, null] } },
        { text: '\\N', amount: '-0.0001', ratio: 1e-9, yes: false, data: 'just text' },
      ]
      rated = dataset('rated', { table: world.place('Odd "name"'), mode: 'insert', contract: contract(1, kinds) })
      const none = {
        text: null,
        amount: null,
        ratio: null,
        yes: null,
        day: null,
        at: null,
        local: null,
        word: null,
        data: null,
      }
      const { Decimal } = await import('../kernel/decimal.ts')
      const all = process((_, { position }) => {
        const { amount, ...others } = { amount: null, ...made[position.record - 1] }
        return { id: position.record, ...none, ...others, amount: amount === null ? null : Decimal.from(amount) }
      })
      await using here = await room(linesCsv(3), { operations: [all] })
      finished(await here.attempt('rate', await here.only('rate')))
      const rows = await world.rows(
        `select text, amount, ratio, yes, day, at, local, word, data from "Odd ""name""" order by 1`,
      )
      expect(rows).toHaveLength(3)
      const found = rows.flat()
      expect(found).toContain(nasty)
      expect(found).toContain('\\N')
      expect(found).toContain('12345678901234567890.1234')
      expect(found).toContain('-0.0001')
      expect(found.filter((value) => value === null)).toHaveLength(27 - 14)
    })

    test('an output for readers in the run keeps in step with the table', async () => {
      await world.run(`insert into rated values (5, 'taken', '1.00')`)
      await using here = await room(linesCsv(40), { readInside: true })
      const partition = await here.only('rate')
      const losing = new CollectingPort({ loseAt: 2 })
      await here.attempt('rate', partition, null, losing)
      const { outputs } = finished(await here.attempt('rate', partition, losing.checkpoints.at(-1) ?? null))
      expect(outputs['inside']?.reduce((sum, part) => sum + part.records, 0)).toBe(39)
      expect(outputs['main']).toMatchObject([{ format: 'table', records: 39 }])
    })
  })
}
