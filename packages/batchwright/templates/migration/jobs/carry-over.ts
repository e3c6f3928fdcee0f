import { drop, reject } from 'batchwright'
import type { Customer, OldCustomer } from './rows.ts'

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']

/** `07-MAR-1981` as `1981-03-07`; null where it is no day. */
export function dayOf(text: string): string | null {
  const [, day = '', name = '', year = ''] = /^(\d\d)-([A-Z]{3})-(\d{4})$/.exec(text) ?? []
  const month = MONTHS.indexOf(name) + 1
  const date = new Date(Date.UTC(Number(year), month - 1, Number(day)))
  const iso = `${year}-${String(month).padStart(2, '0')}-${day}`
  return month > 0 && date.toISOString().startsWith(iso) ? iso : null
}

/** The customer as the new system has it; or why it cannot. */
export function carryOver(old: OldCustomer) {
  if (old.closed && old.balance.isZero()) return drop() // closed and settled: left behind on purpose
  if (old.closed) return reject('closed_with_balance', old.balance.toString())
  if (old.name === null) return reject('no_name')
  const born = old.born === null ? null : dayOf(old.born)
  if (born === null) return reject('bad_birthday', old.born ?? 'blank')
  const email = old.email?.toLowerCase() ?? null
  if (email !== null && !/^[^@\s]+@[^@\s]+\.[a-z]+$/.test(email)) return reject('bad_email')
  const customer: Customer = {
    id: `C-${old.number.padStart(8, '0')}`,
    name: old.name,
    born,
    email,
    branch: old.branch,
    balance: old.balance,
  }
  return customer
}
