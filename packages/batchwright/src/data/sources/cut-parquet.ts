import path from 'node:path'
import type { JsonValue } from '../../kernel/errors.ts'
import type { CutRefused, CutRequest, PartitionCut, PartitionPiece } from '../contract.ts'
import { cutAfter, keepUntil, nothingLeft } from './cut-evenly.ts'
import { isObject, number, parquetPayload, type ParquetSlice } from './payload.ts'

/** Cuts what is left of a Parquet part by its records, which the engine that reads it counts off. */
export function cutParquet(
  slice: ParquetSlice,
  { batch, taken, pieces }: CutRequest,
): (Omit<PartitionCut, 'take'> & { readonly slice: ParquetSlice }) | CutRefused {
  const from = recordOf(batch.positionAfter(taken - 1))
  const cuts = cutAfter(slice.until - from, pieces).map((records) => from + records)
  const [first] = cuts
  if (first === undefined) return nothingLeft()
  const ends = [...cuts.slice(1), slice.until]
  const own = { ...slice, until: first }
  return {
    slice: own,
    keep: keepUntil(batch, taken, (position) => recordOf(position) <= first),
    own: describe(own),
    rest: cuts.map((since, index) => describe({ ...slice, since, until: ends[index] ?? slice.until })),
  }
}

function recordOf(position: JsonValue): number {
  return isObject(position) ? number(position['record']) : 0
}

function describe(slice: ParquetSlice): PartitionPiece {
  const records = slice.until - slice.since
  const share = slice.share === null ? '' : ` key ${slice.share.share + 1}/${slice.share.of}`
  return {
    payload: parquetPayload(slice),
    label: `${path.basename(slice.path)}${share} records ${slice.since + 1}-${slice.until}`,
    records: slice.share === null ? records : null,
    bytes: Math.ceil((slice.bytes * records) / slice.records),
  }
}
