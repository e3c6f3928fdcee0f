import type { StagedSink } from '../../data/index.ts'
import type { Fault } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

/** A sink that holds each record against a contract and keeps none. Throws OUTPUT_INVALID as a staged sink does. */
export function checkingSink(check: (record: object) => Fault | null): StagedSink {
  const refuse = (records: readonly object[]): ReadonlyMap<number, BatchwrightError> => {
    const refused = new Map<number, BatchwrightError>()
    for (const [index, record] of records.entries()) {
      const fault = check(record)
      if (fault !== null) refused.set(index, outputInvalid(fault, index))
    }
    return refused
  }
  return {
    write: (records) => {
      for (const error of refuse(records).values()) throw error
    },
    refuse,
    commit: () => Promise.resolve({ sealed: [], open: null }),
    finish: () => Promise.resolve([]),
    abort: () => Promise.resolve(),
    bytesWritten: 0,
  }
}

function outputInvalid(fault: Fault, index: number): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_INVALID',
    message: `a record to be written does not meet the contract: ${fault.message}`,
    hint: 'Return exactly the fields that the contract declares, each of its type, or reject the record.',
    details: { index, reason: fault.reason, column: fault.column },
  })
}
