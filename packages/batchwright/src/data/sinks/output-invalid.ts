import type { Fault } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

/** A record that does not meet the contract of the dataset it is written to. `details.index` is its place in the call. */
export function outputInvalid(fault: Fault, index: number): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_INVALID',
    message: `a record to be written does not meet the contract: ${fault.message}`,
    hint: 'Return exactly the fields that the contract declares, each of its type, or reject the record.',
    details: { index, reason: fault.reason, column: fault.column },
  })
}
