import type { Draw } from './draw.ts'

export interface Product {
  readonly stock: string
  readonly description: string
  /** As the files write it: at least one decimal, no trailing zeros. */
  readonly price: string
  /** Orders without a customer come from the web shop, at its prices. */
  readonly webPrice: string
}

export interface Customer {
  readonly id: string
  readonly country: string
}

const PRODUCTS = 3600
const CUSTOMERS_AT_SCALE_1 = 3000

const LOOKS =
  'RED,PINK,BLUE,IVORY,WHITE,BLACK,GREEN,SILVER,RETROSPOT,VINTAGE,WOODEN,GLASS,KNITTED,GINGHAM,FLORAL'.split(',')
const KINDS = 'SMALL,LARGE,MINI,HANGING,FOLDING,JUMBO,CHILDRENS,HEART,STAR,PAISLEY,SPACEBOY,LOVE BIRD,WOODLAND'.split(
  ',',
)
const THINGS =
  'LANTERN,CAKE STAND,T-LIGHT HOLDER,HAND WARMER,LUNCH BAG,DOORMAT,ALARM CLOCK,JIGSAW,TEA TOWEL,BUNTING,MUG,COAT HANGER'.split(
    ',',
  )

/** The shelf prices of most lines, with their real frequencies in thousands of lines. */
const PRICES: readonly (readonly [price: string, weight: number])[] = [
  ['1.25', 21], ['1.65', 16], ['2.95', 15], ['0.85', 13], ['0.42', 10], ['2.1', 8.4], ['3.75', 7.8], ['4.95', 7.6],
  ['2.55', 7], ['1.95', 7], ['1.45', 5.3], ['7.95', 4.8], ['5.95', 4.1], ['0.65', 3.9], ['2.08', 3.8], ['0.55', 3.4],
  ['4.25', 3.2], ['9.95', 3.1], ['8.5', 2.9], ['12.75', 2.2], ['1.69', 2.2], ['6.75', 1.6], ['0.29', 1.5], ['3.95', 1.5],
  ['18.0', 0.5], ['5.0', 0.4], ['16.95', 0.6], ['0.06', 0.2], ['165.0', 0.05], ['295.0', 0.02],
] // prettier-ignore

/** Customers' countries, with their real share of lines. */
const COUNTRIES: readonly (readonly [country: string, weight: number])[] = [
  ['United Kingdom', 157_363], ['Germany', 4271], ['France', 3661], ['EIRE', 2822], ['Netherlands', 1245], ['Spain', 1147],
  ['Belgium', 944], ['Switzerland', 735], ['Australia', 672], ['Portugal', 624], ['Norway', 378], ['Channel Islands', 368],
  ['Cyprus', 353], ['Italy', 312], ['Finland', 312], ['Japan', 251], ['Sweden', 200], ['Poland', 187], ['Denmark', 184],
  ['Austria', 127], ['Singapore', 118], ['Iceland', 102], ['Unspecified', 83], ['European Community', 32], ['USA', 22],
] // prettier-ignore

/** The shop's products, best sellers first. */
export function catalogue(draw: Draw): Product[] {
  return Array.from({ length: PRODUCTS }, (_, index) => {
    const price = draw.weighted(PRICES)
    return { stock: stockCode(draw, index), description: description(draw), price, webPrice: webPrice(price) }
  })
}

/** Charges that are no goods, and goods written in odd ways: they must come out of the job as they went in. */
export const ODD_PRODUCTS: readonly Product[] = [
  { stock: 'POST', description: 'POSTAGE', price: '18.0', webPrice: '18.0' },
  { stock: 'M', description: 'Manual', price: '1.25', webPrice: '1.25' },
  { stock: 'gift_0001_20', description: 'Dotcomgiftshop Gift Voucher £20.00', price: '16.67', webPrice: '17.02' },
  { stock: 'PADS', description: 'PADS TO MATCH ALL CUSHIONS', price: '0.001', webPrice: '0.001' },
  { stock: '23061', description: 'PAPER CRAFT , "LITTLE BIRDIE" ', price: '2.08', webPrice: '4.13' },
]

export function customers(draw: Draw, scale: number): Customer[] {
  return Array.from({ length: Math.max(12, Math.round(CUSTOMERS_AT_SCALE_1 * scale)) }, (_, index) => ({
    id: `${12_346 + index}.0`,
    country: draw.weighted(COUNTRIES),
  }))
}

function stockCode(draw: Draw, index: number): string {
  const number = String(20_600 + index * 2)
  if (draw.chance(0.005)) return `${number}b`
  return draw.chance(0.2) ? number + draw.pick(['A', 'B', 'C', 'S']) : number
}

function description(draw: Draw): string {
  const words = [draw.pick(LOOKS), draw.pick(KINDS), draw.pick(THINGS)]
  if (draw.chance(0.0108)) words[0] = `SET 4 ${words[0] ?? ''},`
  if (draw.chance(0.0029)) words[1] = `"${words[1] ?? ''}"`
  const text = words.join(draw.chance(0.02) ? '  ' : ' ')
  if (draw.chance(0.19)) return `${text} `
  return draw.chance(0.005) ? ` ${text}` : text
}

function webPrice(price: string): string {
  return shelfPrice(Math.round(Number(price) * 197))
}

/** 210 cents -> `2.1`; 500 -> `5.0`. */
function shelfPrice(cents: number): string {
  const digits = String(cents).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`.replace(/(\.\d)0$/, '$1')
}
