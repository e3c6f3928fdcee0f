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

/** The records of a block, with the bytes that each stands on, counted from the block's start. */
export interface ParsedBlock {
  readonly records: (object | Fault)[]
  readonly starts: Float64Array
  readonly ends: Float64Array
}

/** Parses the records of a block from byte `from` on; at most `limit` records are in it. */
export interface BlockParser {
  parse(block: BlockBytes, from: number, limit: number): ParsedBlock
}

export const LF = 10
export const CR = 13
