import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import path from 'node:path'

const COUNTRIES = ['GB', 'DE', 'FR', 'IE', 'NL', 'ES', 'BE', 'CH']
const ROWS_AT_ONCE = 5000

/**
 * The CSV of `rows` rows, about 36 bytes each, made once and kept in `folder`. The same rows give the same bytes.
 * Returns its path.
 */
export function inputFile(folder: string, rows: number): string {
  const file = path.join(folder, `lines-${rows}.csv`)
  if (existsSync(file)) return file
  mkdirSync(folder, { recursive: true })
  const making = `${file}.making`
  const descriptor = openSync(making, 'w')
  writeSync(descriptor, 'id,customer,date,quantity,price,country\n')
  for (let first = 1; first <= rows; first += ROWS_AT_ONCE) {
    const last = Math.min(rows, first + ROWS_AT_ONCE - 1)
    let text = ''
    for (let id = first; id <= last; id += 1) text += row(id)
    writeSync(descriptor, text)
  }
  closeSync(descriptor)
  renameSync(making, file)
  return file
}

function row(id: number): string {
  const mixed = Math.imul(id, 0x9e3779b1) >>> 0
  const customer = 10_000 + (mixed % 8000)
  const day = 1 + (mixed % 28)
  const quantity = 1 + ((mixed >>> 8) % 48)
  const cents = 29 + ((mixed >>> 5) % 9900)
  const price = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
  return `${id},${customer},2011-05-${String(day).padStart(2, '0')},${quantity},${price},${COUNTRIES[mixed % 8] ?? 'GB'}\n`
}
