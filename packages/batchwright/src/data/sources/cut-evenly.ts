/** What all sources share that can be cut at a record while they are read. */
import type { JsonValue } from '../../kernel/errors.ts'
import type { Batch, CutRefused } from '../contract.ts'

/**
 * After how many of `left` records each cut falls, so that the pieces are even. No piece is empty: fewer records than
 * pieces give fewer pieces, and fewer than two none to cut.
 */
export function cutAfter(left: number, pieces: number): readonly number[] {
  const count = Math.min(pieces, left)
  return Array.from({ length: Math.max(0, count - 1) }, (_, index) => Math.ceil((left * (index + 1)) / count))
}

/** How many records of a batch, of which `taken` are worked through, lie before a cut. */
export function keepUntil(batch: Batch, taken: number, isBefore: (position: JsonValue) => boolean): number {
  let keep = taken
  while (keep < batch.records.length && isBefore(batch.positionAfter(keep))) keep += 1
  return keep
}

export function nothingLeft(): CutRefused {
  return { refused: 'there is nothing left to give away' }
}
