import type { CutRefused, CutRequest, PartitionCut, PartitionPiece } from '../contract.ts'
import { cutAfter, keepUntil, nothingLeft } from './cut-evenly.ts'
import { readUpstreamPosition, upstreamPayload, type UpstreamPosition, type UpstreamSlice } from './payload.ts'
import type { UpstreamTask } from './plan-upstream.ts'

/** Cuts what is left of a slice of a step's output by its records: the list of its tasks says how many each has. */
export function cutUpstream(
  slice: UpstreamSlice,
  tasks: readonly UpstreamTask[],
  { batch, taken, pieces }: CutRequest,
): (Omit<PartitionCut, 'take'> & { readonly slice: UpstreamSlice }) | CutRefused {
  const list = new TaskList(tasks)
  const from = list.before(readUpstreamPosition(batch.positionAfter(taken - 1)) ?? BEGINNING)
  const start = list.before(slice.since ?? BEGINNING)
  const end = slice.until === null ? list.records : list.before(slice.until)
  const cuts = cutAfter(end - from, pieces).map((records) => from + records)
  const [first] = cuts
  if (first === undefined) return nothingLeft()
  const ends = [...cuts, end]
  const bounds = [slice.since, ...cuts.map((cut) => list.at(cut)), slice.until]
  const pieceAt = (index: number): UpstreamSlice => ({
    ...slice,
    since: bounds[index] ?? null,
    until: bounds[index + 1] ?? null,
  })
  const own = pieceAt(0)
  return {
    slice: own,
    keep: keepUntil(batch, taken, (position) => list.before(readUpstreamPosition(position) ?? BEGINNING) <= first),
    own: describe(own, list, start, first),
    rest: cuts.map((since, index) => describe(pieceAt(index + 1), list, since, ends[index + 1] ?? end)),
  }
}

const BEGINNING: UpstreamPosition = { task: 0, record: 0 }

/** The records of a partition's tasks, counted through. */
class TaskList {
  readonly #before: readonly number[]
  readonly records: number
  readonly bytes: number

  constructor(tasks: readonly UpstreamTask[]) {
    const before: number[] = []
    let [records, bytes] = [0, 0]
    for (const { parts } of tasks) {
      before.push(records)
      for (const part of parts) {
        records += part.records
        bytes += part.bytes
      }
    }
    this.#before = before
    this.records = records
    this.bytes = bytes
  }

  /** Records of the list before a position. */
  before({ task, record }: UpstreamPosition): number {
    return (this.#before[task] ?? this.records) + record
  }

  /** The position with this many records of the list before it. */
  at(records: number): UpstreamPosition {
    const task = this.#before.findLastIndex((before) => before <= records)
    return { task, record: records - (this.#before[task] ?? 0) }
  }
}

function describe(slice: UpstreamSlice, list: TaskList, since: number, until: number): PartitionPiece {
  const share = slice.share === null ? '' : ` key ${slice.share.share + 1}/${slice.share.of}`
  return {
    payload: upstreamPayload(slice),
    label: `${slice.step}${share} records ${since + 1}-${until}`,
    records: slice.share === null ? until - since : null,
    bytes: Math.ceil((list.bytes * (until - since)) / list.records),
  }
}
