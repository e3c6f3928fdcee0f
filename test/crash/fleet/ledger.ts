/**
 * A project whose job keeps a fleet busy and writes in every way: staged files, sums of them, rows of a table (in processes of
 * their own), and records sent to an address. Records are slow; dead letters are of two kinds.
 */
import { createServer } from 'node:http'
import path from 'node:path'
import { json } from 'node:stream/consumers'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'

const DAYS = 6
const LINES = 900

const JOB = `
import { contract, csv, dataset, field, http, job, jsonl, record, reject, sqlite } from 'batchwright'

const line = record({ id: field.text(), account: field.text(), amount: field.decimal({ scale: 2 }) })
const entry = record({ id: field.text(), account: field.text(), cents: field.integer() })
const total = record({ account: field.text(), entries: field.integer(), cents: field.integer() })

const lines = dataset('lines', { files: 'in/*.csv', format: csv(), contract: contract(1, line) })
const entries = dataset('entries', { location: 'out/entries', format: jsonl(), contract: contract(1, entry) })
const totals = dataset('totals', { location: 'out/totals', format: csv(), contract: contract(1, total) })
const book = dataset('book', {
  table: sqlite({ file: 'book.db', table: 'book' }),
  mode: 'insert',
  key: ['id'],
  contract: contract(1, entry),
})
const desk = http({
  url: process.env.LEDGER_DESK ?? 'http://127.0.0.1:9/',
  batch: 40,
  idempotencyKey: 'Idempotency-Key',
  body: (records, keys) => records.map(({ id }, at) => ({ key: keys[at], id })),
})

const pause = () => new Promise((resolve) => setTimeout(resolve, 2))

/** Slow enough that there is always something under way. */
async function enter({ id, account, amount }) {
  await pause()
  if (account === 'a13') return reject('closed_account')
  return { id, account, cents: Number(amount.times(100).toString()) }
}

export default job('ledger', {}, (steps) => {
  const entered = steps
    .records('enter')
    .read(lines)
    .process(enter)
    .rejects({ closed_account: '20%' })
    .skip('20%')
    .commit({ chunk: 10, everyChunks: 3 })
    .write(entries)
  steps
    .records('post')
    .read(entered)
    .process(async (row) => {
      await pause()
      return row
    })
    .commit({ chunk: 20, everyChunks: 2 })
    .isolation('process')
    .write(book)
  steps
    .records('tell')
    .read(entered)
    .commit({ chunk: 40, everyChunks: 2 })
    .write(desk)
  steps
    .reduce('sum')
    .read(entered)
    .by((row) => row.account)
    .fold({
      initial: () => ({ entries: 0, cents: 0 }),
      add: (sum, row) => ({ entries: sum.entries + 1, cents: sum.cents + row.cents }),
      finish: (sum, account) => ({ account, ...sum }),
    })
    .write(totals)
})
`

/** The project's files. Leases are short, so that deaths are noticed within a test. */
export function ledgerFiles(): Readonly<Record<string, string>> {
  const days = Array.from({ length: DAYS }, (_, at) => [`in/day-${String(at + 1)}.csv`, linesOf(at + 1)] as const)
  return {
    'jobs/ledger.ts': JOB,
    'batchwright.config.json': JSON.stringify({ worker: { lease: '2s', grace: '4s' } }),
    ...Object.fromEntries(days),
  }
}

/** Some lines are not what the contract says, some are of an account that is closed. */
function linesOf(day: number): string {
  const lines = Array.from({ length: LINES }, (_, at) => {
    const amount = at % 101 === 50 ? 'much' : `${String((at * 7 + day) % 1_000)}.${String(10 + (at % 90))}`
    return `${String(day)}-${String(at)},a${String(at % 29)},${amount}`
  })
  return ['id,account,amount', ...lines, ''].join('\n')
}

/** The table that the job writes. */
export function makeBook(folder: string): void {
  const book = new DatabaseSync(path.join(folder, 'book.db'))
  book.exec('create table book (id text primary key, account text not null, cents integer not null)')
  book.close()
}

/** Its rows, in order. */
export function bookOf(folder: string): readonly string[] {
  const book = new DatabaseSync(path.join(folder, 'book.db'), { readOnly: true })
  try {
    return book
      .prepare('select id, account, cents from book order by id')
      .all()
      .map((row) => JSON.stringify(row))
  } finally {
    book.close()
  }
}

/** The address that records are sent to: what it has had under a key, it has had. */
export interface Desk {
  readonly url: string
  /** Each key with what came under it, in order. */
  told(): readonly string[]
  close(): Promise<void>
}

const TOLD = z.array(z.object({ key: z.string(), id: z.string() }))

export async function openDesk(): Promise<Desk> {
  const had = new Map<string, Set<string>>()
  const server = createServer((request, response) => {
    json(request).then(
      (body) => {
        for (const { key, id } of TOLD.parse(body)) had.set(key, (had.get(key) ?? new Set()).add(id))
        response.end('{}')
      },
      // The sender was killed in the middle of it.
      () => response.destroy(),
    )
  })
  const listening = Promise.withResolvers<undefined>()
  server.listen(0, '127.0.0.1', () => {
    listening.resolve(undefined)
  })
  await listening.promise
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${String(port)}/`,
    told: () => [...had].map(([key, ids]) => `${key} ${[...ids].join()}`).sort(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
