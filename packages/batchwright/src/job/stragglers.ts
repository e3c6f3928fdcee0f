/** What a step says of attempts that lag behind. */
import { parseDuration, parseRatio, type Duration, type Ratio } from '../kernel/units.ts'
import { checkOptions, definitionError, show } from './names.ts'

/** When a partition that is slow gets a second attempt beside the first. The first to finish wins; the other is stopped. */
export interface SpeculateOptions {
  /** Share of the step's other partitions that must have finished; default 75%. */
  readonly after?: Ratio
  /** The attempt takes this many times as long as its siblings took, by the median, for as many records; default 2. */
  readonly slowerThan?: number
  /** And at least this long; default 10s. */
  readonly atLeast?: Duration
}

/** `SpeculateOptions` with its defaults filled in. */
export interface Speculation {
  /** Share of the other partitions that have succeeded, 0 to 1. */
  readonly after: number
  /** Times the median, above 1. */
  readonly slowerThan: number
  readonly atLeastMs: number
}

const DEFAULT_SPECULATION: Speculation = { after: 0.75, slowerThan: 2, atLeastMs: 10_000 }

export function parseSpeculation(place: string, options: SpeculateOptions): Speculation {
  checkOptions(place, options, ['after', 'slowerThan', 'atLeast'])
  const slowerThan = options.slowerThan ?? DEFAULT_SPECULATION.slowerThan
  if (!(Number.isFinite(slowerThan) && slowerThan > 1)) {
    throw definitionError(
      'POLICY_INVALID',
      `${place} slowerThan`,
      `expected a number above 1, found ${show(slowerThan)}`,
      '2 copies what takes twice as long as its siblings took.',
    )
  }
  return {
    after: options.after === undefined ? DEFAULT_SPECULATION.after : parseRatio(options.after, `${place} after`),
    slowerThan,
    atLeastMs:
      options.atLeast === undefined
        ? DEFAULT_SPECULATION.atLeastMs
        : parseDuration(options.atLeast, `${place} atLeast`),
  }
}
