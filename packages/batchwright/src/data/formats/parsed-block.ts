import type { Fault } from '../../job/model.ts'

/** The bytes of one block, as a parser takes them. */
export interface BlockBytes {
  /** The block's bytes and one newline more, at `length`. Where the last record is too large, only its beginning. */
  readonly bytes: Buffer
  /** Bytes of the block held in `bytes`. */
  readonly length: number
  /** Bytes of the block in the file: more than `length` where the last record was cut. */
  readonly total: number
}

/** Some records of a block, with the bytes that each stands on, counted from the block's start. */
export interface ParsedBlock {
  readonly records: (object | Fault)[]
  readonly starts: Float64Array
  readonly ends: Float64Array
  /** Where the next record starts: at the block's `total` or beyond when none is left in it. */
  readonly next: number
}

/** Parses a block's records in order, `limit` at a time. */
export interface BlockParser {
  /** At most `limit` records from byte `from` on. What a block shares is worked out once, for calls in a row on the same one. */
  parse(block: BlockBytes, from: number, limit: number): ParsedBlock
}

export const LF = 10
export const CR = 13
