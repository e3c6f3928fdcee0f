/**
 * Makes the sample input: a week of daily files, dirty as real ones are, the same every time. From the fourth day on a column
 * is called differently, and there is one more.
 *
 *   npm run sample               the week that came with the project
 *   npm run sample -- 500000     half a million lines a day, to have time to kill a run
 */
import { randomFrom, sizeAsked, writeFiles } from './making.ts'
import type { Files } from './making.ts'

const USUAL = 150
const DAYS = ['01', '02', '03', '04', '05', '06', '07']
const SHOPS = ['Bath', 'Cardiff', 'Leeds', 'York']

export function sample(size = USUAL): Files {
  return Object.fromEntries(DAYS.map((day, index) => [`in/sales/2026-03-${day}.csv`, lines(index, size)]))
}

function* lines(day: number, size: number): Generator<string> {
  const draw = randomFrom(day)
  const old = day < 3
  yield old ? 'receipt,store,quantity,price\n' : 'receipt,shop,channel,quantity,price\n'
  for (let number = 1; number <= size; number += 1) {
    const receipt = `R${String(day + 1)}${String(number).padStart(6, '0')}`
    const shop = SHOPS[Math.floor(draw() * SHOPS.length)] ?? ''
    const channel = draw() < 0.3 ? 'web' : 'till'
    const quantity = 1 + Math.floor(draw() * 5)
    const price = (0.5 + draw() * 40).toFixed(2)
    const line = (of: { shop?: string; channel?: string; quantity?: number; price?: string }): string => {
      const sale = { shop, channel, quantity, price, ...of }
      return `${[receipt, sale.shop, ...(old ? [] : [sale.channel]), sale.quantity, sale.price].join()}\n`
    }
    const dirt = draw() * 1000
    if (dirt < 15)
      yield line({}) + line({}) // read twice at the till
    else if (dirt < 25) yield line({ price: '0.00' })
    else if (dirt < 32) yield line({ price: '' })
    else if (dirt < 38)
      yield line({ price: '12,50' }) // the line has one field too many
    else if (dirt < 44) yield line({ shop: '' })
    else if (dirt < 52) yield line({ quantity: 0 })
    else yield line({})
  }
}

if (import.meta.main) writeFiles(sample(sizeAsked(USUAL)))
