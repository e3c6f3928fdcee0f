import type { StagedSink } from '../../data/index.ts'
import type { Fault } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

/** A sink that holds each record against a contract and keeps none. Throws OUTPUT_INVALID as a staged sink does. */
export function checkingSink(check: (record: object) => Fault | null): StagedSink {
  return {
    write: (records) => {
      for (const [index, record] of records.entries()) {
        const fault = check(record)
        if (fault !== null) throw outputInvalid(fault, index)
      }
    },
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
    hint: 'return exactly the fields that the contract declares, each of its type, or reject the record',
    details: { index, reason: fault.reason, column: fault.column },
  })
}
