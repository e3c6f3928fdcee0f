import type { DeadLetter, StagedSink, StagedSinkOptions } from '../contract.ts'
import { openRowSink } from './row-sink.ts'

/** A staged sink whose records are dead letters. */
export interface DeadLetterSink extends StagedSink {
  write(records: readonly DeadLetter[]): void | Promise<void>
}

/**
 * Dead letters as JSON Lines, in one part of an attempt, named `<name>-00000.jsonl`. Errors: OUTPUT_LOST, DISK_FULL,
 * OUTPUT_UNWRITABLE.
 */
export function openDeadLetterSink(options: StagedSinkOptions): Promise<DeadLetterSink> {
  return openRowSink(
    {
      format: 'jsonl',
      extension: 'jsonl',
      header: '',
      line: JSON.stringify,
      check: null,
      convert: null,
    },
    { ...options, recordsPerPart: Infinity },
  )
}
