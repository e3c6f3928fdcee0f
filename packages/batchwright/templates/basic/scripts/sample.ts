/**
 * Makes the sample input: orders with the dirt that real ones have, the same every time.
 *
 *   npm run sample                 the thousand that came with the project
 *   npm run sample -- 3000000      enough to have time to kill a run
 */
import { randomFrom, sizeAsked, writeFiles } from './making.ts'
import type { Files } from './making.ts'

const USUAL = 1000

export function sample(size = USUAL): Files {
  return { 'in/orders.csv': lines(size) }
}

function* lines(size: number): Generator<string> {
  const draw = randomFrom(2026)
  yield 'order,placed,customer,quantity,price\n'
  for (let number = 1; number <= size; number += 1) yield line(number, draw)
}

/** One order; of twelve or so one is dirty, each in its own way. */
function line(number: number, draw: () => number): string {
  const order = `A${String(number).padStart(7, '0')}`
  const placed = `2026-03-${String(1 + Math.floor(draw() * 31)).padStart(2, '0')}`
  const customer = String(1000 + Math.floor(draw() * 400))
  const quantity = String(1 + Math.floor(draw() * 9))
  const price = (1 + draw() * 80).toFixed(2)
  const good = `${[order, placed, customer, quantity, price].join()}\n`
  const dirt = draw() * 1000
  if (dirt < 40) return `${[order, placed, '', quantity, price].join()}\n` // nobody's
  if (dirt < 50) return good + good // sent twice
  if (dirt < 56) return `${[order, placed, customer, `-${quantity}`, price].join()}\n`
  if (dirt < 64) return `${[order, placed, customer, '0', price].join()}\n` // cancelled
  if (dirt < 70) return `${[order, placed, customer, quantity, ''].join()}\n`
  if (dirt < 75) return `${[order, placed, customer, quantity, 'n/a'].join()}\n`
  if (dirt < 79) return `${[order, '31.03.2026', customer, quantity, price].join()}\n`
  return good
}

if (import.meta.main) writeFiles(sample(sizeAsked(USUAL)))
