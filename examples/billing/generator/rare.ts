import { ODD_PRODUCTS } from './catalogue.ts'
import type { Cells } from './day.ts'
import type { Draw } from './draw.ts'

/** Makes the lines of something rare out of a good line of the day. */
export type Rare = (draw: Draw, good: Cells) => Cells[]

const changed = (good: Cells, column: number, value: string): Cells => good.with(column, value)
const STOCK = 1
const DESCRIPTION = 2
const QUANTITY = 3
const PRICE = 5
const CUSTOMER = 6

/**
 * What the real shop has once a month, once a year or never, so that each rule has lines in every month at any scale, and
 * each odd way of writing occurs.
 */
export const RARITIES: readonly Rare[] = [
  // A description with a comma that nobody quoted is one field too many; a line that was cut has too few.
  (_, good) => [[...good.slice(0, DESCRIPTION), 'BOX', ' SMALL', ...good.slice(QUANTITY)], good.slice(0, QUANTITY)],
  (draw, good) => [changed(good, PRICE, draw.pick(['1,95', 'n/a', '1.2345', '£2']))],
  (draw, good) => [changed(good, QUANTITY, draw.pick(['', '2.5', '12 pcs', '1e3']))],
  // A blank price is a bad number, never a zero.
  (_, good) => [changed(good, PRICE, '')],
  (draw, good) => [changed(good, CUSTOMER, draw.pick(['guest', '12346A']))],
  (draw, good) => badDebt(String(1000 + draw.below(20_000)), good),
  (_, good) => [changed(good, PRICE, `-${good[PRICE] ?? ''}`)],
  (_, good) => [changed(good, PRICE, '0.0')],
  (_, good) => [changed(good, QUANTITY, `-${good[QUANTITY] ?? ''}`)],
  // Equal to a line that was rejected: not a repeat of an accepted one, so the same rule rejects both.
  (_, good) => [changed(good, PRICE, '0'), changed(good, PRICE, '0')],
  (_, good) => [[...good], [...good]],
  ...ODD_PRODUCTS.map((product): Rare => (draw, good) => [
    good
      .with(STOCK, product.stock)
      .with(DESCRIPTION, product.description)
      .with(PRICE, product.price)
      .with(QUANTITY, String(1 + 2 * draw.below(20))),
  ]),
]

function badDebt(pounds: string, good: Cells): Cells[] {
  const invoice = `A${good[0] ?? ''}`
  return ['', '-'].map((sign) => [
    invoice,
    'B',
    'Adjust bad debt',
    '1',
    good[4] ?? '',
    `${sign}${pounds}.06`,
    '',
    'United Kingdom',
  ])
}

/** Puts the rare lines behind a good line of the day: a customer's order at a price. False where the day has none. */
export function addRarity(draw: Draw, lines: Cells[], rare: Rare): boolean {
  const places = lines.flatMap((line, index) => (isGood(line) ? [index] : []))
  if (places.length === 0) return false
  const place = draw.pick(places)
  lines.splice(place + 1, 0, ...rare(draw, lines[place] ?? []))
  return true
}

function isGood(line: Cells): boolean {
  return /^\d/.test(line[0] ?? '') && line[CUSTOMER] !== '' && Number(line[QUANTITY]) > 0 && Number(line[PRICE]) > 0
}
