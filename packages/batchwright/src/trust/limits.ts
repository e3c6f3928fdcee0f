import type { Limit } from '../job/index.ts'
import type { Counters } from '../protocol/index.ts'
import type { Finding } from './finding.ts'

const OTHERS = '*'

export interface LimitsRequest {
  readonly step: string
  readonly counters: Counters
  /** By rule; `*` is for all the other rules together. A rule without a limit may reject any number. */
  readonly rejects: ReadonlyMap<string, Limit>
  /** For the causes `contract` and `error` together. */
  readonly skip: Limit
}

/** Judges the limits of a whole step, when everything has been read: only then does a ratio mean something. */
export function judgeLimits({ step, counters, rejects, skip }: LimitsRequest): readonly Finding[] {
  const named = [...rejects].filter(([rule]) => rule !== OTHERS)
  const counted = named.map(([rule, limit]) => ({ rule, limit, count: counters.reasons[rule] ?? 0 }))
  const findings = counted.map(({ rule, limit, count }) =>
    judge(step, `rejects by ${rule}`, limit, count, counters.read),
  )
  const others = rejects.get(OTHERS)
  if (others !== undefined) {
    const inNamed = counted.reduce((sum, { count }) => sum + count, 0)
    const count = Math.max(0, counters.deadByRule - inNamed)
    findings.push(judge(step, 'rejects by other rules', others, count, counters.read))
  }
  const unexpected = counters.deadByContract + counters.deadByError
  return [...findings, judge(step, 'records that failed (skip)', skip, unexpected, counters.read)]
}

function judge(step: string, name: string, limit: Limit, count: number, read: number): Finding {
  const passed = within(limit, count, read)
  return {
    kind: 'limit',
    name,
    severity: 'block',
    passed,
    expected: limitText(limit),
    found: `${count} of ${read}${read === 0 ? '' : ` (${percent(count / read)})`}`,
    hint: passed
      ? null
      : `Look at them with \`batchwright dead-letters list RUN --step ${step}\`. Mend the rule or raise the limit in the job file, then \`batchwright retry RUN --from ${step}\`; or mend the data, then \`batchwright rerun JOB --window WINDOW\`.`,
    samples: [],
  }
}

/** Whether a number of dead letters among the records read is within a limit. Exactly at it is within. */
export function within(limit: Limit, count: number, read: number): boolean {
  if (limit.count === null && limit.ratio === null) return count === 0
  if (limit.count !== null && count > limit.count) return false
  return limit.ratio === null || count <= limit.ratio * read
}

function limitText(limit: Limit): string {
  const parts = [
    ...(limit.count === null ? [] : [String(limit.count)]),
    ...(limit.ratio === null ? [] : [percent(limit.ratio)]),
  ]
  return parts.length === 0 ? 'none' : `at most ${parts.join(' and ')}`
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`
}
