import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contract, csv, field, jsonl, parquet, record, tsv, type FormatDefinition } from '../job/index.ts'
import { dataset } from '../job/dataset.ts'
import type { DatasetDefinition } from '../job/model.ts'
import { Decimal } from '../kernel/decimal.ts'
import type { Part, SinkState } from '../protocol/index.ts'
import {
  copyTo,
  openDatasetSink,
  openDuckDb,
  publishIntent,
  readPart,
  readPublished,
  viewOverParts,
  type DuckDb,
} from './index.ts'

const FORMATS: Readonly<Record<string, FormatDefinition>> = {
  jsonl: jsonl(),
  csv: csv(),
  tsv: tsv(),
  semicolons: csv({ delimiter: ';', quote: "'" }),
  parquet: parquet(),
}

const row = record({
  invoice: field.text().column('Invoice No'),
  amount: field.decimal({ scale: 3 }),
  total: field.decimal({ scale: 2 }).optional(),
  lines: field.integer(),
  share: field.number().optional(),
  paid: field.boolean(),
  day: field.date(),
  at: field.timestamp(),
  local: field.timestamp({ local: true }).optional(),
  kind: field.oneOf(['invoice', 'credit']),
  extra: field.json().optional(),
})

function definition(format: FormatDefinition): DatasetDefinition {
  return dataset('invoices', { location: 'out/invoices', format, contract: contract(1, row) })
}

const first = {
  invoice: 'A "quoted", pound £; it\'s\na new line',
  amount: Decimal.from('-12345678901234567890123456789012345.123'),
  total: null,
  lines: 9007199254740991,
  share: 0.1,
  paid: true,
  day: '2011-01-04',
  at: '2011-01-04T10:00:00.120Z',
  local: null,
  kind: 'credit',
  extra: { list: [1, 'two', null] },
}

function rows(from: number, to: number): (typeof first)[] {
  return Array.from({ length: to - from }, (_, index) => ({
    ...first,
    invoice: `I${from + index}`,
    amount: Decimal.from(`${from + index}.100`),
  }))
}

let root = ''
let attempts = 0
let db: DuckDb | null = null
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'batchwright-datasets-'))
})
afterEach(() => {
  db?.close()
  db = null
  rmSync(root, { recursive: true })
})

function sinkOptions(resume: SinkState | null = null): Parameters<typeof openDatasetSink>[1] {
  attempts += 1
  return { folder: path.join(root, `0-f${attempts}`), name: 'main', codeVersion: 'code', resume, recordsPerPart: 4 }
}

async function stage(format: FormatDefinition, records: readonly object[]): Promise<readonly Part[]> {
  const sink = await openDatasetSink(definition(format), sinkOptions())
  await sink.write(records)
  return await sink.finish()
}

async function openDb(): Promise<DuckDb> {
  db = await openDuckDb({ memoryBytes: 256 * 1024 * 1024, threads: 1, spillFolder: path.join(root, 'spill') })
  return db
}

async function recordsIn(format: FormatDefinition, parts: readonly Part[]): Promise<object[]> {
  const records: object[] = []
  for (const part of parts) for await (const list of readPart(part.path, definition(format))) records.push(...list)
  return records
}

describe.each(Object.entries(FORMATS))('%s', (_, format) => {
  test('gives back every value as it was written, decimals to the last digit', async () => {
    const written = [first, ...rows(1, 10)]
    const parts = await stage(format, written)
    expect(parts.map((part) => part.records)).toEqual([4, 4, 2])
    expect(await recordsIn(format, parts)).toEqual(written)
  })

  test('in SQL, decimals are exact, dates are dates, and rows stand in their order', async () => {
    const parts = await stage(format, [first, ...rows(1, 6)])
    const sql = await openDb()
    await viewOverParts(sql, 'invoices', definition(format), parts)
    const result = await sql.query(
      `SELECT sum(amount)::VARCHAR, string_agg(invoice, '|'), min(day) + INTERVAL 1 DAY, min("at"), count(total) FROM invoices`,
    )
    for await (const chunk of result.chunks) {
      expect(chunk.values.map(([value]) => String(value))).toEqual([
        '-12345678901234567890123456789012329.623',
        `${first.invoice}|I1|I2|I3|I4|I5`,
        '2011-01-05 00:00:00',
        '2011-01-04 10:00:00.12+00',
        '0',
      ])
    }
    expect(result.columns.map(({ type }) => type)).toContain('TIMESTAMP WITH TIME ZONE')
  })

  test('a query over it staged as the same dataset gives the same bytes', async () => {
    const parts = await stage(format, [first, ...rows(1, 10)])
    const sql = await openDb()
    await viewOverParts(sql, 'invoices', definition(format), parts)
    const columns = 'extra, kind, local, "at", day, paid, share, lines, total, amount, invoice'
    const copied = await copyTo(sql, {
      query: `SELECT ${columns} FROM invoices`,
      dataset: definition(format),
      sink: sinkOptions(),
      signal: new AbortController().signal,
    })
    expect(copied.records).toBe(10)
    expect(copied.parts.map((part) => part.sha256)).toEqual(parts.map((part) => part.sha256))
  })

  test('stopped and gone on with, it gives the bytes of an undisturbed sink', async () => {
    const expected = await stage(format, rows(0, 11))
    let state: SinkState | null = null
    for (let at = 0; at < 11; at += 3) {
      const sink = await openDatasetSink(definition(format), sinkOptions(state))
      await sink.write(rows(at, Math.min(11, at + 3)))
      state = await sink.commit()
      await sink.write(rows(100, 106))
      await sink.abort()
    }
    const parts = await (await openDatasetSink(definition(format), sinkOptions(state))).finish()
    expect(parts.map((part) => part.sha256)).toEqual(expected.map((part) => part.sha256))
  })

  test('published, it is printed as CSV and as JSON Lines, whatever it is stored as', async () => {
    const parts = await stage(format, [first, ...rows(1, 6)])
    const folder = path.join(root, 'out')
    const manifest = await publishIntent({
      folder,
      intent: { dataset: 'invoices', window: null, number: 1, step: 'invoice' },
      parts,
      format: format.format,
      contractVersion: 1,
      run: { id: 'run', job: 'billing', revision: 1, codeVersion: 'code' },
      inputs: [],
      controls: {},
      createdAt: '2011-02-01T00:00:00Z',
    })
    const print = async (as: 'csv' | 'jsonl'): Promise<string> => {
      const pieces: Uint8Array[] = []
      for await (const piece of readPublished({ folder, manifest, dataset: definition(format), as })) pieces.push(piece)
      return Buffer.concat(pieces).toString()
    }
    const line = row.compileJson()
    expect(await print('jsonl')).toBe([first, ...rows(1, 6)].map((each) => `${line(each)}\n`).join(''))
    const asCsv = await print('csv')
    expect(asCsv.match(/Invoice No/g)).toHaveLength(1)
    const file = path.join(root, 'printed.csv')
    writeFileSync(file, asCsv)
    const printed = format.format === 'csv' ? format : csv()
    const found: object[] = []
    for await (const list of readPart(file, definition(printed))) found.push(...list)
    expect(found).toEqual([first, ...rows(1, 6)])

    const [head = '', tail = ''] = manifest.parts.map((part) => path.join(folder, 'all', 'v000001', part.file))
    writeFileSync(tail, 'changed')
    await expect(print('jsonl')).rejects.toThrow(
      expect.objectContaining({
        code: 'CHECKSUM_MISMATCH',
        details: expect.objectContaining({ expected: parts[1]?.sha256 }) as object,
      }),
    )

    writeFileSync(head, 'changed')
    for (const as of ['csv', 'jsonl'] as const) {
      const pieces = readPublished({ folder, manifest, dataset: definition(format), as })
      await expect(pieces.next(), 'not even a header').rejects.toThrow(
        expect.objectContaining({ code: 'CHECKSUM_MISMATCH' }),
      )
    }
  })

  test('a faulty record is refused with its column, and no file is made', async () => {
    const sink = await openDatasetSink(definition(format), sinkOptions())
    expect(() => sink.write([first, { ...first, lines: 1.5 }])).toThrow(
      expect.objectContaining({
        code: 'OUTPUT_INVALID',
        details: expect.objectContaining({ index: 1, column: 'lines' }) as object,
      }),
    )
    expect(await sink.finish()).toEqual([])
  })
})

test('no part at all is an empty table of the contract', async () => {
  const sql = await openDb()
  await viewOverParts(sql, 'invoices', definition(jsonl()), [])
  const result = await sql.query('SELECT count(*), sum(amount) FROM invoices')
  for await (const chunk of result.chunks) expect(chunk.values).toEqual([[0n], [null]])
})

describe('raw files in SQL', () => {
  const raw = dataset('prices', {
    files: () => [],
    format: csv(),
    contract: contract(
      1,
      record({ price: field.decimal({ scale: 2 }), count: field.integer(), name: field.text().optional() }),
    ),
  })
  const query = async (files: readonly string[]): Promise<unknown[]> => {
    const sql = await openDb()
    const parts = files.map((text, index) => {
      const file = path.join(root, `raw-${index}.csv${text.startsWith('gz:') ? '.gz' : ''}`)
      writeFileSync(file, text.startsWith('gz:') ? gzipSync(text.slice(3)) : text)
      return { path: file }
    })
    await viewOverParts(sql, 'prices', raw, parts)
    const rows: unknown[] = []
    const result = await sql.query(
      'SELECT price::VARCHAR || $$ x $$ || count || $$ $$ || coalesce(name, $$none$$) FROM prices',
    )
    for await (const chunk of result.chunks) rows.push(...(chunk.values[0] ?? []))
    return rows
  }

  test('columns are found by their names: in any order, with others between, with a BOM, CRLF or gzip', async () => {
    expect(
      await query([
        'count,other,price\n3,x,1.50\n',
        '\ufeffprice,count,name\r\n0.1,17.0,a\r\n',
        'gz:count,other,price\n4,y,2.500\n',
        '',
      ]),
    ).toEqual(['1.50 x 3 none', '0.10 x 17 a', '2.50 x 4 none'])
  })

  test('a value that would have to be rounded fails the query, with its column', async () => {
    await expect(query(['price,count\n1.005,1\n'])).rejects.toThrow(
      expect.objectContaining({ code: 'SQL_FAILED', message: expect.stringContaining('column price') as string }),
    )
    await expect(query(['price,count\n1,1.5\n'])).rejects.toThrow('column count: expected integer, found 1.5')
  })
})

describe('a query that cannot be staged is refused:', () => {
  const copy = async (query: string): Promise<unknown> =>
    copyTo(await openDb(), {
      query,
      dataset: dataset('sums', {
        location: 'out/sums',
        format: jsonl(),
        contract: contract(1, record({ name: field.text(), sum: field.decimal({ scale: 2 }) })),
      }),
      sink: sinkOptions(),
      signal: new AbortController().signal,
    })
  const mismatch = (message: string): object =>
    expect.objectContaining({
      code: 'SQL_RESULT_MISMATCH',
      message: expect.stringContaining(message) as string,
    }) as object

  test('a float for a decimal', async () => {
    await expect(copy(`SELECT 'a' AS name, 0.1::DOUBLE AS sum`)).rejects.toThrow(mismatch('found DOUBLE'))
  })
  test('more digits than the contract holds; zeros at the end are none', async () => {
    await expect(copy(`SELECT 'a' AS name, 1.005 AS sum`)).rejects.toThrow(mismatch('row 1: column sum'))
    await expect(copy(`SELECT 'a' AS name, 1.500 AS sum`)).resolves.toMatchObject({ records: 1 })
  })
  test('a missing column, an extra column, a null', async () => {
    await expect(copy(`SELECT 'a' AS name`)).rejects.toThrow(mismatch('expected a column sum, found name'))
    await expect(copy(`SELECT 'a' AS name, 1.5 AS sum, 2 AS more`)).rejects.toThrow(mismatch('column more'))
    await expect(copy(`SELECT 'a' AS name, NULL AS sum`)).rejects.toThrow(mismatch('found a blank'))
  })
  test('a mistake names its line and column', async () => {
    await expect(copy(`SELECT 'a' AS name,\n  wrong_column AS sum`)).rejects.toThrow(
      expect.objectContaining({ code: 'SQL_FAILED', details: { line: 2, column: 3 } }),
    )
  })
  test('a run that is stopped interrupts it', async () => {
    const stop = new AbortController()
    const running = copyTo(await openDb(), {
      query: `SELECT 'a' AS name, sum(a.range * b.range)::DECIMAL(38,2) AS sum FROM range(1000000) a, range(1000000) b`,
      dataset: definition(jsonl()),
      sink: sinkOptions(),
      signal: stop.signal,
    })
    setImmediate(() => {
      stop.abort(new Error('stopped by a test'))
    })
    await expect(running).rejects.toThrow('stopped by a test')
  })
})

test('a limit on memory is kept, and spilled files are gone when the database is closed', async () => {
  const sql = await openDuckDb({ memoryBytes: 64 * 1024 * 1024, threads: 1, spillFolder: path.join(root, 'spill') })
  const result = await sql.query(
    `SELECT count(*) FROM (SELECT range AS id, repeat('x', 200) || range AS text FROM range(1000000) ORDER BY hash(range), text)`,
  )
  for await (const chunk of result.chunks) expect(chunk.values).toEqual([[1000000n]])
  sql.close()
})

test('rows under Parquet parts go when no stored checkpoint can need them, and every last checkpoint can be gone on with', async () => {
  const expected = (await stage(parquet(), rows(0, 24))).map((part) => part.sha256)
  const options = sinkOptions()
  const sink = await openDatasetSink(definition(parquet()), options)
  for (let at = 0; at < 24; at += 3) {
    await sink.write(rows(at, at + 3))
    const state = await sink.commit()
    const other = await openDatasetSink(definition(parquet()), sinkOptions(state))
    await other.write(rows(at + 3, 24))
    expect((await other.finish()).map((part) => part.sha256)).toEqual(expected)
  }
  expect(readdirSync(options.folder).filter((name) => name.endsWith('.rows.jsonl'))).toEqual(['main-00005.rows.jsonl'])
})

test('Parquet bytes are the same on every run', async () => {
  const one = await stage(parquet(), rows(0, 9))
  const two = await stage(parquet(), rows(0, 9))
  for (const [index, part] of one.entries()) {
    expect(readFileSync(part.path).equals(readFileSync(two[index]?.path ?? ''))).toBe(true)
  }
})
