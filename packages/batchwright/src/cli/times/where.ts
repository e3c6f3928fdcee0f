/** What the slots did with their time: a sum over all attempts, by what they were for and whether it counted. */
import type { TaskKind } from '../../protocol/index.ts'
import type { RunTimes } from './gather.ts'

export interface TimeShare {
  readonly what: 'planning' | 'partitions' | 'lost attempts' | 'verifying' | 'publishing'
  /** Slot time: two slots at work for a second are two seconds. */
  readonly ms: number
}

export interface WhereTime {
  readonly shares: readonly TimeShare[]
  /** Wall time in which nothing of the run was leased. */
  readonly idleMs: number
  readonly wallMs: number
  /** Most attempts at once. */
  readonly most: number
  /** Slot time used, of what `most` slots had in the wall time: 0 to 1. */
  readonly usedShare: number
}

export function whereTime({ totals, activity, from, to }: RunTimes): WhereTime {
  const sum = (kind: TaskKind, of: (group: RunTimes['totals'][number]) => number): number =>
    totals.filter((group) => group.kind === kind).reduce((all, group) => all + of(group), 0)
  const lost = totals.reduce((all, { outcomes, busyMs, succeededMs, lastEndedAt }) => {
    const bad = Object.keys(outcomes).some((outcome) => outcome !== 'succeeded')
    return all + (bad && lastEndedAt !== null ? busyMs - succeededMs : 0)
  }, 0)
  const busy = totals.reduce((all, { busyMs }) => all + busyMs, 0)
  const shares: readonly TimeShare[] = [
    { what: 'planning', ms: sum('plan', ({ succeededMs }) => succeededMs) },
    {
      what: 'partitions',
      ms: sum('partition', (group) => (group.lastEndedAt === null ? group.busyMs : group.succeededMs)),
    },
    { what: 'lost attempts', ms: lost },
    { what: 'verifying', ms: sum('verify', ({ succeededMs }) => succeededMs) },
    { what: 'publishing', ms: sum('publish', ({ succeededMs }) => succeededMs) },
  ]
  const wallMs = to - from
  return {
    shares: shares.filter(({ ms }) => ms > 0),
    idleMs: activity.idle.reduce((all, gap) => all + gap.to - gap.from, 0),
    wallMs,
    most: activity.most,
    usedShare: activity.most === 0 ? 0 : Math.min(1, busy / (wallMs * activity.most)),
  }
}
