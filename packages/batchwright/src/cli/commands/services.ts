/** `services`: what the fleet shares of each, and what stands in its way. */
import type { JsonValue } from '../../kernel/errors.ts'
import type { ServiceRow } from '../../store/index.ts'
import { table, type Cell } from '../render/table.ts'
import { count, duration, isoOrNull } from '../render/text.ts'
import type { Session } from '../session.ts'

/** `batchwright services`: `{ total, items: [service] }`. */
export async function services(session: Session): Promise<void> {
  const { terminal } = session
  const store = await session.store()
  const [rows, now] = await Promise.all([store.listServices(), store.now()])
  terminal.printJson({ total: rows.length, items: rows.map(serviceJson) })
  if (rows.length === 0) {
    terminal.print(['no service has been used yet through limits, a breaker or a probe'])
    return
  }
  const titles = ['service', 'rate', 'at once', 'breaker', 'health'].map((title) => ({ title }))
  const lines = rows.map((row): readonly Cell[] => [
    row.service,
    rateOf(row),
    atOnceOf(row),
    breakerOf(row, now),
    healthOf(row, now),
  ])
  terminal.print(table(titles, lines, terminal))
}

function serviceJson(row: ServiceRow): JsonValue {
  const { service, rules, breaker, breakerWhy, allowed, complaint, held, wanted, workers } = row
  return {
    service,
    rate: rules.rate === null ? null : { ...rules.rate },
    concurrency: rules.concurrency,
    breaker,
    breakerUntil: isoOrNull(row.breakerUntil),
    breakerWhy,
    allowed,
    complaint,
    pausedUntil: isoOrNull(row.pausedUntil),
    held,
    wanted,
    workers,
    askedAt: isoOrNull(row.askedAt),
  }
}

function rateOf({ rules: { rate } }: ServiceRow): string {
  return rate === null ? '-' : `${count(rate.count)} in ${duration(rate.perMs)}`
}

function atOnceOf({ rules: { concurrency }, held, allowed }: ServiceRow): string {
  if (concurrency === null) return '-'
  return allowed === null
    ? `${count(held)} of ${count(concurrency)}`
    : `${count(held)} of ${count(allowed)} (${count(concurrency)})`
}

function breakerOf({ rules, breaker, breakerUntil, breakerWhy }: ServiceRow, now: number): Cell {
  if (rules.breaker === null) return '-'
  if (breaker === 'closed') return { text: 'closed', tone: 'good' }
  if (breaker === 'half-open') return { text: 'half open: one call tries', tone: 'warn' }
  const left = duration(Math.max(0, (breakerUntil ?? now) - now))
  return { text: `open for ${left}: ${breakerWhy ?? 'it failed'}`, tone: 'bad' }
}

function healthOf({ complaint, pausedUntil }: ServiceRow, now: number): Cell {
  if (pausedUntil !== null) return { text: `asked to be left alone for ${duration(pausedUntil - now)}`, tone: 'warn' }
  return complaint === null ? '' : { text: complaint, tone: 'warn' }
}
