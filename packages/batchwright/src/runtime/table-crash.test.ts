/** Steps that write tables, killed at every point between the commit of the rows and that of the run; and cut off. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { contract, dataset, field, record } from '../job/index.ts'
import { armFailPoint, type FailPoint } from '../kernel/failpoint.ts'
import type { AttemptEnd } from '../protocol/index.ts'
import { deafProxy } from './fixtures/deaf-proxy.ts'
import { ANY, process as operation } from './fixtures/rate-step.ts'
import { lines, linesCsv, rate } from './fixtures/retail.ts'
import { CollectingPort, failure, finished, recordsStep, Room } from './fixtures/room.ts'
import type { WriterTask } from './fixtures/table-writer.child.ts'
import { postgresWorld, WORLDS, type TableWorld } from './fixtures/table-worlds.ts'
import { readOwnJson } from './json.ts'

const CHILD = fileURLToPath(new URL('./fixtures/table-writer.child.ts', import.meta.url))
const DIRTY = linesCsv(60, { 11: 'INV4,x,1.25', 33: 'INV4,1' })

/** One attempt in a process of its own; null where it was killed. */
async function attempt(task: WriterTask, world: TableWorld, armed = ''): Promise<AttemptEnd | null> {
  const child = spawn(process.execPath, ['--conditions=batchwright-source', CHILD, JSON.stringify(task)], {
    env: { ...process.env, ...world.environment, BATCHWRIGHT_FAIL_POINTS: armed },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_, signal) => {
      resolve(signal)
    })
  })
  const said = await text(child.stdout)
  return (await ended) === 'SIGKILL' ? null : readOwnJson<AttemptEnd>(said)
}

async function tableFor(world: TableWorld): Promise<void> {
  await world.reset()
  const amount = world.database === 'postgres' ? 'numeric(12, 2)' : 'text'
  await world.run(`create table rated (number integer primary key, invoice text not null, amount ${amount})`)
}

for (const [name, openWorld] of WORLDS) {
  describe(`killed while it writes a table of ${name}`, () => {
    let world: TableWorld
    let root = ''
    beforeAll(async () => {
      world = await openWorld()
    })
    afterAll(() => world[Symbol.asyncDispose]())
    beforeEach(async () => {
      await tableFor(world)
      root = mkdtempSync(path.join(tmpdir(), 'batchwright-table-crash-'))
      writeFileSync(path.join(root, 'lines.csv'), DIRTY)
      return () => {
        rmSync(root, { recursive: true, force: true })
      }
    })

    const points: readonly (readonly [FailPoint, number])[] = [
      ['table.opened', 1],
      ['table.rows-written', 3],
      ['table.before-commit', 2],
      ['table.committed', 2],
      ['loop.checkpointed', 2],
      ['loop.finished', 1],
    ]
    for (const [point, times] of points) {
      test(`at ${point} it goes on without a row lost or doubled, and counts as if nothing had been`, async () => {
        const task: WriterTask = { root, place: world.place('rated'), mode: 'insert', fence: 1 }
        expect(await attempt(task, world, `${point}@${times}=kill`)).toBe(null)
        const end = await attempt({ ...task, fence: 2 }, world)
        if (end === null) throw new Error('the second attempt was killed')
        const output = finished(end)
        expect(output.counters).toMatchObject({
          read: 60,
          accepted: 58,
          written: 58,
          deadByContract: 2,
          reasons: { bad_number: 1, field_count: 1 },
        })
        expect(output.deadLetters.reduce((sum, part) => sum + part.records, 0)).toBe(2)
        expect(output.outputs['main']).toMatchObject([{ records: 58 }])
        expect(await world.rows('select count(*), count(distinct number) from rated')).toEqual([['58', '58']])
      })
    }
  })
}

describe('a connection to PostgreSQL that is cut', () => {
  let world: TableWorld
  beforeAll(async () => {
    world = await postgresWorld()
  })
  afterAll(() => world[Symbol.asyncDispose]())
  beforeEach(() => tableFor(world))

  const row = record({ number: field.integer(), invoice: field.text(), amount: field.decimal({ scale: 2 }) })

  function room(attempts: number, url = world.environment['TABLES_URL'] ?? ''): Promise<Room> {
    const rated = dataset('rated', {
      table: world.place('rated'),
      mode: 'insert',
      key: ['number'],
      contract: contract(1, row),
    })
    const step = recordsStep({
      input: { from: 'dataset', dataset: lines, windows: { select: 'whole' } },
      output: { dataset: rated, recordsPerPart: 1000 },
      operations: [operation((line, { position }) => ({ number: position.record, ...rate(line) }))],
      skip: ANY,
      retry: { attempts, firstMs: 1, maxMs: 1, multiplier: 1, jitter: 0, errors: [] },
    })
    return Room.create([step], { 'lines.csv': DIRTY }, { TABLES_URL: url })
  }

  for (const point of ['table.rows-written', 'table.before-commit', 'table.committed'] as const) {
    test(`at ${point} is opened again, and the progress row says what the last commit was`, async () => {
      await using here = await room(3)
      const partition = await here.only('rate')
      let cut = false
      const disarm = armFailPoint(point, 3, () => {
        world.cut()
        cut = true
      })
      const port = new CollectingPort()
      const output = finished(await here.attempt('rate', partition, null, port))
      disarm()
      expect(cut).toBe(true)
      expect(port.lines.map((line) => line.fields?.['code'])).toEqual(['TABLE_CONNECTION_LOST'])
      expect(output.counters).toMatchObject({ read: 60, written: 58 })
      expect(await world.rows('select count(*), count(distinct number) from rated')).toEqual([['58', '58']])
    })
  }

  test('in the middle of a COMMIT whose answer nobody hears, is opened again and finds it done', async () => {
    await using proxy = await deafProxy(world.environment['TABLES_URL'] ?? '')
    await using here = await room(3, proxy.url)
    const partition = await here.only('rate')
    // The first is that of the opening.
    proxy.deafenAt(4)
    const output = finished(await here.attempt('rate', partition))
    expect(proxy.lost).toBe(1)
    expect(output.counters).toMatchObject({ read: 60, written: 58, deadByContract: 2 })
    expect(await world.rows('select count(*), count(distinct number) from rated')).toEqual([['58', '58']])
    expect(await world.rows('select sent, changed from batchwright_progress')).toEqual([['58', '58']])
  })

  test('where tries are used up it fails as what may pass, and the next attempt goes on', async () => {
    await using here = await room(1)
    const partition = await here.only('rate')
    const disarm = armFailPoint('table.rows-written', 3, () => {
      world.cut()
    })
    const port = new CollectingPort()
    const error = failure(await here.attempt('rate', partition, null, port))
    disarm()
    expect(error).toMatchObject({ code: 'TABLE_CONNECTION_LOST', retryable: true })
    const output = finished(await here.attempt('rate', partition, port.checkpoints.at(-1) ?? null))
    expect(output.counters).toMatchObject({ read: 60, written: 58 })
    expect(await world.rows('select count(*) from rated')).toEqual([['58']])
  })

  test('a zombie that was stopped in the middle of a transaction does not hold up the attempt after it', async () => {
    const asleep = Promise.withResolvers<undefined>()
    const stopped = Promise.withResolvers<undefined>()
    let zombie = true
    const rated = dataset('rated', {
      table: world.place('rated'),
      mode: 'insert',
      key: ['number'],
      contract: contract(1, row),
    })
    const stalling = recordsStep({
      input: { from: 'dataset', dataset: lines, windows: { select: 'whole' } },
      output: { dataset: rated, recordsPerPart: 1000 },
      operations: [
        operation(async (line, { position }) => {
          // The first chunk after a commit is written: its transaction is open, and holds its rows.
          if (zombie && position.record === 22) {
            stopped.resolve(undefined)
            await asleep.promise
          }
          return { number: position.record, ...rate(line) }
        }),
      ],
      skip: ANY,
    })
    await using other = await Room.create([stalling], { 'lines.csv': DIRTY }, world.environment)
    const partition = await other.only('rate')
    const first = new CollectingPort()
    const dying = other.attempt('rate', partition, null, first)
    await stopped.promise
    zombie = false
    const output = finished(await other.attempt('rate', partition, first.checkpoints.at(-1) ?? null))
    asleep.resolve(undefined)
    expect(failure(await dying).code).toBe('TABLE_CONNECTION_LOST')
    expect(output.counters).toMatchObject({ read: 60, written: 58 })
    expect(await world.rows('select count(*), count(distinct number) from rated')).toEqual([['58', '58']])
  })
})
