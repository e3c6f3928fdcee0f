/**
 * Makes the sample input: an old system's customers, dirty as real ones are, and the totals that it exports beside them. The same
 * every time.
 *
 *   npm run sample                the thousand that came with the project
 *   npm run sample -- 2000000     enough to have time to kill a run
 */
import { randomFrom, sizeAsked, writeFiles } from './making.ts'
import type { Files } from './making.ts'

const USUAL = 1000
const BRANCHES = ['EDI', 'GLA', 'LON', 'MAN']
const FIRST = ['Ada', 'Ben', 'Cleo', 'Dai', 'Esme', 'Finn', 'Gwen', 'Hal']
const LAST = ['Archer', 'Baker', 'Cooper', 'Fisher', 'Mason', 'Potter', 'Smith', 'Taylor']
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']

interface Made {
  readonly branch: string
  readonly cents: number
  readonly line: string
}

export function sample(size = USUAL): Files {
  return { 'in/customers.csv': customers(size), 'in/totals.csv': totals(size) }
}

function* customers(size: number): Generator<string> {
  yield 'CUST_NO;NAME;BORN;EMAIL;BRANCH;BALANCE;CLOSED\n'
  for (const { line } of made(size)) yield line
}

function* totals(size: number): Generator<string> {
  const sums = new Map(BRANCHES.map((branch) => [branch, { customers: 0, cents: 0 }]))
  for (const { branch, cents } of made(size)) {
    const sum = sums.get(branch)
    if (sum === undefined) continue
    sum.customers += 1
    sum.cents += cents
  }
  yield 'BRANCH;CUSTOMERS;BALANCE\n'
  for (const [branch, { customers: count, cents }] of sums) {
    yield `${branch};${String(count)};${(cents / 100).toFixed(2)}\n`
  }
}

function* made(size: number): Generator<Made> {
  const draw = randomFrom(1981)
  const one = (words: readonly string[]): string => words[Math.floor(draw() * words.length)] ?? ''
  for (let number = 1; number <= size; number += 1) {
    const [first, last] = [one(FIRST), one(LAST)]
    const day = String(1 + Math.floor(draw() * 28)).padStart(2, '0')
    const branch = one(BRANCHES)
    const cents = Math.floor(draw() * 1_000_000) - 50_000
    const born = `${day}-${one(MONTHS)}-${String(1940 + Math.floor(draw() * 65))}`
    const good = { name: `${first} ${last}`, born, email: `${first}.${last}@Example.COM`, cents, closed: 'N' }
    const dirt = draw() * 1000
    const row = { ...good, ...dirty(dirt) }
    const cells = [String(number), row.name, row.born, row.email, branch, (row.cents / 100).toFixed(2), row.closed]
    const customer = { branch, cents: row.cents, line: `${cells.join(';')}\n` }
    yield customer
    if (dirt > 992) yield customer // exported twice, and counted twice
  }
}

/** What is wrong with one of fifteen customers or so. */
function dirty(dirt: number): object {
  if (dirt < 8) return { name: '' }
  if (dirt < 16) return { born: '31-FEB-1970' }
  if (dirt < 20) return { born: '' }
  if (dirt < 28) return { email: 'none' }
  if (dirt < 50) return { email: '' }
  if (dirt < 54) return { closed: 'Y' }
  if (dirt < 75) return { closed: 'Y', cents: 0 }
  return {}
}

if (import.meta.main) writeFiles(sample(sizeAsked(USUAL)))
