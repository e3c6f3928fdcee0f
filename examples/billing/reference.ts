/**
 * The expected result, computed on its own: naive, whole in memory, money in whole thousandths as BigInt, nothing imported
 * from Batchwright. What the job publishes is compared with this, and this with the tables that come with the real data.
 *
 *   node reference.ts --retail FOLDER [--out FOLDER]
 *
 * reads FOLDER/files/YYYY-MM-DD.csv.gz and writes the tables to --out, by default FOLDER/expected.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'

export const RULES = [
  'field_count',
  'bad_number',
  'bad_debt_adjustment',
  'missing_customer',
  'negative_price',
  'zero_price',
  'negative_quantity_no_credit',
  'duplicate_line',
] as const
export type Rule = (typeof RULES)[number]

/** CSV text of each table, by file name without `.gz`. */
export type Tables = Readonly<Record<TableName, string>>
export type TableName =
  | 'invoices.csv'
  | 'customer_month.csv'
  | 'month_totals.csv'
  | 'rejects.csv'
  | 'rejects_by_day.csv'
  | 'days_without_a_file.csv'

interface Invoice {
  readonly invoice: string
  readonly customer: string
  readonly date: string
  readonly country: string
  readonly kind: 'invoice' | 'credit'
  lines: number
  quantity: bigint
  thousandths: bigint
}

interface Totals {
  invoices: number
  credits: number
  charged: bigint
  credited: bigint
}

interface Day {
  readonly date: string
  rowsIn: number
  readonly rejected: Map<Rule, number>
}

/** All tables of the files in `retail/files`. */
export function referenceTables(retail: string): Tables {
  const invoices = new Map<string, Invoice>()
  const rejects: string[][] = []
  const days: Day[] = []
  for (const name of readdirSync(path.join(retail, 'files')).sort()) {
    const date = /^(\d{4}-\d\d-\d\d)\.csv\.gz$/.exec(name)?.[1]
    if (date === undefined) throw new Error(`expected files named YYYY-MM-DD.csv.gz in ${retail}/files, found ${name}`)
    const text = gunzipSync(readFileSync(path.join(retail, 'files', name))).toString('utf8')
    days.push(readDay(date, parseCsv(text).slice(1), invoices, rejects))
  }
  const ordered = [...invoices.values()].sort((a, b) => compare(a.invoice, b.invoice))
  return {
    'invoices.csv': invoiceTable(ordered),
    'customer_month.csv': customerTable(ordered),
    'month_totals.csv': monthTable(ordered),
    'rejects.csv': toCsv([
      ['date', 'record', 'rule', 'invoice', 'stock_code', 'quantity', 'unit_price', 'customer'],
      ...rejects,
    ]),
    'rejects_by_day.csv': dayTable(days),
    'days_without_a_file.csv': gapTable(days.map((day) => day.date)),
  }
}

function readDay(date: string, rows: string[][], invoices: Map<string, Invoice>, rejects: string[][]): Day {
  const day: Day = { date, rowsIn: rows.length, rejected: new Map() }
  const accepted = new Set<string>()
  rows.forEach((row, index) => {
    const rule = brokenRule(row, accepted)
    if (rule !== null) {
      day.rejected.set(rule, (day.rejected.get(rule) ?? 0) + 1)
      const [number, stock, , quantity, , price, customer] = row
      rejects.push([
        date,
        String(index + 1),
        rule,
        number ?? '',
        stock ?? '',
        quantity ?? '',
        price ?? '',
        customer ?? '',
      ])
      return
    }
    accepted.add(JSON.stringify(row))
    addLine(row, invoices)
  })
  return day
}

/** The first rule that the line breaks. The order of the rules is part of their meaning. */
function brokenRule(row: string[], accepted: ReadonlySet<string>): Rule | null {
  const [invoice = '', , , quantity = '', , price = '', customer = ''] = row
  if (row.length !== 8) return 'field_count'
  if (!/^[+-]?\d+$/.test(quantity) || !/^[+-]?\d+(\.\d{1,3})?$/.test(price)) return 'bad_number'
  if (customer !== '' && !/^\d+(\.0)?$/.test(customer)) return 'bad_number'
  if (invoice.startsWith('A')) return 'bad_debt_adjustment'
  if (customer === '') return 'missing_customer'
  if (thousandths(price) < 0n) return 'negative_price'
  if (thousandths(price) === 0n) return 'zero_price'
  if (BigInt(quantity) < 0n && !invoice.startsWith('C')) return 'negative_quantity_no_credit'
  return accepted.has(JSON.stringify(row)) ? 'duplicate_line' : null
}

function addLine(row: string[], invoices: Map<string, Invoice>): void {
  const [number = '', , , quantity = '', time = '', price = '', customer = '', country = ''] = row
  let invoice = invoices.get(number)
  if (invoice === undefined) {
    invoice = {
      invoice: number,
      customer: customer.replace(/\.0$/, ''),
      date: time.slice(0, 10),
      country,
      kind: number.startsWith('C') ? 'credit' : 'invoice',
      lines: 0,
      quantity: 0n,
      thousandths: 0n,
    }
    invoices.set(number, invoice)
  }
  invoice.lines += 1
  invoice.quantity += BigInt(quantity)
  invoice.thousandths += BigInt(quantity) * thousandths(price)
}

function invoiceTable(invoices: readonly Invoice[]): string {
  return toCsv([
    ['invoice', 'customer', 'date', 'country', 'kind', 'lines', 'quantity', 'amount_exact', 'amount_2dp'],
    ...invoices.map((one) => [
      one.invoice,
      one.customer,
      one.date,
      one.country,
      one.kind,
      String(one.lines),
      String(one.quantity),
      exact(one.thousandths),
      toCents(one.thousandths),
    ]),
  ])
}

function customerTable(invoices: readonly Invoice[]): string {
  const groups = totalsBy(invoices, (one) => `${one.customer},${one.date.slice(0, 7)}`)
  return toCsv([
    ['customer', 'month', 'invoices', 'credit_notes', 'charges_exact', 'credits_exact', 'net_exact', 'net_2dp'],
    ...groups.map(([key, totals]) => [
      ...key.split(','),
      ...totalCells(totals),
      toCents(totals.charged + totals.credited),
    ]),
  ])
}

function monthTable(invoices: readonly Invoice[]): string {
  const groups = totalsBy(invoices, (one) => one.date.slice(0, 7))
  return toCsv([
    ['month', 'invoices', 'credit_notes', 'charges_exact', 'credits_exact', 'net_exact'],
    ...groups.map(([month, totals]) => [month, ...totalCells(totals)]),
  ])
}

function totalsBy(invoices: readonly Invoice[], keyOf: (invoice: Invoice) => string): [string, Totals][] {
  const groups = new Map<string, Totals>()
  for (const one of invoices) {
    const totals = groups.get(keyOf(one)) ?? { invoices: 0, credits: 0, charged: 0n, credited: 0n }
    groups.set(keyOf(one), totals)
    if (one.kind === 'credit') {
      totals.credits += 1
      totals.credited += one.thousandths
    } else {
      totals.invoices += 1
      totals.charged += one.thousandths
    }
  }
  return [...groups].sort(([a], [b]) => compare(a, b))
}

function totalCells(totals: Totals): string[] {
  return [
    String(totals.invoices),
    String(totals.credits),
    exact(totals.charged),
    exact(totals.credited),
    exact(totals.charged + totals.credited),
  ]
}

function dayTable(days: readonly Day[]): string {
  return toCsv([
    ['date', 'rows_in', 'accepted', 'rejected', ...RULES],
    ...days.map((day) => {
      const counts = RULES.map((rule) => day.rejected.get(rule) ?? 0)
      const rejected = counts.reduce((sum, count) => sum + count, 0)
      return [day.date, ...[day.rowsIn, day.rowsIn - rejected, rejected, ...counts].map(String)]
    }),
  ])
}

/** The days between the first file and the last that have none. */
function gapTable(dates: readonly string[]): string {
  const present = new Set(dates)
  const rows = [['date', 'weekday']]
  const last = dates.at(-1) ?? ''
  const day = new Date(`${dates[0] ?? '1970-01-01'}T00:00:00Z`)
  for (; day.toISOString().slice(0, 10) < last; day.setUTCDate(day.getUTCDate() + 1)) {
    const date = day.toISOString().slice(0, 10)
    if (!present.has(date)) rows.push([date, day.toUTCString().slice(0, 3)])
  }
  return toCsv(rows)
}

// ---------------------------------------------------------------- money

/** `-2.1` -> -2100n. */
function thousandths(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace(/^[+-]/, '').split('.')
  const size = BigInt(whole + fraction.padEnd(3, '0'))
  return text.startsWith('-') ? -size : size
}

/** -2100n -> `-2.100`. */
function exact(value: bigint): string {
  return withPoint(value, 3)
}

/** Rounded half away from zero: -2105n -> `-2.11`. */
function toCents(value: bigint): string {
  const size = value < 0n ? -value : value
  const cents = (size + 5n) / 10n
  return withPoint(value < 0n ? -cents : cents, 2)
}

function withPoint(value: bigint, places: number): string {
  const digits = String(value < 0n ? -value : value).padStart(places + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`
}

// ---------------------------------------------------------------- CSV

/** RFC 4180, quoted newlines included. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length) {
    const quoted = text[at] === '"'
    const end = quoted ? closingQuote(text, at) + 1 : cellEnd(text, at)
    row.push(quoted ? text.slice(at + 1, end - 1).replaceAll('""', '"') : text.slice(at, end))
    if (text[end] === ',') {
      at = end + 1
      if (at < text.length && text[at] !== '\n' && text[at] !== '\r') continue
      row.push('')
    } else at = end
    while (text[at] === '\r' || text[at] === '\n') at += 1
    rows.push(row)
    row = []
  }
  return rows
}

function cellEnd(text: string, start: number): number {
  let end = start
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && text[end] !== '\r') end += 1
  return end
}

function closingQuote(text: string, open: number): number {
  let at = open + 1
  for (;;) {
    at = text.indexOf('"', at)
    if (at === -1) throw new Error(`the quote at ${open} is never closed`)
    if (text[at + 1] !== '"') return at
    at += 2
  }
}

function toCsv(rows: readonly (readonly string[])[]): string {
  const cell = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

// ---------------------------------------------------------------- files

const COMPRESSED: ReadonlySet<string> = new Set(['invoices.csv', 'rejects.csv'])

/** Writes the tables as the real data's `expected` folder has them: the long ones gzipped. */
export function writeTables(tables: Tables, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(tables)) {
    if (COMPRESSED.has(name)) writeFileSync(path.join(folder, `${name}.gz`), gzipSync(text))
    else writeFileSync(path.join(folder, name), text)
  }
}

/** Reads one table of an `expected` folder. */
export function readTable(folder: string, name: TableName): string {
  if (COMPRESSED.has(name)) return gunzipSync(readFileSync(path.join(folder, `${name}.gz`))).toString('utf8')
  return readFileSync(path.join(folder, name), 'utf8')
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { retail: { type: 'string' }, out: { type: 'string' } } })
  const retail = values.retail ?? path.join(import.meta.dirname, 'data', 'retail')
  const out = values.out ?? path.join(retail, 'expected')
  writeTables(referenceTables(retail), out)
  console.log(`expected tables written to ${out}`)
}
