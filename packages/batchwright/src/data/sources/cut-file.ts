import type { PartitionPolicy } from '../../job/model.ts'
import type { ScannedFile } from '../snapshot/scan-file.ts'

/** Some blocks of a file: [from, to). */
export interface Cut {
  readonly from: number
  readonly to: number
  readonly offset: number
  readonly bytes: number
  readonly records: number
  readonly share: { readonly share: number; readonly of: number } | null
}

/** Below this a plain file is one partition under `auto`, and larger ones are cut into pieces of about this size. */
export const AUTO_PARTITION_BYTES = 64 * 1024 * 1024

/** Cuts a file by a policy. Depends on the file and the policy only, so that the same plan is made on every machine. */
export function cutFile(scanned: ScannedFile, policy: PartitionPolicy): readonly Cut[] {
  if (scanned.records === 0) return []
  if (policy.by === 'keyHash') {
    const whole = cutBlocks(scanned, 0, scanned.blocks.length)
    const of = policy.count ?? 1
    return Array.from({ length: of }, (_, share) => ({ ...whole, share: { share, of } }))
  }
  if (scanned.compression === 'gzip' || policy.by === 'file') return [cutBlocks(scanned, 0, scanned.blocks.length)]
  if (policy.by === 'rows') return cutWhere(scanned, everyRows(policy.size ?? Number.POSITIVE_INFINITY))
  const size = policy.by === 'bytes' ? (policy.size ?? AUTO_PARTITION_BYTES) : evenSize(scanned.bytes)
  return cutWhere(scanned, (block) => Math.floor(block.offset / size))
}

/** Pieces of equal size, none larger than AUTO_PARTITION_BYTES. */
function evenSize(bytes: number): number {
  return Math.ceil(bytes / Math.ceil(bytes / AUTO_PARTITION_BYTES))
}

function everyRows(rows: number): (block: { readonly recordsBefore: number }) => number {
  return (block) => Math.floor(block.recordsBefore / rows)
}

/** Cuts between blocks whose pieces differ; a piece without records is joined to the one before. */
function cutWhere(
  scanned: ScannedFile,
  pieceOf: (block: { readonly offset: number; readonly recordsBefore: number }) => number,
): readonly Cut[] {
  const { blocks } = scanned
  const cuts: Cut[] = []
  let from = 0
  for (let index = 1; index < blocks.length; index += 1) {
    const last = blocks.at(index - 1)
    const next = blocks.at(index)
    const empty = next.recordsBefore === blocks.at(from).recordsBefore || next.recordsBefore === scanned.records
    if (empty || pieceOf(last) === pieceOf(next)) continue
    cuts.push(cutBlocks(scanned, from, index))
    from = index
  }
  cuts.push(cutBlocks(scanned, from, blocks.length))
  return cuts
}

function cutBlocks({ blocks, records }: ScannedFile, from: number, to: number): Cut {
  const first = blocks.at(from)
  const last = blocks.at(to - 1)
  const recordsAfter = to === blocks.length ? records : blocks.at(to).recordsBefore
  return {
    from,
    to,
    offset: first.offset,
    bytes: last.offset + last.bytes - first.offset,
    records: recordsAfter - first.recordsBefore,
    share: null,
  }
}
