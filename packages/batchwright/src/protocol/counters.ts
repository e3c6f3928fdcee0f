/**
 * What became of records. Invariant 1: `read = written + dropped + dead` where a step writes one record for one, and
 * `read = accepted + dropped + dead` always; `written` counts output records and differs from `accepted` only in
 * one-to-many and in reduce steps.
 */
export interface Counters {
  /** Records taken from the source, faulty ones included. */
  readonly read: number
  /** Input records whose output went to the sink. */
  readonly accepted: number
  /** Output records given to the sinks, those of named outputs included. */
  readonly written: number
  /** Of them, the records of each named output. Absent where the step names none. */
  readonly named?: Readonly<Record<string, number>>
  /** Files written, by file output. They are no records. Absent where the step has none. */
  readonly files?: Readonly<Record<string, number>>
  readonly dropped: number
  /** Dead letters by cause. */
  readonly deadByRule: number
  readonly deadByContract: number
  readonly deadByError: number
  /** Dead letters by reason: rule names, contract reasons, error codes. */
  readonly reasons: Readonly<Record<string, number>>
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Retries of single records or chunk writes inside attempts. */
  readonly retries: number
}

/** What every count begins with. */
export const NO_COUNTERS: Counters = {
  read: 0,
  accepted: 0,
  written: 0,
  dropped: 0,
  deadByRule: 0,
  deadByContract: 0,
  deadByError: 0,
  reasons: {},
  bytesRead: 0,
  bytesWritten: 0,
  retries: 0,
}

/** Exact decimal sums, by name of the control: `{ amount: '3984466.251' }`. */
export type ControlTotals = Readonly<Record<string, string>>
