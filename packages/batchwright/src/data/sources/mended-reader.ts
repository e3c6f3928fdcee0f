import type { Fault, RecordPosition } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type {
  Batch,
  BatchReader,
  CutRefused,
  CutRequest,
  DeadLetter,
  PartitionCut,
  PartitionPiece,
} from '../contract.ts'
import type { Mending, MendedSource } from './mending.ts'
import { isObject } from './payload.ts'
import { keepShare, type Share } from './share.ts'

export interface MendedShare {
  readonly share: Share | null
  readonly key: ((record: object) => string) | null
}

/** A partition with mended letters in the places of the records they came from; everything else as it is in the source. */
export class MendedReader implements BatchReader {
  readonly #reader: BatchReader
  readonly #mending: Mending
  readonly #share: MendedShare

  /** `reader` gives the records of all shares. */
  constructor(reader: BatchReader, mending: Mending, share: MendedShare) {
    this.#reader = reader
    this.#mending = mending
    this.#share = share
  }

  async read(): Promise<Batch | null> {
    for (;;) {
      const batch = await this.#reader.read()
      if (batch === null) return null
      const mended = this.#mend(batch)
      if (mended.records.length > 0 || batch.records.length === 0) return mended
    }
  }

  async cut(request: CutRequest): Promise<PartitionCut | CutRefused> {
    if (this.#reader.cut === undefined) return { refused: 'its source cannot be cut' }
    const pieces = await this.#reader.cut(request)
    if ('refused' in pieces) return pieces
    return { ...pieces, own: this.#ofShare(pieces.own), rest: pieces.rest.map((piece) => this.#ofShare(piece)) }
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  /** The reader behind this one reads all shares: its pieces do not know whose they are. */
  #ofShare(piece: PartitionPiece): PartitionPiece {
    const { share } = this.#share
    if (share === null || !isObject(piece.payload)) return piece
    return { ...piece, payload: { ...piece.payload, share: { ...share } }, records: null }
  }

  #mend(batch: Batch): Batch {
    if (batch.records.length === 0) return batch
    const { source, record: first } = batch.locate(0)
    const mended = this.#mending.sources.get(source)
    const letters = mended === undefined ? NO_LETTERS : lettersOf(batch, mended, first)
    const { share, key } = this.#share
    if (letters.size === 0 && share === null) return batch
    const records = batch.records.map((record, row) => {
      const letter = letters.get(row)
      return letter === undefined ? record : this.#mending.read(letter)
    })
    return new MendedBatch(batch, records, letters, share === null ? null : keepShare(records, first, share, key))
  }
}

const NO_LETTERS: ReadonlyMap<number, DeadLetter> = new Map()

/** The letters of a batch, by row. A batch is of one source, and holds all its records from `first` on. */
function lettersOf(batch: Batch, { records, letters }: MendedSource, first: number): ReadonlyMap<number, DeadLetter> {
  const found = new Map<number, DeadLetter>()
  for (let at = lowerBound(records, first); at < records.length; at += 1) {
    const record = records[at] ?? 0
    const row = record - first
    if (row >= batch.records.length) break
    const letter = letters.get(record)
    if (letter !== undefined) found.set(row, letter)
  }
  return found
}

/** The place of the first number that is not below `least`. */
function lowerBound(numbers: readonly number[], least: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] ?? 0) < least) low = middle + 1
    else high = middle
  }
  return low
}

class MendedBatch implements Batch {
  readonly digest: string
  readonly bytes: number
  readonly records: readonly (object | Fault)[]
  readonly #source: Batch
  readonly #letters: ReadonlyMap<number, DeadLetter>
  /** Rows of the source's batch that this one has; null for all. */
  readonly #kept: readonly number[] | null

  constructor(
    source: Batch,
    records: readonly (object | Fault)[],
    letters: ReadonlyMap<number, DeadLetter>,
    kept: readonly number[] | null,
  ) {
    this.digest = source.digest
    this.bytes = source.bytes
    this.#source = source
    this.#letters = letters
    this.#kept = kept
    this.records = kept === null ? records : kept.flatMap((row) => records[row] ?? [])
  }

  positionAfter(index: number): JsonValue {
    return this.#source.positionAfter(this.#row(index))
  }

  locate(index: number): RecordPosition {
    return this.#source.locate(this.#row(index))
  }

  bytesBefore(index: number): number {
    if (index === 0) return 0
    return this.#source.bytesBefore?.(this.#row(index)) ?? Math.floor((this.bytes * index) / this.records.length)
  }

  raw(index: number): string {
    const row = this.#row(index)
    return this.#letters.get(row)?.raw ?? this.#source.raw(row)
  }

  #row(index: number): number {
    const row = this.#kept === null ? index : this.#kept[index]
    if (row === undefined) throw new RangeError(`record ${index} of a batch of ${this.records.length}`)
    return row
  }
}
