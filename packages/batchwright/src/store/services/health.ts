import type { ProbeReading, ProbeRule } from '../../protocol/index.ts'

/** How many requests at once a service is thought to bear: its limit, and less while it does badly. */
export interface Health {
  /** Null: as many as its limit says. */
  readonly allowed: number | null
  /** When the next probe is due, store's clock in milliseconds. */
  readonly probeAt: number
  /** `latency 812 ms, expected at most 200 ms`; null where the last probe found it well. */
  readonly complaint: string | null
}

export const NEW_HEALTH: Health = { allowed: null, probeAt: 0, complaint: null }

/**
 * Additive increase, multiplicative decrease: each bad reading halves what is allowed, down to one; each good one allows one
 * more, up to the limit. Several clients that do so come to equal shares and leave a little room (Chiu and Jain, 1989).
 */
export function adjust(health: Health, rule: ProbeRule, concurrency: number, reading: ProbeReading | null): Health {
  const allowed = Math.min(health.allowed ?? concurrency, concurrency)
  const complaint = reading === null ? 'its probe failed' : complaintOf(rule, reading)
  if (complaint !== null) return { ...health, allowed: Math.max(1, Math.floor(allowed / 2)), complaint }
  return { ...health, allowed: allowed + 1 >= concurrency ? null : allowed + 1, complaint: null }
}

/** Whether somebody should probe now: then the next probe is due a period later, whoever makes it. */
export function probeDue(
  health: Health,
  rule: ProbeRule,
  now: number,
): { readonly health: Health; readonly due: boolean } {
  if (health.probeAt > now) return { health, due: false }
  return { health: { ...health, probeAt: now + rule.everyMs }, due: true }
}

function complaintOf(rule: ProbeRule, reading: ProbeReading): string | null {
  return (
    above('latency', reading.latencyMs, rule.latencyMs, ' ms') ??
    above('lag', reading.lagMs, rule.lagMs, ' ms') ??
    above('load', reading.load, rule.load, '')
  )
}

function above(what: string, found: number | null, limit: number | null, unit: string): string | null {
  if (found === null || limit === null || found <= limit) return null
  return `${what} ${String(Math.round(found * 100) / 100)}${unit}, expected at most ${String(limit)}${unit}`
}
