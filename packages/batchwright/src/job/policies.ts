import {
  parseDuration,
  parseLimitRate,
  parseRatio,
  parseSize,
  type Duration,
  type Rate,
  type Ratio,
  type Size,
} from '../kernel/units.ts'
import type { CommitPolicy, Limit, PartitionPolicy, RetryBudget, RetryPolicy } from './model.ts'
import { checkOptions, definitionError, show } from './names.ts'

/** `'1%'` of the records read, judged at the end; a count, judged at once; or both. */
export type LimitOption = Ratio | number | { readonly ratio?: Ratio; readonly count?: number }

/** How often a task that fails is tried again, and after how long. */
export interface RetryOptions {
  /** Attempts in all, the first included; default 3. `1` for none. */
  readonly attempts?: number
  readonly backoff?: {
    /** Delay before the second attempt; default 1s. */
    readonly first?: Duration
    /** No delay is longer; default 1min. */
    readonly max?: Duration
    /** Each delay is this many times the one before; default 2. */
    readonly multiplier?: number
    /** Share of the delay that is drawn at random; default 0.2. */
    readonly jitter?: number
  }
  /** Codes of errors worth a retry beside those that pass by themselves; `*` for all. */
  readonly errors?: readonly string[]
}

/** How fast the tasks of one run are tried again, all together. */
export interface RetryBudgetOptions {
  /** At most so many retries in any second, minute or hour; default 50/s. */
  readonly rate?: Rate
  /** `wait` (default): further retries wait for their turn. `fail`: the run fails. */
  readonly beyond?: 'wait' | 'fail'
}

/** When an attempt commits: the first of the three that is reached. A crash costs at most what was done since. */
export interface CommitOptions {
  /** Records given to the sink at once; default 1,000. */
  readonly chunk?: number
  /** A commit after this long at the latest; default 1s. */
  readonly every?: Duration
  /** A commit after this many chunks at the latest; by default time alone decides. */
  readonly everyChunks?: number
}

/** How large partitions are, or how many; and for `keyHash` what keeps records together. */
export interface PartitionOptions<Source> {
  /** Target size of a partition: a size for `bytes`, records for `rows`. */
  readonly size?: Size | number
  /** Number of partitions, for `keyHash`. */
  readonly count?: number
  /** Records of one key go to one partition, for `keyHash`. */
  readonly key?: (record: Source) => string
}

/** Transient trouble (a locked file, a lost connection) passes within a minute; more attempts only delay the news. */
export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 3,
  firstMs: 1000,
  maxMs: 60_000,
  multiplier: 2,
  jitter: 0.2,
  errors: [],
}

/** A second is the most work that a crash can cost; a flush a second costs a percent or so. */
export const DEFAULT_COMMIT: CommitPolicy = { chunk: 1000, everyChunks: Number.MAX_SAFE_INTEGER, everyMs: 1000 }

/** None: the first unexpected dead letter fails the task. Whoever can live with some says how many. */
export const NO_DEAD_LETTERS: Limit = { ratio: null, count: 0 }

export const DEFAULT_PARTITION: PartitionPolicy = { by: 'auto', size: null, count: null, key: null }

function invalid(place: string, problem: string, hint: string): Error {
  return definitionError('POLICY_INVALID', place, problem, hint)
}

function countFrom(place: string, least: number, value: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw invalid(
    place,
    `expected a whole number from ${least}, found ${show(value)}`,
    `For example ${Math.max(least, 1)}.`,
  )
}

export function parseLimit(place: string, option: LimitOption): Limit {
  if (typeof option === 'number') return { ratio: null, count: countFrom(place, 0, option) }
  if (typeof option === 'string') return { ratio: parseRatio(option, place), count: null }
  checkOptions(place, option, ['ratio', 'count'])
  if (option.ratio === undefined && option.count === undefined)
    throw invalid(place, 'it sets no limit', 'Give ratio, count, or both.')
  return {
    ratio: option.ratio === undefined ? null : parseRatio(option.ratio, `${place} ratio`),
    count: option.count === undefined ? null : countFrom(`${place} count`, 0, option.count),
  }
}

export function parseRetry(place: string, options: RetryOptions): RetryPolicy {
  checkOptions(place, options, ['attempts', 'backoff', 'errors'])
  const backoff = options.backoff ?? {}
  checkOptions(`${place} backoff`, backoff, ['first', 'max', 'multiplier', 'jitter'])
  const attempts = countFrom(`${place} attempts`, 1, options.attempts ?? DEFAULT_RETRY.attempts)
  if (attempts === 1 && options.backoff !== undefined) {
    throw invalid(
      place,
      'attempts: 1 means no retry, and backoff says how to wait for one',
      'Raise attempts, or leave backoff out.',
    )
  }
  const firstMs =
    backoff.first === undefined ? DEFAULT_RETRY.firstMs : parseDuration(backoff.first, `${place} backoff first`)
  // A first delay beyond the usual cap, given alone, lifts the cap with it.
  const maxMs =
    backoff.max === undefined
      ? Math.max(DEFAULT_RETRY.maxMs, firstMs)
      : parseDuration(backoff.max, `${place} backoff max`)
  if (firstMs > maxMs)
    throw invalid(
      `${place} backoff`,
      `first (${firstMs} ms) is longer than max (${maxMs} ms)`,
      'Swap them, or raise max.',
    )
  const multiplier = backoff.multiplier ?? DEFAULT_RETRY.multiplier
  if (!(Number.isFinite(multiplier) && multiplier >= 1))
    throw invalid(
      `${place} backoff multiplier`,
      `expected a number from 1, found ${show(multiplier)}`,
      '2 doubles each delay.',
    )
  const jitter = backoff.jitter ?? DEFAULT_RETRY.jitter
  if (!(jitter >= 0 && jitter <= 1))
    throw invalid(
      `${place} backoff jitter`,
      `expected a share from 0 to 1, found ${show(jitter)}`,
      '0.2 is 20 % more or less.',
    )
  return { attempts, firstMs, maxMs, multiplier, jitter, errors: options.errors ?? [] }
}

/** Reads a retry budget; `false` for none. Throws POLICY_INVALID, UNIT_INVALID. */
export function parseRetryBudget(place: string, options: RetryBudgetOptions | false): RetryBudget | null {
  if (options === false) return null
  checkOptions(place, options, ['rate', 'beyond'])
  const { count, perMs } = parseLimitRate(options.rate ?? DEFAULT_RETRY_RATE, `${place} rate`)
  const beyond = options.beyond ?? 'wait'
  if (!BEYOND.has(beyond))
    throw invalid(`${place} beyond`, `expected wait or fail, found ${show(beyond)}`, "Leave it out for 'wait'.")
  return { count, perMs, beyond }
}

const BEYOND: ReadonlySet<string> = new Set(['wait', 'fail'])

/** A failing service is asked no more often by all retries of a run together; a handful of failed tasks never notices. */
const DEFAULT_RETRY_RATE: Rate = '50/s'

export function parseCommit(place: string, options: CommitOptions): CommitPolicy {
  checkOptions(place, options, ['chunk', 'every', 'everyChunks'])
  const everyMs = options.every === undefined ? DEFAULT_COMMIT.everyMs : parseDuration(options.every, `${place} every`)
  if (everyMs === 0)
    throw invalid(`${place} every`, 'expected more than nothing', 'everyChunks: 1 commits after every chunk.')
  return {
    chunk: countFrom(`${place} chunk`, 1, options.chunk ?? DEFAULT_COMMIT.chunk),
    everyChunks: countFrom(`${place} everyChunks`, 1, options.everyChunks ?? DEFAULT_COMMIT.everyChunks),
    everyMs,
  }
}

const PARTITION_OPTIONS: Readonly<Record<PartitionPolicy['by'], readonly string[]>> = {
  auto: [],
  file: [],
  bytes: ['size'],
  rows: ['size'],
  keyHash: ['count', 'key'],
}

export function parsePartition(
  place: string,
  by: PartitionPolicy['by'],
  options: PartitionOptions<never>,
): PartitionPolicy {
  if (!Object.hasOwn(PARTITION_OPTIONS, by)) {
    throw invalid(
      place,
      `expected ${Object.keys(PARTITION_OPTIONS).join(', ')}, found ${show(by)}`,
      "For example .partition('bytes', { size: '64MB' }).",
    )
  }
  checkOptions(`${place} ${by}`, options, PARTITION_OPTIONS[by])
  if (by !== 'keyHash') return { by, size: partitionSize(place, by, options.size), count: null, key: null }
  if (typeof options.key !== 'function' || options.count === undefined) {
    throw invalid(
      place,
      'partitions by keyHash need a count and a key',
      "For example .partition('keyHash', { count: 8, key: (line) => line.customer }).",
    )
  }
  // The step's own records are what it is called with: the chain's types have checked the function.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  const key = options.key as (record: object) => string
  return { by, size: null, count: countFrom(`${place} count`, 1, options.count), key }
}

function partitionSize(place: string, by: PartitionPolicy['by'], size: Size | number | undefined): number | null {
  if (size === undefined) return null
  if (by === 'rows' || typeof size === 'number') {
    if (typeof size === 'number') return countFrom(`${place} size`, 1, size)
    throw invalid(
      `${place} size`,
      `expected a number of records, found ${show(size)}`,
      "For example .partition('rows', { size: 100_000 }).",
    )
  }
  return countFrom(`${place} size`, 1, parseSize(size, `${place} size`))
}
