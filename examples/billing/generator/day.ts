import type { Customer, Product } from './catalogue.ts'
import { ODD_PRODUCTS } from './catalogue.ts'
import type { Draw } from './draw.ts'

/** The cells of a line, in the order of the file's columns. */
export type Cells = string[]

export interface Shop {
  readonly products: readonly Product[]
  readonly customers: readonly Customer[]
  /** 1 is the real shop's volume. */
  readonly scale: number
}

/** One invoice or credit note before it has a number and a time. */
interface Draft {
  readonly letter: '' | 'C'
  readonly customer: string
  readonly country: string
  readonly lines: readonly { readonly product: Product; readonly quantity: number; readonly price: string }[]
}

/** Lines a day at scale 1, before the last invoice goes beyond it, and how weekdays differ, from Sunday: as in the real seven months. */
const LINES_A_DAY = 1370
const WEEKDAYS = [0.72, 1.19, 1.12, 1, 1.09, 0.96, 0]

/** What is sold how many times at once, with the real frequencies in thousands of lines. */
const QUANTITIES: readonly (readonly [quantity: number, weight: number])[] = [
  [1, 35], [2, 28], [12, 26.5], [6, 18], [4, 13.5], [3, 11.7], [24, 10.2], [10, 9], [8, 5], [5, 3.4], [48, 2.5],
  [25, 2.3], [20, 1.9], [16, 1.8], [36, 1.5], [96, 0.87], [72, 0.87], [600, 0.1], [2400, 0.02],
] // prettier-ignore

/** The sorts of invoice, with their real share: customers' orders, credits, stock corrections, web orders. */
const SORTS: readonly (readonly [sort: (draw: Draw, shop: Shop) => Draft, weight: number])[] = [
  [order, 8802],
  [credit, 1902],
  [stockCorrection, 1330],
  [webOrder, 657],
  [webCredit, 104],
]

/** Share of customers' lines that repeat an earlier line of their invoice on purpose; some more do by chance. */
const REPEATS = 0.0095
/** Share of invoices whose lines were written over two minutes. */
const TWO_MINUTES = 0.0023
/** Share of customers' lines that were given away. */
const GIVEN_AWAY = 13 / 176_889

/** The lines of one day, in the order of the file. Invoices are numbered from `firstInvoice`. */
export function dayOfLines(draw: Draw, shop: Shop, date: string, firstInvoice: number): Cells[] {
  const weekday = WEEKDAYS[new Date(`${date}T00:00:00Z`).getUTCDay()] ?? 1
  const target = LINES_A_DAY * shop.scale * weekday * (0.6 + 0.8 * draw.next())
  const drafts: Draft[] = []
  for (let lines = 0; lines < target; lines += drafts.at(-1)?.lines.length ?? 1)
    drafts.push(draw.weighted(SORTS)(draw, shop))
  const minutes = drafts.map(() => Math.floor(450 + 330 * (draw.next() + draw.next()))).sort((a, b) => a - b)
  return drafts.flatMap((draft, index) =>
    linesOf(draw, draft, `${draft.letter}${firstInvoice + index}`, date, minutes[index] ?? 0),
  )
}

function linesOf(draw: Draw, draft: Draft, invoice: string, date: string, minute: number): Cells[] {
  const turn = draw.chance(TWO_MINUTES) ? draft.lines.length / 2 : draft.lines.length
  const lines: Cells[] = []
  draft.lines.forEach(({ product, quantity, price }, index) => {
    const time = `${date} ${clockTime(index < turn ? minute : minute + 1)}`
    lines.push([
      invoice,
      product.stock,
      product.description,
      String(quantity),
      time,
      price,
      draft.customer,
      draft.country,
    ])
    if (draft.customer !== '' && draw.chance(REPEATS)) lines.push([...draw.pick(lines)])
  })
  return lines
}

function order(draw: Draw, shop: Shop): Draft {
  const customer = draw.pickEarly(shop.customers)
  const lines = Array.from({ length: lineCount(draw, shop, 19.4) }, () => {
    const product = draw.chance(0.008) ? draw.pick(ODD_PRODUCTS.slice(0, 3)) : draw.pickEarly(shop.products)
    return { product, quantity: draw.weighted(QUANTITIES), price: draw.chance(GIVEN_AWAY) ? '0.0' : product.price }
  })
  return { letter: '', customer: customer.id, country: customer.country, lines }
}

function credit(draw: Draw, shop: Shop): Draft {
  const customer = draw.pickEarly(shop.customers)
  return { letter: 'C', customer: customer.id, country: customer.country, lines: returned(draw, shop) }
}

function webCredit(draw: Draw, shop: Shop): Draft {
  return { letter: 'C', customer: '', country: 'United Kingdom', lines: returned(draw, shop) }
}

function webOrder(draw: Draw, shop: Shop): Draft {
  const lines = Array.from({ length: lineCount(draw, shop, 102) }, () => {
    const product = draw.pickEarly(shop.products)
    return { product, quantity: draw.size(1.9), price: product.webPrice }
  })
  return { letter: '', customer: '', country: draw.chance(0.0085) ? 'EIRE' : 'United Kingdom', lines }
}

/** Stock that was found, lost or broken: no customer, no price, often no description. */
function stockCorrection(draw: Draw, shop: Shop): Draft {
  const product = draw.pickEarly(shop.products)
  const named = { ...product, description: draw.chance(0.63) ? '' : draw.pick(['damages', 'check', 'found', '?']) }
  const quantity = draw.size(30) * (draw.chance(0.52) ? -1 : 1)
  return { letter: '', customer: '', country: 'United Kingdom', lines: [{ product: named, quantity, price: '0.0' }] }
}

function returned(draw: Draw, shop: Shop): Draft['lines'] {
  return Array.from({ length: lineCount(draw, shop, 2.2) }, () => {
    const product = draw.pickEarly(shop.products)
    return { product, quantity: -draw.size(3), price: product.price }
  })
}

/** At small scales no invoice may be half the month. */
function lineCount(draw: Draw, shop: Shop, mean: number): number {
  return Math.min(draw.size(mean), Math.max(5, Math.ceil(LINES_A_DAY * shop.scale)))
}

function clockTime(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00`
}
