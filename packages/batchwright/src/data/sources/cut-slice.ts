import path from 'node:path'
import type { JsonValue } from '../../kernel/errors.ts'
import type { CutRefused, CutRequest, PartitionCut, PartitionPiece } from '../contract.ts'
import { readBlockRange } from '../snapshot/block-index.ts'
import type { Block } from '../snapshot/block-scanner.ts'
import { cutAfter, keepUntil, nothingLeft } from './cut-evenly.ts'
import { filePayload, readLinePosition, type FileSlice, type LinePosition } from './payload.ts'

/** A slice cut into pieces; `slice` is the one that stays with its reader. */
export type SliceCut = Omit<PartitionCut, 'take'> & { readonly slice: FileSlice }

/** Where the record after the first `records` of a block from byte `at` on starts, counted from the block's start. */
export type FindRecord = (block: Block, at: number, records: number) => Promise<number>

/**
 * Cuts what is left of a slice at exact records: the block index knows the block of each cut by its record number, and
 * that block alone is read to find the byte.
 */
export async function cutSlice(
  slice: FileSlice,
  { batch, taken, pieces }: CutRequest,
  runFolder: string,
  find: FindRecord,
): Promise<SliceCut | CutRefused> {
  const from = linePosition(batch.positionAfter(taken - 1))
  const { start, blocks } = await blocksFrom(slice, runFolder, from)
  const end = slice.until ?? endOf(blocks, from)
  const targets = cutAfter(end.record - from.record, pieces).map((records) => from.record + records)
  if (targets.length === 0) return nothingLeft()
  const cuts: LinePosition[] = []
  for (const record of targets) cuts.push({ record, offset: await offsetOf(record, blocks, slice, find) })
  const bounds = [slice.since, ...cuts, slice.until]
  const pieceAt = (index: number): FileSlice => within(slice, bounds[index] ?? null, bounds[index + 1] ?? null, blocks)
  const keep = keepUntil(batch, taken, (position) => linePosition(position).record <= (targets[0] ?? 0))
  const own = pieceAt(0)
  const ends = [...cuts, end]
  return {
    slice: own,
    keep,
    own: describe(own, start, cuts[0] ?? end),
    rest: cuts.map((cut, index) => describe(pieceAt(index + 1), cut, ends[index + 1] ?? end)),
  }
}

function linePosition(position: JsonValue): LinePosition {
  return readLinePosition(position) ?? { offset: 0, record: 0 }
}

/** A block with its place in the index file. */
interface IndexedBlock extends Block {
  readonly entry: number
}

/** Where the slice starts, and its blocks that end behind a position. */
async function blocksFrom(
  slice: FileSlice,
  runFolder: string,
  from: LinePosition,
): Promise<{ readonly start: LinePosition; readonly blocks: readonly IndexedBlock[] }> {
  const blocks: IndexedBlock[] = []
  let start = slice.since
  let entry = slice.blocks.from
  for await (const block of readBlockRange(runFolder, slice.blocks)) {
    start ??= { offset: block.offset, record: block.recordsBefore }
    if (block.offset + block.bytes > from.offset) blocks.push({ ...block, entry })
    entry += 1
  }
  return { start: start ?? from, blocks }
}

function endOf(blocks: readonly Block[], from: LinePosition): LinePosition {
  const last = blocks.at(-1)
  if (last === undefined) return from
  return { offset: last.offset + last.bytes, record: last.recordsBefore + last.records }
}

async function offsetOf(record: number, blocks: readonly Block[], slice: FileSlice, find: FindRecord): Promise<number> {
  // Blocks without records are skipped: no record starts in them.
  const block = blocks.find(({ recordsBefore, records }) => record < recordsBefore + records)
  if (block === undefined) throw new RangeError(`record ${record} of ${slice.path} is in none of its blocks`)
  const start = Math.max(block.offset, slice.dataOffset)
  if (record === block.recordsBefore) return start
  return block.offset + (await find(block, start - block.offset, record - block.recordsBefore))
}

/** A piece of a slice, with the blocks that it needs. */
function within(
  slice: FileSlice,
  since: LinePosition | null,
  until: LinePosition | null,
  blocks: readonly IndexedBlock[],
): FileSlice {
  const first = since === null ? undefined : blocks.find(({ offset, bytes }) => offset + bytes > since.offset)
  const last = until === null ? undefined : blocks.findLast(({ offset }) => offset < until.offset)
  return {
    ...slice,
    blocks: {
      ...slice.blocks,
      from: since === slice.since ? slice.blocks.from : (first?.entry ?? slice.blocks.from),
      to: until === slice.until ? slice.blocks.to : (last?.entry ?? slice.blocks.to - 1) + 1,
    },
    since,
    until,
  }
}

function describe(slice: FileSlice, since: LinePosition, until: LinePosition): PartitionPiece {
  const records = `records ${since.record + 1}-${until.record}`
  const share = slice.share === null ? '' : ` key ${slice.share.share + 1}/${slice.share.of}`
  return {
    payload: filePayload(slice),
    label: `${path.posix.basename(slice.path)}${share} ${records}`,
    records: slice.share === null ? until.record - since.record : null,
    bytes: until.offset - since.offset,
  }
}
