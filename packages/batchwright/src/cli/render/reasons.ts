/** Dead letters by step and reason, with how near they are to what the job allows. */
import type { Limit } from '../../job/index.ts'
import { REASONS } from '../catalogue/reasons.ts'
import type { StepView } from '../view.ts'
import type { Tone } from './paint.ts'
import type { Column, TableStyle } from './table.ts'
import { table } from './table.ts'
import { count, percent } from './text.ts'

/** What a step allows. */
export interface StepLimits {
  /** By rule; `*` for the others. */
  readonly rejects: ReadonlyMap<string, Limit>
  /** For records that failed: causes `contract` and `error`. */
  readonly skip: Limit
}

const REASON_COLUMNS: readonly Column[] = [
  { title: 'step', shrinkTo: 6 },
  { title: 'reason', shrinkTo: 16 },
  { title: 'records', align: 'right' },
  { title: 'of read', align: 'right', dropOrder: 1 },
  { title: 'limit', align: 'right', dropOrder: 2 },
]

/** The most frequent first. Limits are shown where it is known which one a reason falls under. */
export function reasonLines(
  steps: readonly StepView[],
  limits: ReadonlyMap<string, StepLimits>,
  style: TableStyle,
): readonly string[] {
  const rows = steps.flatMap((step) => {
    const allowed = limits.get(step.name)
    return Object.entries(step.counters.reasons)
      .sort(([, left], [, right]) => right - left)
      .map(([reason, records]) => {
        const limit = allowed === undefined ? null : limitOf(step, reason, allowed)
        const tone = limit === null ? 'plain' : toneOfShare(limit, records, step.counters.read)
        return [
          step.name,
          reason,
          { text: count(records), tone },
          { text: percent(records, step.counters.read), tone },
          limit === null ? '' : limitText(limit),
        ]
      })
  })
  return rows.length === 0 ? [] : table(REASON_COLUMNS, rows, style)
}

/** The limit that counts a reason, alone or with others; null where it cannot be told from the counters. */
function limitOf({ counters }: StepView, reason: string, { rejects, skip }: StepLimits): Limit | null {
  const named = rejects.get(reason)
  if (named !== undefined) return named
  const unexpected = counters.deadByContract + counters.deadByError
  if (unexpected === 0) return rejects.get('*') ?? null
  const others = Object.entries(counters.reasons).filter(([each]) => !rejects.has(each))
  const failed = others.reduce((sum, [each, records]) => sum + (isOfFailure(each) ? records : 0), 0)
  if (failed !== unexpected) return null
  return isOfFailure(reason) ? skip : (rejects.get('*') ?? null)
}

/** Whether a reason looks like a broken contract or an error's code. A rule may be called so, too: the sums tell. */
function isOfFailure(reason: string): boolean {
  return Object.hasOwn(REASONS, reason) || /^[A-Z]/.test(reason)
}

function limitText({ ratio, count: most }: Limit): string {
  const parts = [
    ...(ratio === null ? [] : [`${Number((ratio * 100).toFixed(3))} %`]),
    ...(most === null ? [] : [count(most)]),
  ]
  return parts.length === 0 ? 'none' : parts.join(', ')
}

/** From four fifths of a limit on, it is worth a look. */
const NEAR = 0.8

function toneOfShare({ ratio, count: most }: Limit, records: number, read: number): Tone {
  const allowed = Math.min(ratio === null ? Infinity : ratio * read, most ?? Infinity)
  if (ratio === null && most === null) return 'bad'
  if (records > allowed) return 'bad'
  return records >= NEAR * allowed ? 'warn' : 'plain'
}
