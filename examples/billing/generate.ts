/**
 * Makes daily retail files of the real shape, with the real kinds of dirt at the real rates, for any months and at any size.
 *
 *   node generate.ts [--out data] [--from 2010-12] [--months 7] [--scale 1] [--seed 1]
 *
 * Scale 1 is the real volume: about 35,000 lines a month. The same seed gives the same bytes; a month is the same
 * whatever other months are made with it. Writes OUT/retail/files/YYYY-MM-DD.csv.gz.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { monthNumber, monthsFrom, openDays } from './generator/calendar.ts'
import { catalogue, customers } from './generator/catalogue.ts'
import { dayOfLines } from './generator/day.ts'
import type { Cells, Shop } from './generator/day.ts'
import { Draw } from './generator/draw.ts'
import type { Rare } from './generator/rare.ts'
import { addRarity, RARITIES } from './generator/rare.ts'

export interface GeneratorOptions {
  /** Folder that gets `retail/files`. */
  readonly out: string
  /** First month, `YYYY-MM`. */
  readonly from: string
  readonly months: number
  /** 1 is the real volume. */
  readonly scale: number
  readonly seed: number
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const FIRST_INVOICE = 536_365
/** More than a month at scale 1 can use, so that a month's numbers never reach the next month's. */
const INVOICES_A_MONTH = 4000

/** Writes the files; returns how many files and lines there are. */
export function generate(options: GeneratorOptions): { readonly files: number; readonly lines: number } {
  const folder = path.join(options.out, 'retail', 'files')
  mkdirSync(folder, { recursive: true })
  const made = new Draw(options.seed, 0)
  const shop: Shop = { products: catalogue(made), customers: customers(made, options.scale), scale: options.scale }
  let files = 0
  let lines = 0
  for (const month of monthsFrom(options.from, options.months)) {
    for (const [date, day] of monthOfLines(options.seed, shop, month)) {
      writeFileSync(path.join(folder, `${date}.csv.gz`), gzipSync(csvText(day)))
      files += 1
      lines += day.length
    }
  }
  return { files, lines }
}

function* monthOfLines(seed: number, shop: Shop, month: string): Generator<[date: string, lines: Cells[]]> {
  const draw = new Draw(seed, monthNumber(month))
  const days = openDays(month)
  const due = new Map<string, Rare[]>()
  for (const rare of RARITIES) {
    const day = draw.pick(days)
    due.set(day, [...(due.get(day) ?? []), rare])
  }
  let invoice =
    FIRST_INVOICE +
    (monthNumber(month) - monthNumber('2010-12')) * Math.ceil(INVOICES_A_MONTH * Math.max(1, shop.scale))
  let waiting: Rare[] = []
  for (const date of days) {
    const lines = dayOfLines(draw, shop, date, invoice)
    waiting = [...waiting, ...(due.get(date) ?? [])].filter((rare) => !addRarity(draw, lines, rare))
    invoice += new Set(lines.map((line) => line[0])).size
    yield [date, lines]
  }
}

function csvText(lines: readonly Cells[]): string {
  const cell = (value: string): string => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
  return [HEADER, ...lines.map((line) => line.map(cell).join(','))].map((line) => `${line}\n`).join('')
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: path.join(import.meta.dirname, 'data') },
      from: { type: 'string', default: '2010-12' },
      months: { type: 'string', default: '7' },
      scale: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
    },
  })
  const options = {
    out: values.out,
    from: values.from,
    months: Number(values.months),
    scale: Number(values.scale),
    seed: Number(values.seed),
  }
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(options.from))
    throw new Error(`expected --from as YYYY-MM, found ${options.from}`)
  if (!Number.isInteger(options.months) || options.months < 1)
    throw new Error(`expected --months from 1, found ${values.months}`)
  if (!(options.scale > 0)) throw new Error(`expected --scale above 0, found ${values.scale}`)
  if (!Number.isInteger(options.seed)) throw new Error(`expected --seed as a whole number, found ${values.seed}`)
  const made = generate(options)
  console.log(
    `${made.lines.toLocaleString('en')} lines in ${made.files} files in ${path.join(options.out, 'retail', 'files')}`,
  )
}
