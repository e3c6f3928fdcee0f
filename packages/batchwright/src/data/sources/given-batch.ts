import type { Fault } from '../../job/model.ts'
import type { Batch } from '../contract.ts'
import { exactJson } from '../formats/exact-json.ts'
import { ObjectBatch } from './object-batch.ts'

export interface GivenBatchOptions {
  /** What messages call the place the records come from; default `given`. */
  readonly source?: string
  readonly windowKey?: string | null
  /** The text each record came from; default: the record as exact JSON. */
  readonly raw?: (index: number) => string
  /** Number of the first record, from 1; default 1. */
  readonly firstRecord?: number
  /** Byte where a record starts; default unknown. */
  readonly offset?: number | null
}

/** A batch of records that somebody holds in memory: for tests, samples, single dead letters. */
export function givenBatch(records: readonly (object | Fault)[], options: GivenBatchOptions = {}): Batch {
  const { source = 'given', windowKey = null, firstRecord = 1, offset = null } = options
  return new ObjectBatch(records, null, {
    digest: source,
    bytes: 0,
    positionAfter: (row) => row,
    locate: (row) => ({ source, windowKey, record: firstRecord + row, offset }),
    raw: options.raw ?? ((row) => exactJson(records[row] ?? {})),
  })
}
