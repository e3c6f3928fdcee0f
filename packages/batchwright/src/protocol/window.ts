/**
 * A slice of data time as plain JSON: what runs, dataset versions and locations are named by.
 * Bounds are instants; `key` is unique for its kind and sorts in time order within it.
 */
export interface WindowValue {
  readonly kind: 'hour' | 'day' | 'week' | 'month' | 'interval'
  /** `2011-01`, `2011-01-04`, `2011-W02`, `2011-01-04T10`, or `2011-01-04T10:15:00Z` for other intervals. */
  readonly key: string
  /** First instant, ISO 8601 in UTC, inclusive. */
  readonly start: string
  /** End, ISO 8601 in UTC, exclusive. */
  readonly end: string
  /** IANA name of the zone the bounds were computed in. */
  readonly timezone: string
}
