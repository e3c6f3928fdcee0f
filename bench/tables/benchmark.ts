/**
 * Writing tables: the sink of PostgreSQL against one bare COPY of the same rows, the sink of SQLite against a bare prepared
 * insert, in the same process and on the same server, taking turns. Then whole runs of a job that reads a CSV and writes the
 * table, from the start of the command to its end. Rows are counted after each.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { openTableSink } from '../../packages/batchwright/src/data/index.ts'
import { PostgresConnection } from '../../packages/batchwright/src/data/tables/postgres-connection.ts'
import { copyLines, textWriters } from '../../packages/batchwright/src/data/tables/values.ts'
import { contract, dataset, field, postgres, record, sqlite } from '../../packages/batchwright/src/job/index.ts'
import type { DatasetDefinition, TableMode } from '../../packages/batchwright/src/job/index.ts'
import { Decimal } from '../../packages/batchwright/src/kernel/decimal.ts'
import { NO_COUNTERS } from '../../packages/batchwright/src/protocol/index.ts'
import { asAdministrator } from '../../test/postgres/index.ts'
import { measure, median } from '../measure.ts'
import { benchPostgres } from '../postgres.ts'

const CLI = path.join(import.meta.dirname, '../../packages/batchwright/dist/cli.js')
const COLUMNS = 'id, customer, day, quantity, price'
const row = record({
  id: field.integer(),
  customer: field.text(),
  day: field.date(),
  quantity: field.integer(),
  price: field.decimal({ scale: 2 }),
})
const CHUNK = 1000
const CHUNKS_PER_COMMIT = 100

type Row = Readonly<Record<string, unknown>>

function rowsOf(count: number): readonly Row[] {
  return Array.from({ length: count }, (_, index) => ({
    id: index,
    customer: `C${String((index * 7919) % 50_000).padStart(6, '0')}`,
    day: `2011-${String((index % 12) + 1).padStart(2, '0')}-${String((index % 28) + 1).padStart(2, '0')}`,
    quantity: index % 90,
    price: Decimal.from(`${index % 1000}.${String(index % 100).padStart(2, '0')}`),
  }))
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

/** One COPY of all rows in one transaction, its text made a piece at a time: nothing else is done. */
async function bareCopy(url: string, rows: readonly Row[]): Promise<void> {
  await asAdministrator(url, async (client) => {
    const writers = textWriters(row.fields)
    const connection = new PostgresConnection(client, 'bare')
    await connection.begin()
    const pieces: Buffer[] = []
    for (let from = 0; from < rows.length; from += CHUNK) {
      pieces.push(copyLines(rows.slice(from, from + CHUNK), writers, null))
    }
    await connection.copy(`copy sales (${COLUMNS}) from stdin`, Buffer.concat(pieces))
    await connection.commit()
  })
}

function bareInsert(file: string, rows: readonly Row[]): Promise<void> {
  const db = new DatabaseSync(file)
  const insert = db.prepare(`insert into sales (${COLUMNS}) values (?, ?, ?, ?, ?)`)
  for (let from = 0; from < rows.length; from += CHUNK * CHUNKS_PER_COMMIT) {
    db.exec('begin immediate')
    for (const each of rows.slice(from, from + CHUNK * CHUNKS_PER_COMMIT)) {
      insert.run(
        Number(each['id']),
        String(each['customer']),
        String(each['day']),
        Number(each['quantity']),
        String(each['price']),
      )
    }
    db.exec('commit')
  }
  db.close()
  return Promise.resolve()
}

let runs = 0

/** Through the sink, as the records loop does: chunks of 1,000, a commit with position after 100 of them. */
async function throughSink(
  sales: DatasetDefinition,
  project: string,
  url: string,
  rows: readonly Row[],
): Promise<void> {
  runs += 1
  const key = { runId: `r${runs}`, step: 's', taskId: runs, job: 'j', windowKey: '', revision: 1, dataset: 'sales' }
  const access = { databases: { urlOf: () => Promise.resolve(url) }, project }
  const sink = await openTableSink(sales, access, { key, fence: 1, codeVersion: 'c', known: 0, lost: null })
  let sequence = 0
  for (let from = 0, chunks = 1; from < rows.length; from += CHUNK, chunks += 1) {
    await sink.write(rows.slice(from, from + CHUNK))
    if (chunks % CHUNKS_PER_COMMIT > 0 && from + CHUNK < rows.length) continue
    sequence += 1
    const nothing = { sealed: [], open: null }
    const around = {
      counters: NO_COUNTERS,
      controls: {},
      outputs: {},
      deadLetters: nothing,
      state: null,
      codeVersion: 'c',
    }
    await sink.seal({ engine: 1, sequence, position: { from }, ...around })
  }
  await sink.finish()
}

function salesOf(mode: TableMode, file: string | null): DatasetDefinition {
  const table = file === null ? postgres({ url: 'BENCH_URL', table: 'sales' }) : sqlite({ file, table: 'sales' })
  return dataset('sales', { table, mode, key: ['id'], contract: contract(1, row) })
}

const JOB = (table: string): string => `
import { job, dataset, csv, contract, record, field, postgres, sqlite } from 'batchwright'
const row = record({ id: field.integer(), customer: field.text(), day: field.date(), quantity: field.integer(), price: field.decimal({ scale: 2 }) })
const raw = dataset('raw', { files: 'rows.csv', format: csv(), contract: contract(1, row) })
const sales = dataset('sales', { table: ${table}, mode: 'insert', key: ['id'], contract: contract(1, row) })
export default job('load', {}, (steps) => {
  steps.records('load').read(raw).process((line) => line).partition('file').write(sales)
})
`

async function runJob(folder: string, table: string, url: string, rows: readonly Row[]): Promise<number> {
  const project = mkdtempSync(path.join(folder, 'project-'))
  mkdirSync(path.join(project, 'jobs'))
  writeFileSync(path.join(project, 'jobs', 'load.ts'), JOB(table))
  const lines = rows.map((each) => Object.values(each).join(','))
  writeFileSync(path.join(project, 'rows.csv'), `${['id,customer,day,quantity,price', ...lines].join('\n')}\n`)
  process.env['BENCH_URL'] = url
  const { seconds } = await measure([CLI, 'run', 'load', '--slots', '1', '--project', project], { cwd: project })
  return seconds
}

const TABLE = (price: string): string =>
  `drop table if exists sales; drop table if exists batchwright_progress; drop table if exists batchwright_publications; create table sales (id integer primary key, customer text not null, day date not null, quantity integer not null, price ${price} not null)`

export async function tablesBenchmark(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '300000' },
      repeats: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
    },
  })
  const rows = rowsOf(Number(values.rows))
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-bench-tables-'))
  const server = await benchPostgres()
  const times = new Map<string, number[]>()
  const note = (name: string, seconds: number): void => {
    times.set(name, [...(times.get(name) ?? []), seconds])
  }
  try {
    const { url } = await server.database()
    const empty = (): Promise<void> =>
      asAdministrator(url, async (client) => {
        await client.query(TABLE('numeric(12, 2)'))
      })
    const count = (): Promise<void> =>
      asAdministrator(url, async (client) => {
        const { rows: found } = await client.query<{ count: string }>('select count(*) from sales')
        if (Number(found[0]?.count) !== rows.length)
          throw new Error(`expected ${rows.length} rows, found ${found[0]?.count ?? 'none'}`)
      })
    const file = path.join(folder, 'bench.db')
    const emptyFile = (): void => {
      const db = new DatabaseSync(file)
      db.exec(`pragma journal_mode = wal; ${TABLE('text')}`)
      db.close()
    }
    for (let repeat = 0; repeat < Number(values.repeats); repeat += 1) {
      await empty()
      note('bareCopy', await timed(() => bareCopy(url, rows)))
      await count()
      await empty()
      note('insert', await timed(() => throughSink(salesOf('insert', null), folder, url, rows)))
      await count()
      await empty()
      note('upsertNew', await timed(() => throughSink(salesOf('upsert', null), folder, url, rows)))
      note('upsertAgain', await timed(() => throughSink(salesOf('upsert', null), folder, url, rows)))
      await count()
      await empty()
      note('job', await runJob(folder, `postgres({ url: 'BENCH_URL', table: 'sales' })`, url, rows))
      await count()
      emptyFile()
      note('bareSqlite', await timed(() => bareInsert(file, rows)))
      emptyFile()
      note('sqliteInsert', await timed(() => throughSink(salesOf('insert', file), folder, url, rows)))
      emptyFile()
      note('sqliteJob', await runJob(folder, `sqlite({ file: ${JSON.stringify(file)}, table: 'sales' })`, url, rows))
    }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const rate = (name: string): number => Math.round(rows.length / median(times.get(name) ?? []))
  const figures = {
    rows: rows.length,
    repeats: Number(values.repeats),
    rowsPerSecond: Object.fromEntries([...times.keys()].map((name) => [name, rate(name)])),
    insertOverBareCopy: rate('insert') / rate('bareCopy'),
    sqliteOverBare: rate('sqliteInsert') / rate('bareSqlite'),
    machine: { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length },
  }
  if (values.json) console.log(JSON.stringify(figures))
  else {
    for (const [name, speed] of Object.entries(figures.rowsPerSecond)) console.log(`${name.padEnd(14)} ${speed} rows/s`)
    console.log(
      `insert is ${figures.insertOverBareCopy.toFixed(2)} of a bare COPY, SQLite ${figures.sqliteOverBare.toFixed(2)} of a bare prepared insert`,
    )
  }
}
