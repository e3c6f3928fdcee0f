import type { LogLine } from '../protocol/index.ts'

/** Name of the log inside the run's folder. */
export const RUN_LOG_FILE = 'log.jsonl'

/** A line of a run's log as it is kept: where it came from, then what was said. */
export interface RunLogLine extends LogLine {
  /** Null for lines about the run itself. */
  readonly step: string | null
  /** Partition index; null outside partitions. */
  readonly index: number | null
  readonly attempt: number | null
}
